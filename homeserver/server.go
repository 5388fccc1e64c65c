package homeserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plenum/config"
	"plenum/homeserver/api/admin"
	"plenum/homeserver/api/web"
	"plenum/homeserver/archive"
	"plenum/homeserver/listen"
	"plenum/internal/httpx"
	"plenum/internal/run"
)

// stopWithin is how long each part may take to stop. The listeners take the
// longest: they let running requests end.
const stopWithin = 30 * time.Second

// Server is one homeserver.
type Server struct {
	cfg     config.Config
	log     *slog.Logger
	metrics *prometheus.Registry
	parts   *parts
	backups *archive.Maker

	gate   *gate
	routes []httpx.Route
	client http.Handler // for everybody
	local  http.Handler // for the command line

	socket    net.Listener // for the command line; nil if it cannot be opened
	doors     []door
	front     *listen.Server    // nil when there are none
	automatic *listen.Automatic // nil unless certificates come by ACME
}

// New puts a server together. It claims the data folder and the database for
// this process and takes the addresses to listen on, but answers nobody before
// Run. A Server that is not run must be closed.
func New(ctx context.Context, cfg config.Config, log *slog.Logger) (*Server, error) {
	return NewInside(ctx, cfg, nil, log)
}

// NewInside is New for a server that reaches other servers through transport
// instead of the network: the host of a request is the name of the server.
func NewInside(ctx context.Context, cfg config.Config, transport http.RoundTripper, log *slog.Logger) (_ *Server, err error) {
	if err := claimFolder(cfg); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: log, metrics: newMetrics(), gate: newGate()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.parts, err = newParts(ctx, cfg, transport, log); err != nil {
		return nil, err
	}
	s.backups = newMaker(cfg, s.parts, log)
	registerStorage(s.metrics, s.parts.db)
	if s.parts.inbound != nil {
		s.metrics.MustRegister(s.parts.peers.Collectors()...)
		s.metrics.MustRegister(s.parts.inbound.Collectors()...)
		s.metrics.MustRegister(s.parts.outbox.Collectors()...)
	}
	s.routes = s.parts.routes(cfg)
	proxies, err := trustedProxies(cfg)
	if err != nil {
		return nil, err
	}
	s.client = s.gate.handler(httpx.NewMux(s.routes, httpx.Options{
		Auth:           s.parts.accounts,
		ServerAuth:     s.parts.serverAuth(),
		Limits:         limits(cfg),
		TrustedProxies: proxies,
		Metrics:        s.metrics,
		Log:            log,
	}))
	s.local = s.gate.handler(httpx.NewMux(admin.New(s.parts.accounts, s.backups, s.parts.notices, s.parts.exporter, Version()).Routes(), httpx.Options{Log: log}))
	s.openLocal(ctx)
	return s, s.open()
}

// Handler answers everything that clients and other servers ask.
func (s *Server) Handler() http.Handler { return s.client }

// Routes lists what Handler serves.
func (s *Server) Routes() []httpx.Route { return s.routes }

// Run lives until ctx ends or a part fails, and returns when everything has
// stopped and the database is closed.
func (s *Server) Run(ctx context.Context) error {
	g := run.Group{StopWithin: stopWithin, Log: s.log}
	g.Add("database", func(ctx context.Context) error {
		<-ctx.Done()
		return s.parts.db.Close()
	})
	s.parts.add(&g)
	g.Add("requests", s.gate.Run)
	if s.socket != nil {
		g.Add("command line", s.serveLocal)
	}
	g.Add("backups", s.backups.Run)
	s.addListeners(&g)
	// These stop first, so that nobody is waited for in vain.
	g.Add("long polls", s.parts.sync.Run)
	g.Add("sliding long polls", s.parts.sliding.Run)
	return g.Run(ctx)
}

// Close gives back what New has taken. It is for a Server that is not run.
func (s *Server) Close() error {
	var errs []error
	if s.front != nil {
		errs = append(errs, s.front.Close())
	}
	if s.socket != nil {
		s.closeLocal()
	}
	if s.parts != nil && s.parts.db != nil {
		errs = append(errs, s.parts.db.Close())
	}
	return errors.Join(errs...)
}

// FirstAdminLinks returns the addresses of the page on which the first account
// can be made, on this machine and from outside. There is none when there are
// accounts.
func (s *Server) FirstAdminLinks(ctx context.Context) ([]string, error) {
	token, err := s.parts.accounts.Bootstrap(ctx)
	if err != nil || token == "" {
		return nil, err
	}
	var links []string
	for _, a := range s.Addresses() {
		if a.forClients && !strings.HasPrefix(a.URL, "https:") { // no certificate is for an address
			links = append(links, a.URL+web.FirstAdminPath+token)
			break
		}
	}
	if s.cfg.ServerName != "localhost" || s.cfg.PublicURL != "" {
		links = append(links, publicURL(s.cfg)+web.FirstAdminPath+token)
	}
	return links, nil
}
