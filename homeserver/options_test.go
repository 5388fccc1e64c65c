package homeserver

import (
	"maps"
	"math"
	"net/netip"
	"testing"

	"plenum/config"
	"plenum/homeserver/account"
	"plenum/homeserver/appservice"
	"plenum/internal/httpx"
)

func TestDefaultLimitsAreThoseOfHTTPX(t *testing.T) {
	t.Parallel()
	got, want := limits(config.Default()), httpx.DefaultLimits()
	if len(got) != len(want) {
		t.Errorf("%d classes, want %d", len(got), len(want))
	}
	for class, w := range want {
		if g := got[class]; g.Burst != w.Burst || math.Abs(g.PerSecond-w.PerSecond) > 1e-9 {
			t.Errorf("%s: %+v, want %+v", class, g, w)
		}
	}
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.RateLimits = config.RateLimits{Message: config.Rate{PerSecond: 1, Burst: 2}}
	if got := limits(c); !maps.Equal(got, map[httpx.Rate]httpx.Limit{httpx.RateMessage: {PerSecond: 1, Burst: 2}}) {
		t.Errorf("limits %v", got)
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Listen.Proxies = []string{"127.0.0.1", "10.0.0.0/8", "::1"}
	got, err := trustedProxies(c)
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	if !got[0].Contains(netip.MustParseAddr("127.0.0.1")) || got[0].Contains(netip.MustParseAddr("127.0.0.2")) || !got[1].Contains(netip.MustParseAddr("10.9.9.9")) {
		t.Errorf("proxies %v", got)
	}
}

func TestRegistrationModes(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]account.Mode{"closed": account.Closed, "token": account.ByToken, "open": account.Open} {
		c := config.Default()
		c.Registration.Mode = mode
		c.Registration.TermsURL = "https://one.example/terms"
		o := accountOptions(c, appservice.NewRegistry(nil, appservice.Options{}), nil)
		if o.Registration != want || len(o.Terms) != 1 || o.Terms[0].Texts["en"].URL != c.Registration.TermsURL {
			t.Errorf("%s: %+v", mode, o)
		}
		if o.SharedSecret != "" {
			t.Error("a server for people has a shared secret")
		}
	}
}

func TestAddressesForPeople(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, url, client, want, host string }{
		{"localhost", "", "127.0.0.1:8008", "http://localhost:8008", "localhost"},
		{"example.org", "", "127.0.0.1:8008", "https://example.org", "example.org"},
		{"example.org:8448", "", ":80", "https://example.org", "example.org"},
		{"example.org", "https://matrix.example.org/", ":80", "https://matrix.example.org", "matrix.example.org"},
		{"example.org", "https://matrix.example.org:8443", ":80", "https://matrix.example.org:8443", "matrix.example.org"},
		{"[::1]:8448", "", ":80", "https://[::1]", "::1"},
	} {
		c := config.Default()
		c.ServerName, c.PublicURL, c.Listen.Client = test.name, test.url, []string{test.client}
		if got := publicURL(c); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.name, test.url, got, test.want)
		}
		if got := publicHost(c); got != test.host {
			t.Errorf("%s %s: host %s, want %s", test.name, test.url, got, test.host)
		}
	}
}

// at is a listener's address.
type at string

func (at) Network() string  { return "tcp" }
func (a at) String() string { return string(a) }

func TestURLsOfListeners(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at   at
		tls  bool
		want string
	}{
		{"127.0.0.1:8008", false, "http://127.0.0.1:8008"},
		{"[::]:8008", false, "http://localhost:8008"},
		{"0.0.0.0:80", false, "http://localhost"},
		{"[::1]:443", true, "https://[::1]"},
		{"10.0.0.1:8448", true, "https://10.0.0.1:8448"},
	} {
		if got := urlOf(door{tls: test.tls}, test.at); got != test.want {
			t.Errorf("%s: %s, want %s", test.at, got, test.want)
		}
	}
}
