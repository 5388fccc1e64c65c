package names_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"plenum/homeserver/peers/names"
	"plenum/internal/servername"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"one.example", "one.example:8448", "localhost", "1.2.3.4", "1.2.3.4:80", "[::1]", "[2001:db8::1]:8448", "A-b.c", "1.2.3", "host.docker.internal:40001"} {
		if !servername.Valid(good) {
			t.Errorf("%q is a name", good)
		}
	}
	for _, bad := range []string{
		"", ":", ":80", "a:", "a:0", "a:65536", "a:x", "a:+80", "a b", "a/b", "a@b", "::1", "[::1", "[::1]x", "[1.2.3.4]", "[fe80::1%eth0]",
		"a..b", ".a", "é.example", "a_b", "a:1:2", strings.Repeat("a", 256), "a\n", "[]:1",
	} {
		if servername.Valid(bad) {
			t.Errorf("%q is no name", bad)
		}
	}
}

// world is the domain name system, and the web.
type world struct {
	mu    sync.Mutex
	srv   map[string][]*net.SRV // by service and host
	ips   map[string][]netip.Addr
	pages map[string]func() *http.Response // by address
	asked []string
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, what)
}

// took returns what was asked since the last time.
func (w *world) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.asked
	w.asked = nil
	return all
}

func (w *world) LookupSRV(_ context.Context, service, _, host string) (string, []*net.SRV, error) {
	w.note("srv " + service + " " + host)
	if found, ok := w.srv[service+" "+host]; ok {
		return "", found, nil
	}
	return "", nil, &net.DNSError{Name: host, IsNotFound: true}
}

func (w *world) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.note("ip " + host)
	if found, ok := w.ips[host]; ok {
		return found, nil
	}
	return nil, &net.DNSError{Name: host, IsNotFound: true}
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.note("web " + r.URL.Host)
	page, ok := w.pages[r.URL.String()]
	if !ok {
		return nil, errors.New("connection refused")
	}
	return page(), nil
}

func page(status int, body string, headers ...string) func() *http.Response {
	return func() *http.Response {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
	}
}

func wellKnown(host string) string { return "https://" + host + "/.well-known/matrix/server" }

