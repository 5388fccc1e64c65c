// Package rtc is the client-server API of calls of more than two people.
package rtc

import (
	"context"

	"plenum/calls"
	"plenum/internal/httpx"
)

// API serves calls to clients.
type API struct{ calls *calls.Calls }

// New returns the API over c.
func New(c *calls.Calls) *API { return &API{calls: c} }

// Routes lists the endpoints. The stable path is served only once the proposal
// is accepted.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Get("/_matrix/client/unstable/org.matrix.msc4143/rtc/transports", httpx.User, "MSC4143", httpx.RateDefault, a.transports),
	}
}

type transportsResponse struct {
	Transports []calls.Transport `json:"rtc_transports"`
}

// transports is GET /unstable/org.matrix.msc4143/rtc/transports.
func (a *API) transports(context.Context, *httpx.Request[httpx.None]) (transportsResponse, error) {
	return transportsResponse{a.calls.Transports()}, nil
}
