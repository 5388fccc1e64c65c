// Package room is the client-server API of rooms: creating, joining, sending,
// reading. What happens is decided by package rooms; here is how it travels.
package room

import (
	"slices"

	"plenum/homeserver/delayed"
	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/rooms"
)

const (
	v1 = "/_matrix/client/v1"
	v3 = "/_matrix/client/v3"

	spec = "client-server-api#"
)

// API serves rooms to clients.
type API struct {
	rooms    *rooms.Rooms
	userdata *userdata.Data
	later    *delayed.Events
}

// New returns the API over r. Whom a user ignores is known to d, and what is to
// be sent later goes to later.
func New(r *rooms.Rooms, d *userdata.Data, later *delayed.Events) *API {
	return &API{rooms: r, userdata: d, later: later}
}

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return slices.Concat(a.readingRoutes(), a.stateRoutes(), a.relationRoutes(),
		a.membershipRoutes(), a.sendingRoutes(), a.redactingRoutes(), a.laterRoutes(), a.spaceRoutes(), a.reportRoutes())
}
