package peers_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"plenum/homeserver/peers"
)

// tor is a SOCKS5 proxy that leads everybody to one place.
type tor struct {
	t        *testing.T
	listener net.Listener
	to       string

	mu    sync.Mutex
	asked []string // names
}

func newTor(t *testing.T, to string) *tor {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &tor{t: t, listener: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go p.serve(c)
		}
	}()
	return p
}

// serve speaks SOCKS5 as far as asking for a name goes.
func (p *tor) serve(c net.Conn) {
	defer c.Close()
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	if _, err := io.ReadFull(c, make([]byte, head[1])); err != nil {
		return
	}
	_, _ = c.Write([]byte{5, 0})
	request := make([]byte, 5)
	if _, err := io.ReadFull(c, request); err != nil || request[3] != 3 {
		return // no name
	}
	name := make([]byte, int(request[4])+2)
	if _, err := io.ReadFull(c, name); err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, string(name[:len(name)-2]))
	p.mu.Unlock()
	if name[len(name)-2] == 443>>8 && name[len(name)-1] == 443&255 { // there is no web server
		_, _ = c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	to, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer to.Close()
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() { _, _ = io.Copy(to, c) }()
	_, _ = io.Copy(c, to)
}

func (p *tor) rule(pattern string) peers.Proxy {
	return peers.Proxy{Pattern: pattern, URL: &url.URL{Scheme: "socks5h", Host: p.listener.Addr().String()}}
}

// silence is a domain name system that must not be asked.
type silence struct{ t *testing.T }

func (s silence) LookupSRV(_ context.Context, _, _, host string) (string, []*net.SRV, error) {
	s.t.Errorf("the domain name system was asked for the service of %s", host)
	return "", nil, errors.New("silence")
}

func (s silence) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	s.t.Errorf("the domain name system was asked for %s", host)
	return nil, errors.New("silence")
}

func TestServersInsideTor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	// Nobody vouches for its certificate, which is for another name besides.
	hidden := httptest.NewUnstartedServer(answer(200, `{"server":{"name":"hidden"}}`))
	hidden.TLS = &tls.Config{Certificates: []tls.Certificate{newAuthority(t).certify(t, "x")}}
	hidden.StartTLS()
	t.Cleanup(hidden.Close)
	proxy := newTor(t, strings.TrimPrefix(hidden.URL, "https://"))
	opt := n.options()
	opt.AllowPrivate, opt.DNS = false, silence{t}
	opt.Proxies = []peers.Proxy{proxy.rule("*.onion"), proxy.rule("proxied.example")}
	one := open(t, here, opt)
	for _, server := range []string{"abc.onion", "abc.onion:8449"} {
		if v, err := one.Version(t.Context(), server); err != nil || v.Name != "hidden" {
			t.Errorf("%s: %+v, %v", server, v, err)
		}
	}
	// Others are who their certificates say they are, in whatever way they are reached.
	if _, err := one.Version(t.Context(), "proxied.example:8448"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	proxy.mu.Lock()
	asked := strings.Join(proxy.asked, " ")
	proxy.mu.Unlock()
	if asked != "abc.onion abc.onion abc.onion proxied.example" {
		t.Errorf("the proxy was asked for %s", asked)
	}

	opt.Proxies = nil
	if _, err := open(t, here, opt).Version(t.Context(), "abc.onion"); !errors.Is(err, peers.ErrDenied) {
		t.Errorf("without a proxy: %v", err)
	}
}

func TestNothingButTor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	onion := httptest.NewUnstartedServer(http.NotFoundHandler())
	onion.StartTLS()
	t.Cleanup(onion.Close)
	proxy := newTor(t, strings.TrimPrefix(onion.URL, "https://"))
	opt := n.options()
	opt.DNS, opt.Policy.Onion = silence{t}, true
	opt.Proxies = []peers.Proxy{proxy.rule("*.onion")}
	one := open(t, here, opt)
	for _, server := range []string{"two.example", "two.example:8448", "1.2.3.4", "127.0.0.1:1", "[::1]"} {
		if _, err := one.Version(t.Context(), server); !errors.Is(err, peers.ErrDenied) {
			t.Errorf("%s: %v", server, err)
		}
	}
}
