package server

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/rooms"
)

// stateAt returns the state of a room before the event that the query names.
func (a *API) stateAt(ctx context.Context, r *httpx.Request[httpx.None], write func(state, chain []rooms.Served) httpx.JSON) (httpx.JSON, error) {
	at, err := required(r, "event_id")
	if err != nil {
		return nil, err
	}
	if err := a.whole.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer a.whole.Release(1)
	state, chain, err := a.rooms.ServeState(ctx, r.Origin, id.RoomID(r.Path("roomId")), id.EventID(at))
	if err != nil {
		return nil, err
	}
	return write(state, chain), nil
}

// state is GET /state/{roomId}.
func (a *API) state(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	return a.stateAt(ctx, r, func(state, chain []rooms.Served) httpx.JSON {
		out := newAnswer(state, chain)
		out.events("pdus", state)
		out.events("auth_chain", chain)
		return out.end()
	})
}

// stateIDs is GET /state_ids/{roomId}.
func (a *API) stateIDs(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	return a.stateAt(ctx, r, func(state, chain []rooms.Served) httpx.JSON {
		out := newAnswer()
		out.ids("pdu_ids", state)
		out.ids("auth_chain_ids", chain)
		return out.end()
	})
}

// eventAuth is GET /event_auth/{roomId}/{eventId}.
func (a *API) eventAuth(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	chain, err := a.rooms.ServeEventAuth(ctx, r.Origin, id.RoomID(r.Path("roomId")), id.EventID(r.Path("eventId")))
	if err != nil {
		return nil, err
	}
	out := newAnswer(chain)
	out.events("auth_chain", chain)
	return out.end(), nil
}
