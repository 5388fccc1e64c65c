package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/semaphore"

	"plenum/homeserver/peers/names"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/backoff"
)

// Options are what a Client works with.
type Options struct {
	Policy       Policy
	AllowPrivate bool           // servers may be at addresses of this machine and its neighbours
	Proxies      []Proxy        // the first that fits counts
	Roots        *x509.CertPool // who vouches for certificates; nil: whom the system trusts
	DNS          names.DNS      // nil: the system's

	// AnyCertificate takes every certificate, which makes connections worth
	// nothing. It is for measurements.
	AnyCertificate bool

	// Transport makes requests instead of the network, for tests. The host of
	// a request is the name of the server.
	Transport http.RoundTripper

	Timeout    time.Duration    // of an ordinary call; 0: a minute
	MaxAnswer  int64            // bytes of the largest answer, the state of a room; 0: 256 MiB
	MaxEvents  int              // in such an answer; 0: a million
	LargeCalls int64            // for such answers, at the same time; 0: 4
	Now        func() time.Time // nil: time.Now
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.MaxAnswer == 0 {
		o.MaxAnswer = 256 << 20
	}
	if o.MaxEvents == 0 {
		o.MaxEvents = 1_000_000
	}
	if o.LargeCalls == 0 {
		o.LargeCalls = 4
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Client speaks to other servers in the name of this one. It is safe for use
// by many goroutines.
type Client struct {
	signer   *event.Signer
	opt      Options
	log      *slog.Logger
	resolver *names.Resolver // nil when tests make the requests
	servers  http.RoundTripper
	web      http.RoundTripper
	patience *patience
	turns    *lru.Cache[string, *semaphore.Weighted] // by server
	large    *semaphore.Weighted
	metrics  *metrics
}

const (
	maxTurns  = 10_000
	perServer = 32 // calls at the same time
)

// New makes a Client that signs with signer. The caller runs Run.
func New(ctx context.Context, db *storage.DB, signer *event.Signer, opt Options, log *slog.Logger) (*Client, error) {
	opt = opt.withDefaults()
	c := &Client{signer: signer, opt: opt, log: log, large: semaphore.NewWeighted(opt.LargeCalls), metrics: newMetrics()}
	var err error
	if c.patience, err = newPatience(ctx, backoff.New(db), db.Bus(), opt.Now, log); err != nil {
		return nil, err
	}
	if c.turns, err = lru.New[string, *semaphore.Weighted](maxTurns); err != nil {
		return nil, err
	}
	if opt.Transport != nil {
		c.servers, c.web = opt.Transport, opt.Transport
		return c, nil
	}
	return c, c.connect()
}

// connect makes the ways into the network.
func (c *Client) connect() error {
	by := &connector{
		private:  c.opt.AllowPrivate,
		onion:    c.opt.Policy.Onion,
		proxies:  c.opt.Proxies,
		roots:    c.opt.Roots,
		anybody:  c.opt.AnyCertificate,
		sessions: tls.NewLRUClientSessionCache(256),
	}
	web := by.web()
	resolver, err := names.New(names.Options{DNS: c.opt.DNS, WellKnown: web, Remote: by.looksUpRemotely, Now: c.opt.Now, Log: c.log})
	by.resolver = resolver
	c.resolver, c.servers, c.web = resolver, by.transport(), web
	return err
}

// Run does what has to be done now and then, until ctx ends.
func (c *Client) Run(ctx context.Context) error {
	err := c.patience.run(ctx)
	for _, t := range []http.RoundTripper{c.servers, c.web} {
		if t, ok := t.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
	return err
}

// ServerName returns the name of this server.
func (c *Client) ServerName() string { return c.signer.Server() }

// Allowed reports whether we speak to server at all.
func (c *Client) Allowed(server string) bool { return c.opt.Policy.Allows(server) }

// Until returns until when server is left alone because it did not answer, and
// the zero time when it is not.
func (c *Client) Until(server string) time.Time { return c.patience.until(server, false) }

// Heard notes that server has spoken to us, so that it need not be left alone
// any longer. Whoever waits for it hears so on AwakeTopic.
func (c *Client) Heard(server string) { c.patience.well(server) }

// Resolve returns where a server is reached, for people who look for a fault.
func (c *Client) Resolve(ctx context.Context, server string) (names.Target, error) {
	if c.resolver == nil {
		return names.Target{}, errors.New("requests do not go through the network")
	}
	return c.resolver.Resolve(ctx, server)
}
