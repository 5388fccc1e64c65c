package room

import (
	"context"
	"encoding/json"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) membershipRoutes() []httpx.Route {
	const room = v3 + "/rooms/{roomId}"
	return []httpx.Route{
		httpx.Post(v3+"/join/{roomIdOrAlias}", httpx.UserNotSuspended, spec+"post_matrixclientv3joinroomidoralias", httpx.RateJoin, a.join),
		httpx.Post(room+"/join", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidjoin", httpx.RateJoin, a.join),
		httpx.Post(v3+"/knock/{roomIdOrAlias}", httpx.UserNotSuspended, spec+"post_matrixclientv3knockroomidoralias", httpx.RateJoin, a.knock),
		httpx.Post(room+"/leave", httpx.User, spec+"post_matrixclientv3roomsroomidleave", httpx.RateDefault, a.leave),
		httpx.Post(room+"/forget", httpx.User, spec+"post_matrixclientv3roomsroomidforget", httpx.RateDefault, a.forget),
		httpx.Post(room+"/invite", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidinvite", httpx.RateInvite, a.invite),
		httpx.Post(room+"/kick", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidkick", httpx.RateDefault, a.change(a.rooms.Kick)),
		httpx.Post(room+"/ban", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidban", httpx.RateDefault, a.change(a.rooms.Ban)),
		httpx.Post(room+"/unban", httpx.UserNotSuspended, spec+"post_matrixclientv3roomsroomidunban", httpx.RateDefault, a.change(a.rooms.Unban)),
		httpx.Get(v3+"/joined_rooms", httpx.User, spec+"get_matrixclientv3joined_rooms", httpx.RateDefault, a.joined),
	}
}

// memberRequest is the body of every change of membership.
type memberRequest struct {
	User   id.UserID `json:"user_id"`
	Reason string    `json:"reason"`
	// Of invitations by other means, which this server does not know.
	Medium  string `json:"medium"`
	Address string `json:"address"`
}

type roomResponse struct {
	Room id.RoomID `json:"room_id"`
}

// target returns the room that the path names by id or alias, and the servers
// through which it can be entered, as far as client or alias name them.
func target[T any](ctx context.Context, a *API, r *httpx.Request[T]) (id.RoomID, []string, error) {
	name := r.Path("roomIdOrAlias")
	if name == "" {
		name = r.Path("roomId")
	}
	query := r.HTTP.URL.Query()
	via := append(query["via"], query["server_name"]...) // the latter from before version 1.12
	if strings.HasPrefix(name, "#") {
		room, servers, err := a.rooms.Locate(ctx, id.RoomAlias(name))
		return room, append(servers, via...), err
	}
	if !strings.HasPrefix(name, "!") {
		return "", nil, matrix.Errorf(matrix.InvalidParam, "%q is neither the id nor an alias of a room.", name)
	}
	return id.RoomID(name), via, nil
}

// join is POST /join/{roomIdOrAlias} and POST /rooms/{roomId}/join.
func (a *API) join(ctx context.Context, r *httpx.Request[json.RawMessage]) (roomResponse, error) {
	return a.enter(ctx, r, a.rooms.Join)
}

// knock is POST /knock/{roomIdOrAlias}.
func (a *API) knock(ctx context.Context, r *httpx.Request[json.RawMessage]) (roomResponse, error) {
	return a.enter(ctx, r, a.rooms.Knock)
}

// enter joins a room or knocks on it. What else the client says goes into the
// member event, as other servers do it.
func (a *API) enter(ctx context.Context, r *httpx.Request[json.RawMessage], how func(context.Context, matrix.Principal, rooms.MemberChange) error) (roomResponse, error) {
	room, via, err := target(ctx, a, r)
	if err != nil {
		return roomResponse{}, err
	}
	content := map[string]json.RawMessage{}
	if err := json.Unmarshal(r.Body, &content); len(r.Body) > 0 && err != nil {
		return roomResponse{}, matrix.Errorf(matrix.BadJSON, "The body is a JSON object.")
	}
	c := rooms.MemberChange{Room: room, Via: via}
	if raw, ok := content["reason"]; ok && json.Unmarshal(raw, &c.Reason) != nil {
		return roomResponse{}, matrix.Errorf(matrix.BadJSON, "reason is a text.")
	}
	for _, ours := range []string{"reason", "membership", "displayname", "avatar_url", "third_party_signed", "join_authorised_via_users_server", "is_direct"} {
		delete(content, ours)
	}
	if len(content) > 0 {
		if c.Content, err = json.Marshal(content); err != nil {
			return roomResponse{}, err
		}
	}
	return roomResponse{room}, how(ctx, r.Principal, c)
}

// leave is POST /rooms/{roomId}/leave.
func (a *API) leave(ctx context.Context, r *httpx.Request[memberRequest]) (httpx.None, error) {
	return httpx.None{}, a.rooms.Leave(ctx, r.Principal, rooms.MemberChange{Room: id.RoomID(r.Path("roomId")), Reason: r.Body.Reason})
}

// forget is POST /rooms/{roomId}/forget.
func (a *API) forget(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	return httpx.None{}, a.rooms.Forget(ctx, r.Principal, id.RoomID(r.Path("roomId")))
}

// invite is POST /rooms/{roomId}/invite.
func (a *API) invite(ctx context.Context, r *httpx.Request[memberRequest]) (httpx.None, error) {
	if r.Body.Medium != "" || r.Body.Address != "" {
		return httpx.None{}, matrix.Errorf(matrix.ThreePIDDenied, "This server invites nobody by e-mail or telephone.")
	}
	return a.change(a.rooms.Invite)(ctx, r)
}

// change is a change of somebody else's membership.
func (a *API) change(how func(context.Context, matrix.Principal, rooms.MemberChange) error) func(context.Context, *httpx.Request[memberRequest]) (httpx.None, error) {
	return func(ctx context.Context, r *httpx.Request[memberRequest]) (httpx.None, error) {
		if r.Body.User == "" {
			return httpx.None{}, matrix.Errorf(matrix.MissingParam, "user_id is missing.")
		}
		return httpx.None{}, how(ctx, r.Principal, rooms.MemberChange{Room: id.RoomID(r.Path("roomId")), User: r.Body.User, Reason: r.Body.Reason})
	}
}

type joinedResponse struct {
	Rooms []id.RoomID `json:"joined_rooms"`
}

// joined is GET /joined_rooms.
func (a *API) joined(ctx context.Context, r *httpx.Request[httpx.None]) (joinedResponse, error) {
	list, err := a.rooms.JoinedRooms(ctx, r.Principal.User)
	return joinedResponse{list}, err
}
