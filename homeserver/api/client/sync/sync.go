// Package sync is the client-server API by which clients follow what happens.
// What an answer contains is decided by homeserver/sync; here is how it
// travels.
package sync

import (
	"context"
	"math"
	"time"

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
	}
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
	timeout, err := r.QueryInt("timeout", 0)
	if err != nil {
		return q, err
	}
	q.Timeout = time.Duration(min(timeout, math.MaxInt32)) * time.Millisecond
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
