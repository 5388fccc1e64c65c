package httpx

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a mux needs besides its routes.
type Options struct {
	Auth       Authenticator       // needed unless every route is for Anyone or Server
	ServerAuth ServerAuthenticator // needed by routes for Server

	// Limits are how often one caller may ask, by class of routes. A class
	// that is missing has no limit; nil means no limits at all.
	Limits map[Rate]Limit

	// TrustedProxies are the addresses whose X-Forwarded-For is believed. A
	// connection over a Unix socket has no address and is believed if there
	// are any.
	TrustedProxies []netip.Prefix

	Metrics prometheus.Registerer // nil: nothing is counted
	Log     *slog.Logger
	Now     func() time.Time // nil means time.Now
}
