package server

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// templateResponse is the template of a member event.
type templateResponse struct {
	Version string          `json:"room_version"`
	Event   json.RawMessage `json:"event"`
}

func templateOf(t *rooms.MemberTemplate, err error) (templateResponse, error) {
	if err != nil {
		return templateResponse{}, err
	}
	return templateResponse{t.Version, t.Event}, nil
}

// versions are the room versions that the asking server knows.
func versions(r *httpx.Request[httpx.None]) []string {
	if !r.HasQuery("ver") {
		return []string{"1"}
	}
	return r.QueryAll("ver")
}

// makeJoin is GET /make_join/{roomId}/{userId}.
func (a *API) makeJoin(ctx context.Context, r *httpx.Request[httpx.None]) (templateResponse, error) {
	return templateOf(a.rooms.MakeJoin(ctx, r.Origin, id.RoomID(r.Path("roomId")), id.UserID(r.Path("userId")), versions(r)))
}

// makeKnock is GET /make_knock/{roomId}/{userId}.
func (a *API) makeKnock(ctx context.Context, r *httpx.Request[httpx.None]) (templateResponse, error) {
	return templateOf(a.rooms.MakeKnock(ctx, r.Origin, id.RoomID(r.Path("roomId")), id.UserID(r.Path("userId")), versions(r)))
}

// makeLeave is GET /make_leave/{roomId}/{userId}.
func (a *API) makeLeave(ctx context.Context, r *httpx.Request[httpx.None]) (templateResponse, error) {
	return templateOf(a.rooms.MakeLeave(ctx, r.Origin, id.RoomID(r.Path("roomId")), id.UserID(r.Path("userId"))))
}

// mayTalk refuses servers that the room keeps out.
func (a *API) mayTalk(ctx context.Context, room id.RoomID, server string) error {
	ok, err := a.rooms.ServerMayTalk(ctx, room, server)
	if err == nil && !ok {
		err = matrix.Errorf(matrix.Forbidden, "The room does not let %s take part.", server)
	}
	return err
}

// accept hands an event that the path names to fn.
func (a *API) accept(ctx context.Context, r *httpx.Request[json.RawMessage], fn func(context.Context, string, id.RoomID, id.EventID, json.RawMessage) (*rooms.Event, error)) (*rooms.Event, error) {
	room := id.RoomID(r.Path("roomId"))
	if err := a.mayTalk(ctx, room, r.Origin); err != nil {
		return nil, err
	}
	return fn(ctx, r.Origin, room, id.EventID(r.Path("eventId")), r.Body)
}

// sendJoin is PUT /v2/send_join/{roomId}/{eventId}.
func (a *API) sendJoin(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.JSON, error) {
	fewMembers, err := r.QueryBool("omit_members")
	if err != nil {
		return nil, err
	}
	join, err := a.accept(ctx, r, a.rooms.AcceptJoin)
	if err != nil {
		return nil, err
	}
	if err := a.whole.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer a.whole.Release(1)
	h, err := a.rooms.ServeJoined(ctx, join, fewMembers)
	if err != nil {
		return nil, err
	}
	servers, err := json.Marshal(h.Servers)
	if err != nil {
		return nil, err
	}
	out := newAnswer(h.State, h.Auth, []rooms.Served{h.Event})
	out.text("origin", a.rooms.ServerName())
	out.events("state", h.State)
	out.events("auth_chain", h.Auth)
	out.raw("event", h.Event.JSON)
	if h.MembersOmitted {
		out.raw("members_omitted", []byte("true"))
		out.raw("servers_in_room", servers)
	} else {
		out.raw("members_omitted", []byte("false"))
	}
	return out.end(), nil
}

// sendJoinV1 is PUT /v1/send_join/{roomId}/{eventId}.
func (a *API) sendJoinV1(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.JSON, error) {
	return oldForm(a.sendJoin(ctx, r))
}

// oldForm is how the first version of some endpoints answered: with the status
// in the body.
func oldForm(answer httpx.JSON, err error) (httpx.JSON, error) {
	if err != nil {
		return nil, err
	}
	return append(append([]byte("[200,"), answer...), ']'), nil
}

// sendLeave is PUT /v2/send_leave/{roomId}/{eventId}.
func (a *API) sendLeave(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.JSON, error) {
	_, err := a.accept(ctx, r, a.rooms.AcceptLeave)
	return httpx.JSON("{}"), err
}

// sendLeaveV1 is PUT /v1/send_leave/{roomId}/{eventId}.
func (a *API) sendLeaveV1(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.JSON, error) {
	return oldForm(a.sendLeave(ctx, r))
}

type knockResponse struct {
	State []json.RawMessage `json:"knock_room_state"`
}

// sendKnock is PUT /send_knock/{roomId}/{eventId}.
func (a *API) sendKnock(ctx context.Context, r *httpx.Request[json.RawMessage]) (knockResponse, error) {
	knock, err := a.accept(ctx, r, a.rooms.AcceptKnock)
	if err != nil {
		return knockResponse{}, err
	}
	rm, err := a.rooms.Room(ctx, knock.Room)
	if err != nil {
		return knockResponse{}, err
	}
	state, err := rm.StrippedFor(ctx, knock)
	return knockResponse{state}, err
}
