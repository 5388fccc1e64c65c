// Package oauth is the endpoints at which programs sign people in by OAuth
// 2.0, and the metadata by which they find them. What people see of it is in
// homeserver/api/web/portal; what is decided is in homeserver/oauth.
package oauth

import (
	"context"
	"encoding/json"
	"net/http"

	"plenum/homeserver/oauth"
	"plenum/internal/httpx"
)

const (
	v1       = "/_matrix/client/v1"
	unstable = "/_matrix/client/unstable"

	spec = "client-server-api#"
)

// maxForm is how many bytes a request may have.
const maxForm = 64 << 10

// Revoker ends sessions. *account.Accounts implements it.
type Revoker interface {
	Revoke(ctx context.Context, token string) error
}

// Options are what the metadata tell.
type Options struct {
	PublicURL string // where clients reach this server, without a slash at the end
	SignUp    bool   // people can open accounts on the pages
}

// API serves programs.
type API struct {
	server   *oauth.Server
	accounts Revoker
	metadata httpx.JSON
	base     string
}

// New returns the endpoints of server.
func New(server *oauth.Server, accounts Revoker, opt Options) *API {
	metadata, err := json.Marshal(metadataOf(opt))
	if err != nil {
		panic("oauth: " + err.Error()) // it is ours
	}
	return &API{server: server, accounts: accounts, metadata: metadata, base: opt.PublicURL}
}

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v1+"/auth_metadata", httpx.Anyone, spec+"get_matrixclientv1auth_metadata", httpx.RateDefault, a.tellMetadata).
			Also(unstable+"/org.matrix.msc2965/auth_metadata", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
		httpx.Post(oauth.RegisterPath, httpx.Anyone, spec+"client-registration", httpx.RateLogin, a.register).Limit(maxForm),
		httpx.Raw(http.MethodPost, oauth.TokenPath, httpx.Anyone, spec+"grant-types", httpx.RateDefault, a.token).Limit(maxForm),
		httpx.Raw(http.MethodPost, oauth.DevicePath, httpx.Anyone, spec+"device-authorisation-flow", httpx.RateLogin, a.device).Limit(maxForm),
		httpx.Raw(http.MethodPost, oauth.RevokePath, httpx.Anyone, spec+"token-revocation", httpx.RateDefault, a.revoke).Limit(maxForm),
	}
}

// tellMetadata is GET /auth_metadata.
func (a *API) tellMetadata(context.Context, *httpx.Request[httpx.None]) (*httpx.Answer, error) {
	return &httpx.Answer{Header: http.Header{"Cache-Control": {"public, max-age=600"}}, Body: a.metadata}, nil
}

// linkURL is where people type the code of a device.
func (a *API) linkURL() string { return a.base + oauth.LinkPath }
