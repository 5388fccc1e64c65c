package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"plenum/homeserver/peers/names"
	"plenum/internal/outward"
	"plenum/internal/servername"
)

const (
	findTime      = time.Minute      // for all steps of connecting to a server
	connectTime   = 10 * time.Second // to one address
	handshakeTime = 10 * time.Second
	nextAddress   = 300 * time.Millisecond // until the next address of a host is tried too
	idleTime      = time.Minute
	maxIdle       = 256
	maxPerServer  = 8 // connections
	headerBytes   = 64 << 10
)

// connector connects to other servers: to the right address, through the right
// proxy, to nobody but who the certificate is for.
type connector struct {
	resolver *names.Resolver
	private  bool // may be connected to though their addresses are
	onion    bool // nothing but services inside Tor is connected to
	proxies  []Proxy
	roots    *x509.CertPool
	anybody  bool // certificates are not looked at
	sessions tls.ClientSessionCache
}

// Proxy says through which SOCKS5 proxy servers are reached.
type Proxy struct {
	Pattern string   // of server names, like those of Policy
	URL     *url.URL // socks5://host:port, or socks5h:// when the proxy looks up names
}

// proxyFor returns the proxy for a server that is reached at host, or nil.
func (c *connector) proxyFor(server, host string) *url.URL {
	name, _ := servername.Parse(server)
	for _, p := range c.proxies {
		pattern := strings.ToLower(p.Pattern)
		if matches(pattern, strings.ToLower(name.Host)) || matches(pattern, strings.ToLower(host)) {
			return p.URL
		}
	}
	return nil
}

// looksUpRemotely reports whether a proxy looks up host.
func (c *connector) looksUpRemotely(host string) bool {
	by := c.proxyFor(host, host)
	return by != nil && by.Scheme == "socks5h"
}

// transport keeps connections to servers. The hosts of its requests are those
// that hostFor makes of server names.
func (c *connector) transport() *http.Transport {
	return &http.Transport{
		DialTLSContext:         c.dialServer,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    2,
		MaxConnsPerHost:        maxPerServer,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: headerBytes,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// hostFor makes the host of a request for server. Connections are shared by
// host, and the port 443 would be added to a name without any, which would
// then be the same as one with that port. So such a name gets the port 0.
func hostFor(server string) string {
	if name, ok := servername.Parse(server); ok && name.Port == "" {
		return server + ":0"
	}
	return server
}

func serverFor(host string) string { return strings.TrimSuffix(host, ":0") }

// dialServer connects to a server.
func (c *connector) dialServer(ctx context.Context, _, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	server := serverFor(host)
	target, err := c.resolver.Resolve(ctx, server)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, address := range target.Addresses {
		conn, err := c.dialTLS(ctx, server, address, target.TLSName)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// dialTLS connects to one address and makes sure that name is there.
func (c *connector) dialTLS(ctx context.Context, server, address, name string) (net.Conn, error) {
	raw, err := c.dial(ctx, server, address)
	if err != nil {
		return nil, err
	}
	onion := servername.Name{Host: name}.IsOnion()
	conn := tls.Client(raw, &tls.Config{
		ServerName: name,
		RootCAs:    c.roots,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		// The name of a service inside Tor is its key, which Tor has checked,
		// and no authority vouches for such names.
		InsecureSkipVerify: onion || c.anybody,
		ClientSessionCache: c.sessions,
	})
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("%s at %s: %w", name, address, err)
	}
	return conn, nil
}

// dial connects to an address.
func (c *connector) dial(ctx context.Context, server, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if c.onion && !(servername.Name{Host: host}).IsOnion() {
		return nil, fmt.Errorf("%w: %s is not inside Tor", ErrDenied, host)
	}
	by := c.proxyFor(server, host)
	if (servername.Name{Host: host}).IsOnion() && (by == nil || by.Scheme != "socks5h") {
		return nil, fmt.Errorf("%w: no proxy leads to %s", ErrDenied, host)
	}
	d := &outward.Dialer{AllowPrivate: c.private}
	if by != nil {
		d.Proxy = func(string) *url.URL { return by }
		if by.Scheme == "socks5h" {
			return d.DialContext(ctx, "tcp", address)
		}
	}
	ips, err := c.resolver.LookupIP(ctx, host)
	if err != nil {
		return nil, err
	}
	conn, err := dialAny(ctx, d, ips, port)
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	// It may have moved since it was looked up.
	c.resolver.Forget(host)
	moved, again := c.resolver.LookupIP(ctx, host)
	if again != nil || slices.Equal(moved, ips) {
		return nil, err
	}
	return dialAny(ctx, d, moved, port)
}

// dialAny connects to whichever address answers first, with a head start for
// the earlier ones.
func dialAny(ctx context.Context, d *outward.Dialer, ips []netip.Addr, port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(ips))
	started, ended := 0, 0
	start := func() {
		at := net.JoinHostPort(ips[started].String(), port)
		started++
		go func() {
			conn, err := d.DialContext(ctx, "tcp", at)
			results <- result{conn, err}
		}()
	}
	var errs []error
	for ended < len(ips) {
		if started == ended {
			start()
		}
		next := time.NewTimer(nextAddress)
		select {
		case <-next.C:
			if started < len(ips) {
				start()
			}
		case r := <-results:
			ended++
			if r.err == nil {
				go closeRest(started-ended, func() net.Conn { return (<-results).conn })
				next.Stop()
				return r.conn, nil
			}
			errs = append(errs, r.err)
		}
		next.Stop()
	}
	return nil, errors.Join(errs...)
}

// closeRest closes the connections that come too late.
func closeRest(n int, next func() net.Conn) {
	for range n {
		if conn := next(); conn != nil {
			_ = conn.Close()
		}
	}
}

// web is the transport for pages of the web: the delegation of a server name,
// and media that a server redirects to.
func (c *connector) web() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return c.dial(ctx, host, address)
		},
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return c.dialTLS(ctx, host, address, host)
		},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           16,
		IdleConnTimeout:        5 * time.Second,
		MaxConnsPerHost:        maxPerServer,
		ResponseHeaderTimeout:  15 * time.Second,
		MaxResponseHeaderBytes: headerBytes,
	}
}
