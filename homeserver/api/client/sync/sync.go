// Package sync is the client-server API by which clients follow what happens.
// What an answer contains is decided by homeserver/sync; here is how it
// travels.
package sync

import (
	"context"
	"math"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sync"
	"plenum/internal/httpx"
)

// API serves syncs to clients.
type API struct{ sync *sync.Syncer }

// New returns the API over s.
func New(s *sync.Syncer) *API { return &API{sync: s} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Get("/_matrix/client/v3/sync", httpx.User, "client-server-api#get_matrixclientv3sync", httpx.RateDefault, a.get),
		httpx.Get("/_matrix/client/v3/events", httpx.User, "client-server-api#get_matrixclientv3events", httpx.RateDefault, a.events),
	}
}

// events is GET /_matrix/client/v3/events, the way to follow what happens from
// before there was /sync.
func (a *API) events(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	timeout, err := timeout(r)
	if err != nil {
		return nil, err
	}
	answer, err := a.sync.Stream(ctx, r.Principal, sync.StreamQuery{From: r.Query("from"), Room: id.RoomID(r.Query("room_id")), Timeout: timeout})
	return answer, err
}

// timeout is how long a client wants to wait for news.
func timeout(r *httpx.Request[httpx.None]) (time.Duration, error) {
	ms, err := r.QueryInt("timeout", 0)
	return time.Duration(min(ms, math.MaxInt32)) * time.Millisecond, err
}

// get is GET /_matrix/client/v3/sync.
func (a *API) get(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	q, err := query(r)
	if err != nil {
		return nil, err
	}
	answer, err := a.sync.Sync(ctx, r.Principal, q)
	return answer, err
}

// query reads what a client asks for.
func query(r *httpx.Request[httpx.None]) (sync.Query, error) {
	q := sync.Query{Since: r.Query("since"), Filter: r.Query("filter"), SetPresence: r.Query("set_presence")}
	var err error
	if q.Timeout, err = timeout(r); err != nil {
		return q, err
	}
	if q.FullState, err = r.QueryBool("full_state"); err != nil {
		return q, err
	}
	q.StateAfter, err = stateAfter(r)
	return q, err
}

// stateAfter returns the name under which a client wants the state after the
// timeline, empty when it does not. Clients ask by the name that was used
// before this was part of the specification, or by both.
func stateAfter(r *httpx.Request[httpx.None]) (string, error) {
	const prefix = "org.matrix.msc4222."
	wanted, err := r.QueryBool("use_state_after")
	if err != nil || wanted {
		return "state_after", err
	}
	if wanted, err = r.QueryBool(prefix + "use_state_after"); err != nil || !wanted {
		return "", err
	}
	return prefix + "state_after", nil
}
