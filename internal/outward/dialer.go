package outward

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/net/proxy"
)

// connectTime is how long making one connection may take.
const connectTime = 10 * time.Second

// RefusedError says that an address is not for strangers to ask for.
type RefusedError struct{ Address string }

// Error names the address.
func (e *RefusedError) Error() string { return "outward: " + e.Address + " must not be asked for" }

// Dialer makes connections. Its zero value connects to every port of every
// public address.
type Dialer struct {
	AllowPrivate bool     // whatever the address is
	Ports        []uint16 // that may be connected to; nil: all

	// Proxy returns the SOCKS5 proxy for a host, nil for none; nil means
	// none for all. Of socks5://, names are looked up here and the address
	// is judged. Of socks5h://, the proxy looks up names and must be one
	// that reaches nothing inside, such as Tor.
	Proxy func(host string) *url.URL

	Resolver *net.Resolver // nil: the system's
}

// DialContext connects to an address such as "example.org:443".
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if d.Proxy != nil {
		if by := d.Proxy(host); by != nil {
			return d.dialBy(ctx, by, network, host, port)
		}
	}
	// Control sees the very address that is connected to.
	direct := net.Dialer{Resolver: d.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return d.judge(at)
	}}
	return direct.DialContext(ctx, network, address)
}

// judge refuses addresses that must not be connected to.
func (d *Dialer) judge(at netip.AddrPort) error {
	if !d.AllowPrivate && !Public(at.Addr()) || !d.isPort(at.Port()) {
		return &RefusedError{at.String()}
	}
	return nil
}

func (d *Dialer) isPort(port uint16) bool { return d.Ports == nil || slices.Contains(d.Ports, port) }

// dialBy connects through a proxy.
func (d *Dialer) dialBy(ctx context.Context, by *url.URL, network, host, port string) (net.Conn, error) {
	at, err := d.target(ctx, by, host, port)
	if err != nil {
		return nil, err
	}
	// The operator chose the proxy, so that it may well be inside.
	through, err := proxy.FromURL(by, new(net.Dialer))
	if err != nil {
		return nil, err
	}
	with, ok := through.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("outward: no way through a proxy of the kind %s", by.Scheme)
	}
	return with.DialContext(ctx, network, at)
}

// target returns what a proxy is asked to connect to.
func (d *Dialer) target(ctx context.Context, by *url.URL, host, port string) (string, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil && by.Scheme == "socks5h" {
		if !d.isPort(uint16(number)) {
			return "", &RefusedError{net.JoinHostPort(host, port)}
		}
		return net.JoinHostPort(host, port), nil
	}
	found := []netip.Addr{ip}
	if err != nil {
		if found, err = d.resolver().LookupNetIP(ctx, "ip", host); err != nil {
			return "", err
		}
	}
	for _, ip := range found {
		at := netip.AddrPortFrom(ip.Unmap(), uint16(number))
		if err = d.judge(at); err == nil {
			return at.String(), nil
		}
	}
	return "", err
}

func (d *Dialer) resolver() *net.Resolver {
	if d.Resolver == nil {
		return net.DefaultResolver
	}
	return d.Resolver
}

// Transport returns an HTTP transport whose connections d makes. The proxies
// that the environment names are not asked: they would connect for us, and
// judge nothing.
func (d *Dialer) Transport() *http.Transport {
	return &http.Transport{
		DialContext:         d.DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: connectTime,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     90 * time.Second,
	}
}
