package listen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Address is where a handler is served.
type Address struct {
	// Listen is an IP address and a port ("127.0.0.1:8008"), a port on all
	// addresses (":443"; port 0 means any), or the path of a Unix socket
	// ("unix:/run/plenum/client.sock").
	Listen  string
	TLS     *tls.Config // nil means plain HTTP
	Handler http.Handler
}

// Options are what a Server needs besides its addresses.
type Options struct {
	// Drain is called when the server begins to stop: it tells those who wait
	// for news to answer what they have. May be nil.
	Drain func()

	// Grace is how long running requests may take after that. 0 means 10 s.
	Grace time.Duration

	Log *slog.Logger

	patience patience // zero means the usual; tests are less patient
}

// Server is a set of listeners with their handlers.
type Server struct {
	opt       Options
	listeners []net.Listener
	servers   []*http.Server // in the order of listeners
	running   sync.RWMutex   // held for reading by every request
	base      context.Context
	cut       context.CancelFunc // ends base, and with it all requests
}

// Open takes all addresses, so that one that is in use is found out at once.
// Nobody is answered before Run; a Server that is not run is closed.
func Open(addresses []Address, opt Options) (*Server, error) {
	opt.Grace = cmp.Or(opt.Grace, 10*time.Second)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.patience == (patience{}) {
		opt.patience = usualPatience
	}
	s := &Server{opt: opt}
	s.base, s.cut = context.WithCancel(context.Background())
	for _, a := range addresses {
		l, err := open(a.Listen)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.listeners = append(s.listeners, opt.patience.listener(l))
		s.servers = append(s.servers, s.server(a))
	}
	return s, nil
}

// open starts to listen.
func open(address string) (net.Listener, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
		if err := removeSocket(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// removeSocket removes the socket that a process which was killed has left
// behind. One that somebody answers on stays, and the address is in use.
func removeSocket(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return nil // net.Listen says what is wrong, if anything is
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove an old socket: %w", err)
	}
	return nil
}

// server makes the server of one address.
func (s *Server) server(a Address) *http.Server {
	return &http.Server{
		Handler:           s.awaited(s.opt.patience.handler(a.Handler)),
		TLSConfig:         a.TLS,
		ReadHeaderTimeout: s.opt.patience.header,
		IdleTimeout:       s.opt.patience.idle,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return s.base },
		ErrorLog:          errorLog(s.opt.Log),
	}
}

// awaited lets Run wait for the requests that h answers.
func (s *Server) awaited(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.RLock()
		defer s.running.RUnlock()
		h.ServeHTTP(w, r)
	})
}

// Addresses returns where the server listens, in the order of Open.
func (s *Server) Addresses() []net.Addr {
	var all []net.Addr
	for _, l := range s.listeners {
		all = append(all, l.Addr())
	}
	return all
}

// Run serves until ctx ends or a listener fails. It returns when the last
// request has been answered or cut off.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.servers))
	for i, server := range s.servers {
		go func() { failed <- serve(server, s.listeners[i]) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	return errors.Join(err, s.stop())
}

// serve serves one listener until its server is shut down.
func serve(server *http.Server, l net.Listener) error {
	var err error
	if server.TLSConfig == nil {
		err = server.Serve(l)
	} else {
		err = server.ServeTLS(l, "", "")
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// stop takes no more requests and waits for those that run. Those that are
// not answered within the grace are cut off: first they see their context
// end, then their connections close.
func (s *Server) stop() error {
	if s.opt.Drain != nil {
		s.opt.Drain()
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opt.Grace)
	defer cancel()
	var down sync.WaitGroup
	late := make([]error, len(s.servers))
	for i, server := range s.servers {
		down.Go(func() { late[i] = server.Shutdown(ctx) })
	}
	down.Wait()
	if err := errors.Join(late...); err != nil {
		s.opt.Log.Warn("requests are cut off", "after", s.opt.Grace)
	}
	s.cut()
	err := s.close()
	s.running.Lock() // whatever the handlers use must outlast them
	defer s.running.Unlock()
	return err
}

// Close gives the addresses back. It is for a Server that is not run.
func (s *Server) Close() error {
	s.cut()
	return s.close()
}

// close closes listeners, of which most are closed already, and connections.
func (s *Server) close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil || errors.Is(err, net.ErrClosed) })
	return errors.Join(errs...)
}
