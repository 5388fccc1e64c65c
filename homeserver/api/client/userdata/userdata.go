// Package userdata is the client-server API of what users keep on the server
// for themselves: account data, tags, filters; and of what they let others
// know in passing: receipts, typing, presence. The rules are in
// homeserver/userdata; here is how they travel.
package userdata

import (
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	v3      = "/_matrix/client/v3"
	msc3391 = "/_matrix/client/unstable/org.matrix.msc3391"

	spec = "client-server-api#"
)

// API serves user data to clients.
type API struct {
	data *userdata.Data
}

// New returns the API over d.
func New(d *userdata.Data) *API { return &API{data: d} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return slices.Concat(a.accountDataRoutes(), a.tagRoutes(), a.filterRoutes(), a.receiptRoutes(), a.presenceRoutes(), a.threadRoutes())
}

// own returns the user whom the path names, who must be who asks.
func own[T any](r *httpx.Request[T]) (id.UserID, error) {
	if user := id.UserID(r.Path("userId")); user != r.Principal.User {
		return "", matrix.Errorf(matrix.Forbidden, "This is for %s alone.", user)
	}
	return r.Principal.User, nil
}

// room returns the room that the path names, empty when it names none.
func room[T any](r *httpx.Request[T]) id.RoomID { return id.RoomID(r.Path("roomId")) }
