package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"plenum/internal/servername"
)

// Target is where a server is reached.
type Target struct {
	Host      string   // what the request says whom it is for
	TLSName   string   // what the certificate has to be for
	Addresses []string // host and port, the best first
}

// ErrName is returned for what is no server name.
var ErrName = errors.New("not a server name")

// ErrNoService is returned when the domain says that there is no server.
var ErrNoService = errors.New("the domain says that it has no Matrix server")

// DNS is what a Resolver asks the domain name system. *net.Resolver is one.
type DNS interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are what a Resolver works with.
type Options struct {
	DNS DNS // nil: the system's

	// WellKnown makes the requests for /.well-known/matrix/server. It has to
	// refuse addresses that must not be asked for, and follows no redirects.
	WellKnown http.RoundTripper

	// Remote reports whether names of a host are looked up elsewhere, by a
	// proxy, and must not be looked up here. nil: none are.
	Remote func(host string) bool

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: nothing is logged
}

const (
	cached     = 10_000 // entries in each cache
	lookupTime = 10 * time.Second
	// What the domain name system says is kept for so long: Go does not tell
	// how long it may be.
	keepFound  = 5 * time.Minute
	keepAbsent = time.Minute
	keepUnseen = 5 * time.Second // that a host has no address: it may be starting
	defaultTo  = "8448"
)

// Resolver finds servers. It is safe for use by many goroutines.
type Resolver struct {
	opt    Options
	known  *lru.Cache[string, delegation]
	srv    *lru.Cache[string, srvAnswer]
	ips    *lru.Cache[string, ipAnswer]
	flight singleflight.Group
}

// New returns a Resolver.
func New(opt Options) (*Resolver, error) {
	if opt.DNS == nil {
		opt.DNS = net.DefaultResolver
	}
	if opt.Remote == nil {
		opt.Remote = func(string) bool { return false }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	r := &Resolver{opt: opt}
	var errs [3]error
	r.known, errs[0] = lru.New[string, delegation](cached)
	r.srv, errs[1] = lru.New[string, srvAnswer](cached)
	r.ips, errs[2] = lru.New[string, ipAnswer](cached)
	return r, errors.Join(errs[:]...)
}

// Resolve returns where the server with a name is reached.
//
// Spec: server-server-api#resolving-server-names
func (r *Resolver) Resolve(ctx context.Context, server string) (Target, error) {
	name, ok := servername.Parse(server)
	if !ok {
		return Target{}, fmt.Errorf("%w: %q", ErrName, server)
	}
	if t, ok := direct(server, name); ok {
		return t, nil // steps 1 and 2
	}
	to, err := r.delegated(ctx, name.Host)
	if err != nil {
		return Target{}, err
	}
	if to == "" {
		return r.byService(ctx, server, name.Host) // steps 4 to 6
	}
	next, ok := servername.Parse(to)
	if !ok { // it was checked when it was fetched
		return Target{}, fmt.Errorf("%w: %q", ErrName, to)
	}
	if t, ok := direct(to, next); ok {
		return t, nil // steps 3.1 and 3.2
	}
	return r.byService(ctx, to, next.Host) // steps 3.3 to 3.5
}

// direct is for a name that is an address already, or has a port.
func direct(server string, name servername.Name) (Target, bool) {
	if !name.IsLiteral() && name.Port == "" {
		return Target{}, false
	}
	port := name.Port
	if port == "" {
		port = defaultTo
	}
	return Target{Host: server, TLSName: name.Host, Addresses: []string{net.JoinHostPort(name.Host, port)}}, true
}

// byService asks for the service of a host, of which the port is 8448 if
// nothing else is said.
func (r *Resolver) byService(ctx context.Context, server, host string) (Target, error) {
	t := Target{Host: server, TLSName: host}
	if !r.isRemote(host) {
		for _, service := range []string{"matrix-fed", "matrix"} { // the second is deprecated
			found, err := r.lookupSRV(ctx, service, host)
			if err != nil {
				return Target{}, err
			}
			if len(found) > 0 {
				t.Addresses = found
				return t, nil
			}
		}
	}
	t.Addresses = []string{net.JoinHostPort(host, defaultTo)}
	return t, nil
}

// isRemote reports whether host must not be looked up here. The domain name
// system knows no services inside Tor, and must not hear of them.
func (r *Resolver) isRemote(host string) bool {
	return servername.Name{Host: host}.IsOnion() || r.opt.Remote(host)
}

// srvAnswer is what was found for a service.
type srvAnswer struct {
	addresses []string
	none      bool // there is a record that says so
	until     time.Time
}

// lookupSRV returns the addresses of a service, best first. A failure counts
// as there being none: the certificate tells whether the right server was
// found some other way.
func (r *Resolver) lookupSRV(ctx context.Context, service, host string) ([]string, error) {
	key := service + "/" + host
	a, ok := r.srv.Get(key)
	if !ok || !r.opt.Now().Before(a.until) {
		v, err, _ := r.flight.Do("srv "+key, func() (any, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
			defer cancel()
			return r.askSRV(ctx, service, host), nil
		})
		if err != nil {
			return nil, err
		}
		a = v.(srvAnswer)
		r.srv.Add(key, a)
	}
	if a.none {
		return nil, fmt.Errorf("%w: %s", ErrNoService, host)
	}
	return a.addresses, nil
}

// maxTargets is how many addresses of one service are tried.
const maxTargets = 8

func (r *Resolver) askSRV(ctx context.Context, service, host string) srvAnswer {
	_, found, err := r.opt.DNS.LookupSRV(ctx, service, "tcp", host)
	if err != nil && len(found) == 0 {
		return srvAnswer{until: r.opt.Now().Add(keepAbsent)}
	}
	a := srvAnswer{until: r.opt.Now().Add(keepFound)}
	for _, s := range found {
		target := strings.TrimSuffix(s.Target, ".")
		if target == "" {
			a.none = len(found) == 1
			continue
		}
		if servername.IsHost(target) && len(a.addresses) < maxTargets {
			a.addresses = append(a.addresses, net.JoinHostPort(target, strconv.Itoa(int(s.Port))))
		}
	}
	return a
}

// ipAnswer is what was found for a host.
type ipAnswer struct {
	ips   []netip.Addr
	err   error
	until time.Time
}

// LookupIP returns the addresses of a host.
func (r *Resolver) LookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	if a, ok := r.ips.Get(host); ok && r.opt.Now().Before(a.until) {
		return a.ips, a.err
	}
	v, _, _ := r.flight.Do("ip "+host, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		a := r.askIP(ctx, host)
		r.ips.Add(host, a)
		return a, nil
	})
	a := v.(ipAnswer)
	return a.ips, a.err
}

// Forget drops what is known of a host, where nobody answers any more.
func (r *Resolver) Forget(host string) { r.ips.Remove(host) }

// maxIPs is how many addresses of one host are tried.
const maxIPs = 8

func (r *Resolver) askIP(ctx context.Context, host string) ipAnswer {
	ips, err := r.opt.DNS.LookupNetIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	if err != nil {
		return ipAnswer{err: err, until: r.opt.Now().Add(keepUnseen)}
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ipAnswer{ips: ips[:min(len(ips), maxIPs)], until: r.opt.Now().Add(keepFound)}
}
