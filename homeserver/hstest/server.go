// Package hstest gives tests whole homeservers, in this process and without a
// network, and people who use them. A test reads like a conversation:
//
//	one := hstest.New(t, hstest.Options{})
//	ada, bob := one.Client("ada"), one.Client("bob")
//	room := ada.CreateRoom(hstest.Private)
//	ada.Invite(room, bob)
//	bob.Join(room)
//	said := ada.Say(room, "hello")
//	bob.WaitFor(room, said)
//	bob.Refused(matrix.Forbidden).Kick(room, ada)
package hstest

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"plenum/config"
	"plenum/homeserver"
	"plenum/homeserver/api/admin"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// Options are what a test wants of a server. The zero value is one on SQLite
// where everybody can make an account and nothing is limited.
type Options struct {
	ServerName string // "one.example"
	Engine     storage.Engine
	Configure  func(*config.Config) // changes the settings before the server starts
	Log        *slog.Logger         // nil: nothing is logged
	Network    *Network             // of servers that reach each other; nil: there is no other
}

// Server is a homeserver that runs until the test ends.
type Server struct {
	t     testing.TB
	cfg   config.Config
	net   *Network
	log   *slog.Logger
	hs    *homeserver.Server
	stop  context.CancelFunc
	ended chan error

	mu      sync.Mutex
	awaited map[string][]chan struct{} // by path, see Heard
}

// Each runs fn as a parallel subtest per engine, each with a server of its own.
func Each(t *testing.T, opt Options, fn func(t *testing.T, s *Server)) {
	t.Helper()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			opt := opt
			opt.Engine = e
			fn(t, New(t, opt))
		})
	}
}

// New starts a server.
func New(t testing.TB, opt Options) *Server {
	t.Helper()
	s := &Server{t: t, cfg: settings(t, opt), net: opt.Network, log: opt.Log, awaited: map[string][]chan struct{}{}}
	if s.net == nil {
		s.net = NewNetwork()
	}
	s.net.add(s)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if opt.Configure != nil {
		opt.Configure(&s.cfg)
	}
	s.Start()
	t.Cleanup(func() {
		if s.stop != nil {
			s.Stop()
		}
	})
	return s
}

// settings are those of a server for tests.
func settings(t testing.TB, opt Options) config.Config {
	t.Helper()
	dir := t.TempDir()
	c := config.Default()
	c.ServerName = opt.ServerName
	if c.ServerName == "" {
		c.ServerName = "one.example"
	}
	c.DataFolder = filepath.Join(dir, "data")
	c.SigningKeyFile = filepath.Join(dir, "signing.key")
	c.Media.KeyFile = filepath.Join(dir, "media.key")
	c.Listen = config.Listen{}
	c.Database.URL = storagetest.Config(t, opt.Engine).DSN
	c.Registration.Mode = "open"
	c.Passwords = config.Passwords{MinLength: 8, HashMemory: 8 << 10, HashPasses: 1, WrongInARow: 20}
	c.RateLimits = config.RateLimits{}
	return c
}

// Start starts the server again after Stop, on the same data.
func (s *Server) Start() {
	s.t.Helper()
	hs, err := homeserver.NewInside(s.t.Context(), s.cfg, s.net, s.log)
	if err != nil {
		s.t.Fatalf("start %s: %v", s.cfg.ServerName, err)
	}
	ctx, stop := context.WithCancel(context.Background()) // the test's context ends too early, before the cleanup
	s.hs, s.stop, s.ended = hs, stop, make(chan error, 1)
	go func() { s.ended <- hs.Run(ctx) }()
}

// Stop stops the server as SIGTERM does, and waits for it.
func (s *Server) Stop() {
	s.t.Helper()
	s.stop()
	s.stop = nil
	if err := <-s.ended; err != nil {
		s.t.Errorf("stop %s: %v", s.cfg.ServerName, err)
	}
}

// Restart stops the server and starts it again on the same data. Its clients
// go on.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// Name is the name of the server.
func (s *Server) Name() string { return s.cfg.ServerName }

// Homeserver is the server itself.
func (s *Server) Homeserver() *homeserver.Server { return s.hs }

// Config are its settings.
func (s *Server) Config() config.Config { return s.cfg }

// Admin returns a client of the API that the command line uses.
func (s *Server) Admin() *admin.Client { return homeserver.NewLocal(s.cfg.DataFolder) }

// Heard returns a channel that is closed when the next request for a path comes.
func (s *Server) Heard(path string) <-chan struct{} {
	c := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited[path] = append(s.awaited[path], c)
	return c
}

// RoundTrip lets a Server be the transport of an http.Client. Requests go to
// whichever process serves now, also after a Restart.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	for _, c := range s.awaited[r.URL.Path] {
		close(c)
	}
	delete(s.awaited, r.URL.Path)
	s.mu.Unlock()
	return homeserver.InProcess(s.hs.Handler()).RoundTrip(r)
}