func newResolver(t *testing.T, w *world, now *time.Time) *names.Resolver {
	t.Helper()
	r, err := names.New(names.Options{DNS: w, WellKnown: w, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func srv(target string, port uint16) *net.SRV { return &net.SRV{Target: target, Port: port} }

// TestStepsOfTheSpecification has an example for each.
//
// Spec: server-server-api#resolving-server-names
func TestStepsOfTheSpecification(t *testing.T) {
	t.Parallel()
	w := &world{
		pages: map[string]func() *http.Response{
			wellKnown("to-ip"):          page(200, `{"m.server":"5.6.7.8"}`),
			wellKnown("to-ipport"):      page(200, `{"m.server":"[2a01::1]:99"}`),
			wellKnown("to-port"):        page(200, `{"m.server":"matrix.to-port:443"}`),
			wellKnown("to-srv"):         page(200, `{"m.server":"matrix.to-srv"}`),
			wellKnown("to-old-srv"):     page(200, `{"m.server":"matrix.to-old-srv"}`),
			wellKnown("to-name"):        page(200, `{"m.server":"matrix.to-name"}`),
			wellKnown("bad"):            page(200, `{"m.server":"not a name"}`),
			wellKnown("redirecting"):    page(301, "", "Location", "https://www.redirecting/x"),
			"https://www.redirecting/x": page(307, "", "Location", "/y"),
			"https://www.redirecting/y": page(200, `{"m.server":"matrix.redirecting:1"}`),
			wellKnown("plain"):          page(301, "", "Location", "http://plain/x"),
			"http://plain/x":            page(200, `{"m.server":"evil:1"}`),
			wellKnown("loop"):           page(302, "", "Location", wellKnown("loop")),
			wellKnown("huge"):           page(200, `{"m.server":"evil:1","x":"`+strings.Repeat("x", 70_000)+`"}`),
		},
		srv: map[string][]*net.SRV{
			"matrix-fed matrix.to-srv": {srv("a.to-srv.", 1), srv("b.to-srv.", 2)},
			"matrix matrix.to-old-srv": {srv("a.to-old-srv.", 3)},
			"matrix-fed has-srv":       {srv("x.has-srv.", 4)}, "matrix has-srv": {srv("wrong.", 9)},
			"matrix has-old-srv": {srv("x.has-old-srv.", 5)},
		},
	}
	now := time.Now()
	r := newResolver(t, w, &now)
	for _, c := range []struct{ server, host, name, addresses string }{
		{"1.2.3.4", "1.2.3.4", "1.2.3.4", "1.2.3.4:8448"},
		{"1.2.3.4:80", "1.2.3.4:80", "1.2.3.4", "1.2.3.4:80"},
		{"[2a01::2]", "[2a01::2]", "2a01::2", "[2a01::2]:8448"},
		{"port.example:80", "port.example:80", "port.example", "port.example:80"},
		{"to-ip", "5.6.7.8", "5.6.7.8", "5.6.7.8:8448"},
		{"to-ipport", "[2a01::1]:99", "2a01::1", "[2a01::1]:99"},
		{"to-port", "matrix.to-port:443", "matrix.to-port", "matrix.to-port:443"},
		{"to-srv", "matrix.to-srv", "matrix.to-srv", "a.to-srv:1 b.to-srv:2"},
		{"to-old-srv", "matrix.to-old-srv", "matrix.to-old-srv", "a.to-old-srv:3"},
		{"to-name", "matrix.to-name", "matrix.to-name", "matrix.to-name:8448"},
		{"has-srv", "has-srv", "has-srv", "x.has-srv:4"},
		{"has-old-srv", "has-old-srv", "has-old-srv", "x.has-old-srv:5"},
		{"nothing", "nothing", "nothing", "nothing:8448"},
		{"bad", "bad", "bad", "bad:8448"},
		{"redirecting", "matrix.redirecting:1", "matrix.redirecting", "matrix.redirecting:1"},
		{"plain", "plain", "plain", "plain:8448"},
		{"loop", "loop", "loop", "loop:8448"},
		{"huge", "huge", "huge", "huge:8448"},
	} {
		got, err := r.Resolve(t.Context(), c.server)
		if err != nil || got.Host != c.host || got.TLSName != c.name || strings.Join(got.Addresses, " ") != c.addresses {
			t.Errorf("%s: %+v, %v", c.server, got, err)
		}
	}
	if _, err := r.Resolve(t.Context(), "no name"); !errors.Is(err, names.ErrName) {
		t.Errorf("%v", err)
	}
}

func TestDomainWithoutServer(t *testing.T) {
	t.Parallel()
	w := &world{srv: map[string][]*net.SRV{"matrix-fed gone": {srv(".", 0)}}}
	now := time.Now()
	if got, err := newResolver(t, w, &now).Resolve(t.Context(), "gone"); !errors.Is(err, names.ErrNoService) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDelegationIsKept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := &world{pages: map[string]func() *http.Response{
		wellKnown("hour"):  page(200, `{"m.server":"x:1"}`, "Cache-Control", "public, max-age=3600"),
		wellKnown("plain"): page(200, `{"m.server":"x:1"}`),
		wellKnown("never"): page(200, `{"m.server":"x:1"}`, "Cache-Control", "no-store"),
		wellKnown("ever"):  page(200, `{"m.server":"x:1"}`, "Cache-Control", "max-age=99999999"),
		wellKnown("until"): page(200, `{"m.server":"x:1"}`, "Expires", now.Add(2*time.Hour).UTC().Format(http.TimeFormat)),
		wellKnown("none"):  page(404, ""),
	}}
	r := newResolver(t, w, &now)
	for host, life := range map[string]time.Duration{
		"hour": time.Hour, "plain": 24 * time.Hour, "never": 5 * time.Minute, "ever": 48 * time.Hour, "until": 2*time.Hour - time.Second, "none": time.Hour,
		"away": 2 * time.Minute,
	} {
		asks := func() bool {
			w.took()
			if _, err := r.Resolve(t.Context(), host); err != nil {
				t.Fatal(err)
			}
			return slices.Contains(w.took(), "web "+host)
		}
		before := now
		if !asks() {
			t.Errorf("%s: not asked", host)
		}
		now = now.Add(life - 2*time.Second)
		if asks() {
			t.Errorf("%s: asked again too early", host)
		}
		now = now.Add(4 * time.Second)
		if !asks() {
			t.Errorf("%s: not asked again", host)
		}
		now = before
	}
}

func TestFailuresAreRepeatedLessAndLess(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := &world{}
	r := newResolver(t, w, &now)
	count := 0
	for range 24 * 60 {
		if _, err := r.Resolve(t.Context(), "away"); err != nil {
			t.Fatal(err)
		}
		for _, what := range w.took() {
			if what == "web away" {
				count++
			}
		}
		now = now.Add(time.Minute)
	}
	if count < 24 || count > 32 {
		t.Errorf("asked %d times in a day, want about once an hour in the end", count)
	}
}

func TestWebServerThatIsAwayTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := &world{pages: map[string]func() *http.Response{wellKnown("one"): page(200, `{"m.server":"x:1"}`, "Cache-Control", "max-age=600")}}
	r := newResolver(t, w, &now)
	host := func() string {
		got, err := r.Resolve(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		return got.Host
	}
	host()
	delete(w.pages, wellKnown("one"))
	now = now.Add(20 * time.Hour)
	if host() != "x:1" {
		t.Error("forgotten too early")
	}
	now = now.Add(20 * time.Hour)
	if host() != "one" {
		t.Error("not forgotten")
	}
}

func TestNamesThatAreLookedUpElsewhere(t *testing.T) {
	t.Parallel()
	w := &world{}
	r, err := names.New(names.Options{DNS: w, WellKnown: w, Remote: func(host string) bool { return host == "proxied.example" }})
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"abc.onion", "proxied.example"} {
		got, err := r.Resolve(t.Context(), server)
		if err != nil || got.Addresses[0] != server+":8448" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, what := range w.took() {
		if !strings.HasPrefix(what, "web ") {
			t.Errorf("asked for %s", what)
		}
	}
}

func TestAddressesAreKept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := &world{ips: map[string][]netip.Addr{"a": {netip.MustParseAddr("::ffff:1.2.3.4")}}}
	r := newResolver(t, w, &now)
	for range 3 {
		if got, err := r.LookupIP(t.Context(), "a"); err != nil || got[0].String() != "1.2.3.4" {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := r.LookupIP(t.Context(), "b"); err == nil {
			t.Error("found what is not there")
		}
	}
	if asked := w.took(); len(asked) != 2 {
		t.Errorf("asked for %v", asked)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"one.example:8448", "[::1]:80", "1.2.3.4", "::", "a:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := servername.Parse(s)
		if ok && (name.Host == "" || strings.ContainsAny(s, " /@?#\\\n")) {
			t.Errorf("%q is %+v", s, name)
		}
	})
}

func FuzzParseWellKnown(f *testing.F) {
	for _, s := range []string{`{"m.server":"a:1"}`, `{"m.server":7}`, `[]`, `{"m.server":"[::1]"}`, `{"M.SERVER":"a"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		to, err := names.ParseWellKnown(body)
		if err == nil && !servername.Valid(to) {
			t.Errorf("%q leads to %q", body, to)
		}
	})
}
