// Package discovery is the client-server API by which clients find this
// server and find out what it can do. Its answers are the same for everybody
// and are made once.
package discovery

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"plenum/calls"
	"plenum/internal/httpx"
)

// Options are what there is to find out.
type Options struct {
	PublicURL  string // where clients reach this server: https://matrix.example.org
	Federation string // host and port where other servers reach it; "" means that it does not say

	RoomVersions []string // that rooms may have, all of them stable
	RoomVersion  string   // of new rooms
	Encrypted    []string // presets whose rooms are encrypted whether the client asks for it or not

	Issuer      string // of OAuth 2.0; empty: people do not sign in by it
	AccountPage string // where people look after their account, with Issuer

	Contacts    []Contact // whom to ask for help
	SupportPage string    // where to find help

	Previews    bool   // links are looked at for clients
	MinPassword int    // characters
	WebPush     string // key with which browsers subscribe to notifications; empty: they cannot

	MaxDelay     time.Duration // how much later events can be sent
	MaxScheduled int           // how many of one user; 0: none

	Transports []calls.Transport // for calls of more than two people

	Healthy func(context.Context) error // nil while the server is well
}

// Contact is somebody who looks after this server.
//
// Spec: client-server-api#getwell-knownmatrixsupport
type Contact struct {
	Role     string `json:"role"` // m.role.admin, m.role.moderator, m.role.dpo or m.role.security
	MatrixID string `json:"matrix_id,omitempty"`
	Email    string `json:"email_address,omitempty"`
}

// API answers who looks for this server.
type API struct {
	healthy      func(context.Context) error
	versions     httpx.JSON
	capabilities httpx.JSON
	moderating   httpx.JSON // capabilities of an administrator
	client       *httpx.Answer
	server       *httpx.Answer // nil: not told
	support      *httpx.Answer // nil: not told
	minPassword  int
}

// New returns the API of a server with these options.
func New(opt Options) *API {
	a := &API{
		healthy:      opt.Healthy,
		minPassword:  opt.MinPassword,
		versions:     encode(supported(opt)),
		capabilities: encode(capabilitiesOf(opt, false)),
		moderating:   encode(capabilitiesOf(opt, true)),
	}
	a.client, a.server, a.support = wellKnown(opt)
	return a
}

// encode makes an answer of what is ours and can always be encoded.
func encode(v any) httpx.JSON {
	b, err := json.Marshal(v)
	if err != nil {
		panic("discovery: " + err.Error())
	}
	return b
}

const (
	v3   = "/_matrix/client/v3"
	spec = "client-server-api#"
)

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return append(a.policyRoutes(),
		httpx.Get("/_matrix/client/versions", httpx.Anyone, spec+"get_matrixclientversions", httpx.RateDefault, a.getVersions),
		httpx.Get(v3+"/capabilities", httpx.User, spec+"get_matrixclientv3capabilities", httpx.RateDefault, a.getCapabilities),
		httpx.Get("/.well-known/matrix/client", httpx.Anyone, spec+"getwell-knownmatrixclient", httpx.RateDefault, told(a.client)),
		httpx.Get("/.well-known/matrix/support", httpx.Anyone, spec+"getwell-knownmatrixsupport", httpx.RateDefault, told(a.support)),
		httpx.Get("/.well-known/matrix/server", httpx.Anyone, "server-server-api#getwell-knownmatrixserver", httpx.RateDefault, told(a.server)),
		httpx.Get(v3+"/voip/turnServer", httpx.User, spec+"get_matrixclientv3voipturnserver", httpx.RateDefault, turnServer),
		httpx.Raw(http.MethodGet, "/_health", httpx.Anyone, "", httpx.NoLimit, a.health),
	)
}

// getVersions is GET /_matrix/client/versions.
func (a *API) getVersions(context.Context, *httpx.Request[httpx.None]) (httpx.JSON, error) {
	return a.versions, nil
}

// getCapabilities is GET /_matrix/client/v3/capabilities.
func (a *API) getCapabilities(_ context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	if r.Principal.Admin {
		return a.moderating, nil
	}
	return a.capabilities, nil
}

// turnServer is GET /_matrix/client/v3/voip/turnServer. There is no server to
// relay calls; clients take {} for that.
func turnServer(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, nil
}

// health is GET /_health, for whoever keeps an eye on the server.
func (a *API) health(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := a.healthy(r.HTTP.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, err := w.Write([]byte("not well\n"))
		return err
	}
	_, err := w.Write([]byte("OK\n"))
	return err
}
