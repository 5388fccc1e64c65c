// Package delayed is the client-server API by which events that are to be sent
// later are looked up and managed; they are scheduled where events are sent. What
// happens is decided by homeserver/delayed; here is how it travels.
//
// The paths with the prefix of the proposal are what clients use, and they ask
// nobody for a token: whoever is given the id of a delayed event, such as a
// server for calls, may manage it. Those clients take M_NOT_FOUND for "it is not
// scheduled any more", whatever became of it. The paths that were accepted are
// for the owner alone, and tell what stands against it.
package delayed

import (
	"context"
	"net/http"

	"plenum/homeserver/delayed"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	v1       = "/_matrix/client/v1"
	unstable = "/_matrix/client/unstable/org.matrix.msc4140"

	proposal = "MSC4140"
)

// API serves delayed events to clients.
type API struct{ events *delayed.Events }

// New returns the API over e.
func New(e *delayed.Events) *API { return &API{events: e} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const one = "/delayed_events/{delayId}"
	routes := []httpx.Route{
		httpx.Get(v1+"/delayed_events", httpx.User, proposal, httpx.RateDelayed, a.list).Also(unstable + "/delayed_events"),
		httpx.Get(v1+one, httpx.User, proposal, httpx.RateDelayed, a.get).Also(unstable + one),
		httpx.Post(unstable+one, httpx.Anyone, proposal, httpx.RateDelayed, a.update),
	}
	for _, what := range []delayed.Action{delayed.Send, delayed.Cancel, delayed.Restart} {
		path := one + "/" + string(what)
		routes = append(routes,
			httpx.Post(v1+path, httpx.User, proposal, httpx.RateDelayed, a.manage(what)),
			httpx.Post(unstable+path, httpx.Anyone, proposal, httpx.RateDelayed, a.manageByID(what)))
	}
	return routes
}

// manage is POST /v1/delayed_events/{delayId}/{action}.
func (a *API) manage(what delayed.Action) func(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return func(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
		return httpx.None{}, a.events.Do(ctx, r.Principal, r.Path("delayId"), what)
	}
}

// manageByID is POST /unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}.
func (a *API) manageByID(what delayed.Action) func(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return func(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
		return httpx.None{}, a.byID(ctx, r.Path("delayId"), what)
	}
}

type updateRequest struct {
	Action *delayed.Action `json:"action"`
}

// update is POST /unstable/org.matrix.msc4140/delayed_events/{delayId}, as the
// proposal had it at first.
func (a *API) update(ctx context.Context, r *httpx.Request[updateRequest]) (httpx.None, error) {
	if r.Body.Action == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "action is missing.")
	}
	switch what := *r.Body.Action; what {
	case delayed.Send, delayed.Cancel, delayed.Restart:
		return httpx.None{}, a.byID(ctx, r.Path("delayId"), what)
	}
	return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "action is send, cancel or restart.")
}

// byID does what somebody who knows the id asks for. What stands against it
// because of what became of the event is "not found" to today's clients.
func (a *API) byID(ctx context.Context, delayID string, what delayed.Action) error {
	err := a.events.Do(ctx, matrix.Principal{}, delayID, what)
	if delayed.IsSettled(err) {
		return &matrix.Error{Code: matrix.NotFound, Text: "There is no such delayed event any more.", Status: http.StatusNotFound}
	}
	return err
}

// list is GET /delayed_events.
func (a *API) list(ctx context.Context, r *httpx.Request[httpx.None]) (map[string][]info, error) {
	all, err := a.events.List(ctx, r.Principal)
	out := make([]info, len(all))
	for i := range all {
		out[i] = newInfo(&all[i])
	}
	return map[string][]info{"delayed_events": out}, err
}

// get is GET /delayed_events/{delayId}.
func (a *API) get(ctx context.Context, r *httpx.Request[httpx.None]) (info, error) {
	one, err := a.events.Get(ctx, r.Principal, r.Path("delayId"))
	return newInfo(&one), err
}
