// Package userdata is the client-server API of what users keep for
// themselves: account data, tags, filters, receipts, typing, presence.
package userdata

import (
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	v3   = "/_matrix/client/v3"
	user = v3 + "/user/{userId}"
	room = v3 + "/rooms/{roomId}"
	spec = "client-server-api#"
)

// API serves user data.
type API struct {
	data *userdata.Data
}

// New returns the API over d.
func New(d *userdata.Data) *API { return &API{data: d} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return slices.Concat(a.accountDataRoutes(), a.readingRoutes(), a.presenceRoutes())
}

// self returns the user that the path names, who has to be who asks.
func self[T any](r *httpx.Request[T]) (id.UserID, error) {
	if user := id.UserID(r.Path("userId")); user != r.Principal.User {
		return "", matrix.Errorf(matrix.Forbidden, "This belongs to another user.")
	}
	return r.Principal.User, nil
}
