// Package sliding is the client-server API by which clients look at a part of
// their list of rooms. What an answer contains is decided by
// homeserver/sliding; here is how requests travel, in both their forms.
package sliding

import (
	"context"
	"math"
	"time"

	"plenum/homeserver/sliding"
	"plenum/internal/httpx"
)

// API serves sliding syncs to clients.
type API struct{ engine *sliding.Engine }

// New returns the API over e.
func New(e *sliding.Engine) *API { return &API{engine: e} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Post("/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", httpx.User, "MSC4186", httpx.RateDefault, a.unstable),
		httpx.Post("/_matrix/client/v4/sync", httpx.User, "MSC4186", httpx.RateDefault, a.v4),
	}
}

// unstable is POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync.
func (a *API) unstable(ctx context.Context, r *httpx.Request[body[pairs]]) (httpx.JSON, error) {
	q, err := r.Body.request(sliding.Unstable, r.Principal.User)
	if err != nil {
		return nil, err
	}
	timeout, err := r.QueryInt("timeout", 0)
	if err != nil {
		return nil, err
	}
	q.Pos, q.SetPresence, q.Timeout = r.Query("pos"), r.Query("set_presence"), wait(timeout)
	return a.engine.Sync(ctx, r.Principal, q)
}

// v4 is POST /_matrix/client/v4/sync.
func (a *API) v4(ctx context.Context, r *httpx.Request[body[elements]]) (httpx.JSON, error) {
	q, err := r.Body.request(sliding.V4, r.Principal.User)
	if err != nil {
		return nil, err
	}
	q.Pos, q.SetPresence, q.Timeout = r.Body.Pos, r.Body.SetPresence, wait(r.Body.Timeout)
	return a.engine.Sync(ctx, r.Principal, q)
}

// wait returns how long a client wants to wait, which it says in milliseconds.
func wait(ms int) time.Duration { return time.Duration(min(ms, math.MaxInt32)) * time.Millisecond }
