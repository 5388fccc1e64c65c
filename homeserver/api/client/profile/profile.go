// Package profile is the client-server API of profiles. What a profile may
// hold and who may see it is decided by homeserver/account.
package profile

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// API serves profiles to clients.
type API struct {
	accounts *account.Accounts
}

// New returns the API over a.
func New(a *account.Accounts) *API { return &API{accounts: a} }

// maxBody is more than a profile may hold.
const maxBody = 128 << 10

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		all      = "/_matrix/client/v3/profile/{userId}"
		one      = all + "/{keyName}"
		unstable = "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}"
		spec     = "client-server-api#"
	)
	return []httpx.Route{
		httpx.Get(all, httpx.Optional, spec+"get_matrixclientv3profileuserid", httpx.RateDefault, a.profile),
		httpx.Get(one, httpx.Optional, spec+"get_matrixclientv3profileuseridkeyname", httpx.RateDefault, a.field).Also(unstable),
		httpx.Put(one, httpx.User, spec+"put_matrixclientv3profileuseridkeyname", httpx.RateDefault, a.set).Also(unstable).Limit(maxBody),
		httpx.Delete(one, httpx.User, spec+"delete_matrixclientv3profileuseridkeyname", httpx.RateDefault, a.remove).Also(unstable),
	}
}

// fields are JSON values by the names of fields.
type fields map[string]json.RawMessage

// profile is GET /profile/{userId}.
func (a *API) profile(ctx context.Context, r *httpx.Request[httpx.None]) (fields, error) {
	all, err := a.accounts.Profile(ctx, r.Principal, id.UserID(r.Path("userId")))
	return fields(all), err
}

// field is GET /profile/{userId}/{keyName}.
func (a *API) field(ctx context.Context, r *httpx.Request[httpx.None]) (fields, error) {
	name := r.Path("keyName")
	value, err := a.accounts.ProfileField(ctx, r.Principal, id.UserID(r.Path("userId")), name)
	return fields{name: value}, err
}

// set is PUT /profile/{userId}/{keyName}.
func (a *API) set(ctx context.Context, r *httpx.Request[fields]) (httpx.None, error) {
	name := r.Path("keyName")
	value, ok := r.Body[name]
	if !ok {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "The body must hold the field that the path names.")
	}
	return httpx.None{}, a.accounts.SetProfileField(ctx, r.Principal, id.UserID(r.Path("userId")), name, value)
}

// remove is DELETE /profile/{userId}/{keyName}.
func (a *API) remove(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.accounts.SetProfileField(ctx, r.Principal, id.UserID(r.Path("userId")), r.Path("keyName"), nil)
}
