package httpx

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plenum/internal/matrix"
)

// mux serves a table of routes.
type mux struct {
	tree    tree
	nowhere *match // stands for the route of requests that none is for
	auth    Authenticator
	server  ServerAuthenticator
	limits  *limiter
	proxies []netip.Prefix
	metrics *metrics
	log     *slog.Logger
}

// endpoint is a route as it is served.
type endpoint struct {
	Route
	series *series
}

// NewMux returns a handler that serves routes. It panics when the table is
// wrong: two routes for the same requests, a pattern that cannot be, an alias
// with other parameters, or nobody to check the callers of a route.
func NewMux(routes []Route, opt Options) http.Handler {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	m := &mux{
		auth:    opt.Auth,
		server:  opt.ServerAuth,
		limits:  newLimiter(opt.Limits, opt.Now),
		proxies: opt.TrustedProxies,
		metrics: newMetrics(opt.Metrics),
		log:     opt.Log,
	}
	m.nowhere = &match{endpoint: m.endpoint(Route{Pattern: "none", serve: notServed})}
	for _, r := range routes {
		m.add(r)
	}
	return m
}

func (m *mux) endpoint(r Route) *endpoint {
	return &endpoint{Route: r, series: m.metrics.series(r)}
}

func (m *mux) add(r Route) {
	if r.Access == Server && m.server == nil || r.Access != Server && r.Access != Anyone && m.auth == nil {
		panic(fmt.Sprintf("httpx: nobody checks the callers of %s %s", r.Method, r.Pattern))
	}
	e := m.endpoint(r)
	names := parameters(r.Pattern)
	for _, p := range r.Paths() {
		if !slices.Equal(parameters(p), names) {
			panic(fmt.Sprintf("httpx: %s has other parameters than %s", p, r.Pattern))
		}
		m.tree.add(p, match{endpoint: e, names: names})
	}
}

// ServeHTTP answers one request.
func (m *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w.Header())
	if r.Method == http.MethodOptions {
		preflight(w)
		return
	}
	x := &exchange{mux: m, http: r, out: writer{ResponseWriter: w}, start: time.Now()}
	x.find()
	x.do()
}

// notServed says that there is nothing at this path, or nothing for this
// method. Clients find out by it what a server can do.
//
// Spec: client-server-api#common-error-codes
func notServed(x *exchange) error {
	if len(x.allow) == 0 {
		return matrix.Errorf(matrix.Unrecognized, "There is nothing at this path.")
	}
	x.out.Header().Set("Allow", strings.Join(x.allow, ", "))
	return &matrix.Error{Code: matrix.Unrecognized, Status: http.StatusMethodNotAllowed, Text: "This path does not take this method."}
}
