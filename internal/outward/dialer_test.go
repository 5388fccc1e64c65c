package outward_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"plenum/internal/outward"
)

// refused reports whether err says that an address must not be asked for.
func refused(err error) bool {
	is := new(outward.RefusedError)
	return errors.As(err, &is)
}

// inside is a server on this machine that counts its visitors.
func inside(t *testing.T) (port string, visits *atomic.Int64) {
	t.Helper()
	visits = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, visits
}

func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	port, visits := inside(t)
	names := newNameServer(t, "9.9.9.9", "127.0.0.1")
	d := &outward.Dialer{Resolver: names.resolver()}

	// Whoever looks first and connects then is led astray.
	if first, err := d.Resolver.LookupNetIP(t.Context(), "ip4", "evil.example"); err != nil || !outward.Public(first[0]) {
		t.Fatal(first, err)
	}
	client := &http.Client{Transport: d.Transport()}
	if _, err := client.Get("http://evil.example:" + port); !refused(err) {
		t.Errorf("%v", err)
	}
	if visits.Load() != 0 {
		t.Error("somebody came")
	}

	d.AllowPrivate = true // the same name leads there
	resp, err := client.Get("http://evil.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if visits.Load() != 1 {
		t.Error("nobody came")
	}
}

func TestAddressesInside(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"127.0.0.1:80", "[::1]:80", "10.0.0.1:80", "169.254.169.254:80", "[::ffff:127.0.0.1]:80", "0.0.0.0:80", "localhost:80"} {
		if _, err := new(outward.Dialer).DialContext(t.Context(), "tcp", at); !refused(err) {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	port, _ := inside(t)
	d := &outward.Dialer{AllowPrivate: true, Ports: []uint16{443}}
	if _, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port); !refused(err) {
		t.Errorf("%v", err)
	}
	d.Ports = append(d.Ports, netip.MustParseAddrPort("127.0.0.1:"+port).Port())
	c, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.FormValue("to"), http.StatusFound)
	}))
	t.Cleanup(page.Close)
	by := newSocks(t, page.Listener.Addr().String())
	names := newNameServer(t, "9.9.9.9", "9.9.9.9", "127.0.0.1")
	d := &outward.Dialer{Proxy: by.by("socks5"), Resolver: names.resolver(), Ports: []uint16{80}}
	client := &http.Client{Transport: d.Transport()}
	client.Transport.(*http.Transport).DisableKeepAlives = true
	for _, to := range []string{"127.0.0.1/", "10.0.0.1/", "[::1]/", "9.9.9.9:22/", "other.example/?to=third.example"} {
		if _, err := client.Get("http://page.example/?to=" + url.QueryEscape(to)); !refused(err) {
			t.Errorf("to %s: %v", to, err)
		}
		names.again("9.9.9.9", "9.9.9.9", "127.0.0.1")
	}
	for _, at := range by.wanted() {
		if at != "9.9.9.9:80" { // names stay with us
			t.Errorf("the proxy was asked for %s", at)
		}
	}
	if len(by.wanted()) != 6 {
		t.Errorf("asked for %v", by.wanted())
	}
}

func TestProxyThatLooksUpNames(t *testing.T) {
	t.Parallel()
	port, visits := inside(t)
	by := newSocks(t, "127.0.0.1:"+port)
	d := &outward.Dialer{Proxy: by.by("socks5h"), Ports: []uint16{80}}
	client := &http.Client{Transport: d.Transport()}
	if resp, err := client.Get("http://page.onion/"); err != nil {
		t.Fatal(err)
	} else {
		resp.Body.Close()
	}
	if !slices.Equal(by.wanted(), []string{"page.onion:80"}) || visits.Load() != 1 {
		t.Errorf("asked for %v", by.wanted())
	}
	for _, at := range []string{"127.0.0.1:80", "page.onion:22"} {
		if _, err := d.DialContext(t.Context(), "tcp", at); !refused(err) {
			t.Errorf("%s: %v", at, err)
		}
	}
}
