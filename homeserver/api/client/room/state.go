package room

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) stateRoutes() []httpx.Route {
	const room = v3 + "/rooms/{roomId}"
	return []httpx.Route{
		httpx.Get(room+"/state", httpx.User, spec+"get_matrixclientv3roomsroomidstate", httpx.RateDefault, a.state),
		httpx.Get(room+"/state/{eventType}/{stateKey?}", httpx.User, spec+"get_matrixclientv3roomsroomidstateeventtypestatekey", httpx.RateDefault, a.stateEvent),
		httpx.Get(room+"/members", httpx.User, spec+"get_matrixclientv3roomsroomidmembers", httpx.RateDefault, a.members),
		httpx.Get(room+"/joined_members", httpx.User, spec+"get_matrixclientv3roomsroomidjoined_members", httpx.RateDefault, a.joinedMembers),
	}
}

// state is GET /rooms/{roomId}/state.
func (a *API) state(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	rm, evs, err := a.rooms.StateFor(ctx, r.Principal, room(r))
	if err != nil {
		return nil, err
	}
	enc := rooms.Encoding{Principal: r.Principal, RoomID: true}
	return a.rooms.AppendEventList(ctx, make([]byte, 0, 512*len(evs)), enc, rm, evs)
}

// stateEvent is GET /rooms/{roomId}/state/{eventType}[/{stateKey}].
func (a *API) stateEvent(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	format := r.Query("format")
	if format != "" && format != "content" && format != "event" {
		return nil, matrix.Errorf(matrix.InvalidParam, "format is content or event.")
	}
	rm, e, err := a.rooms.StateEventFor(ctx, r.Principal, room(r), r.Path("eventType"), r.Path("stateKey"))
	if err != nil {
		return nil, err
	}
	if format != "event" {
		return httpx.JSON(e.Content().Raw), nil
	}
	return a.rooms.AppendEvents(ctx, nil, rooms.Encoding{Principal: r.Principal, RoomID: true}, rm, []*rooms.Event{e})
}

// members is GET /rooms/{roomId}/members.
func (a *API) members(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	at, err := token(r, "at")
	if err != nil {
		return nil, err
	}
	rm, evs, err := a.rooms.MembersFor(ctx, r.Principal, rooms.MembersQuery{
		Room: room(r), At: at, Is: r.Query("membership"), Not: r.Query("not_membership"),
	})
	if err != nil {
		return nil, err
	}
	enc := rooms.Encoding{Principal: r.Principal, RoomID: true}
	out, err := a.events(ctx, make(object, 0, 512*len(evs)), "chunk", enc, rm, evs)
	return out.end(), err
}

type joinedMembersResponse struct {
	Joined map[id.UserID]joinedMember `json:"joined"`
}

// joinedMember has null for what is not set: clients expect the names.
type joinedMember struct {
	Name   *string `json:"display_name"`
	Avatar *string `json:"avatar_url"`
}

// joinedMembers is GET /rooms/{roomId}/joined_members.
func (a *API) joinedMembers(ctx context.Context, r *httpx.Request[httpx.None]) (joinedMembersResponse, error) {
	list, err := a.rooms.JoinedMembers(ctx, r.Principal, room(r))
	if err != nil {
		return joinedMembersResponse{}, err
	}
	out := joinedMembersResponse{make(map[id.UserID]joinedMember, len(list))}
	for _, m := range list {
		out.Joined[m.User] = joinedMember{m.Name, m.Avatar}
	}
	return out, nil
}
