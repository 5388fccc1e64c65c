package server

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type inviteRequest struct {
	Version string            `json:"room_version"`
	Event   json.RawMessage   `json:"event"`
	State   []json.RawMessage `json:"invite_room_state"`
}

// invite is PUT /v2/invite/{roomId}/{eventId}.
func (a *API) invite(ctx context.Context, r *httpx.Request[inviteRequest]) (httpx.JSON, error) {
	if r.Body.Version == "" || len(r.Body.Event) == 0 {
		return nil, matrix.Errorf(matrix.MissingParam, "room_version and event are needed.")
	}
	return a.receiveInvite(ctx, r.Origin, r.Path, r.Body)
}

// inviteV1 is PUT /v1/invite/{roomId}/{eventId}, for the first room versions.
// Their state stands in the unsigned part of the event.
func (a *API) inviteV1(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.JSON, error) {
	q := inviteRequest{Version: "1", Event: r.Body}
	for _, e := range gjson.GetBytes(r.Body, "unsigned.invite_room_state").Array() {
		q.State = append(q.State, json.RawMessage(e.Raw))
	}
	return oldForm(a.receiveInvite(ctx, r.Origin, r.Path, q))
}

func (a *API) receiveInvite(ctx context.Context, origin string, path func(string) string, q inviteRequest) (httpx.JSON, error) {
	room := id.RoomID(path("roomId"))
	if err := a.mayTalk(ctx, room, origin); err != nil {
		return nil, err
	}
	signed, err := a.rooms.ReceiveInvite(ctx, origin, room, id.EventID(path("eventId")), q.Version, q.Event, q.State)
	if err != nil {
		return nil, err
	}
	out := newAnswer()
	out.raw("event", signed)
	return out.end(), nil
}
