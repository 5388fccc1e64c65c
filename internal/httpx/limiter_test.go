package httpx_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// clock is a time that moves when told.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// limited serves a route that users ask and one that anybody asks, each of
// which takes two requests at once and one more per second.
func limited(c *clock, proxies ...netip.Prefix) http.Handler {
	one := httpx.Limit{PerSecond: 1, Burst: 2}
	return httpx.NewMux([]httpx.Route{
		httpx.Get("/user", httpx.User, "", httpx.RateMessage, say("")),
		httpx.Get("/other", httpx.User, "", httpx.RateJoin, say("")),
		httpx.Get("/free", httpx.User, "", httpx.RateSearch, say("")),
		httpx.Get("/login", httpx.Anyone, "", httpx.RateLogin, say("")),
	}, httpx.Options{
		Auth: tokens{}, Now: c.Now, TrustedProxies: proxies,
		Limits: map[httpx.Rate]httpx.Limit{httpx.RateMessage: one, httpx.RateJoin: one, httpx.RateLogin: one, httpx.RateSearch: {PerSecond: 1}},
	})
}

func TestRateOfUser(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_000_000, 0)}
	mux := limited(c)
	as := func(user, path string) reply {
		t.Helper()
		return ask(t, mux, "GET", path, "", "Authorization", "Bearer "+user)
	}
	as("ada", "/user").status200()
	as("ada", "/user").status200()
	slow := as("ada", "/user")
	slow.refused(http.StatusTooManyRequests, matrix.LimitExceeded)
	slow.want(429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests. Wait a moment and try again.","retry_after_ms":1000}`)
	if slow.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", slow.header.Get("Retry-After"))
	}
	as("bob", "/user").status200()  // somebody else
	as("ada", "/other").status200() // something else
	for range 10 {
		as("ada", "/free").status200() // has no burst, which means no limit
	}

	c.advance(900 * time.Millisecond)
	a := as("ada", "/user")
	a.refused(429, matrix.LimitExceeded)
	var wait struct {
		MS int64 `json:"retry_after_ms"`
	}
	if err := json.Unmarshal([]byte(a.body), &wait); err != nil || wait.MS != 100 {
		t.Errorf("to wait %d ms, %v; want 100", wait.MS, err)
	}
	c.advance(time.Duration(wait.MS) * time.Millisecond) // whoever waits as told gets in
	as("ada", "/user").status200()
	as("ada", "/user").refused(429, matrix.LimitExceeded)
	c.advance(time.Hour) // more than a full allowance is not saved up
	as("ada", "/user").status200()
	as("ada", "/user").status200()
	as("ada", "/user").refused(429, matrix.LimitExceeded)
}

func TestRateOfAddress(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_000_000, 0)}
	mux := limited(c)
	from := func(address, path string, headers ...string) reply {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr = address
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return serve(t, mux, r)
	}
	from("192.0.2.1:10", "/login").status200()
	from("192.0.2.1:11", "/login", "Authorization", "Bearer ada").status200() // nobody looks at the token
	from("192.0.2.1:12", "/login", "X-Forwarded-For", "192.0.2.9").refused(429, matrix.LimitExceeded)
	from("[::ffff:192.0.2.1]:12", "/login").refused(429, matrix.LimitExceeded)
	from("192.0.2.2:10", "/login").status200()

	// A network of IPv6 is one subscriber.
	from("[2001:db8::1]:1", "/login").status200()
	from("[2001:db8::2]:1", "/login").status200()
	from("[2001:db8::3%eth0]:1", "/login").refused(429, matrix.LimitExceeded)
	from("[2001:db8:0:1::1]:1", "/login").status200()

	// Wrong tokens count, against the address; good ones from there do not.
	for range 2 {
		from("192.0.2.3:1", "/user", "Authorization", "Bearer nobody").refused(401, matrix.UnknownToken)
	}
	from("192.0.2.3:1", "/user", "Authorization", "Bearer nobody").refused(429, matrix.LimitExceeded)
	from("192.0.2.3:1", "/user").refused(429, matrix.LimitExceeded)
	from("192.0.2.3:1", "/user", "Authorization", "Bearer ada").status200()
}

func proxiesOfTests() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		remote  string
		headers []string // of X-Forwarded-For
		same    string   // an address that is counted together with it
	}{
		"named by a proxy":          {"10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1:5"},
		"what came before is vain":  {"10.0.0.1:1", []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1:5"},
		"through two proxies":       {"10.0.0.1:1", []string{"198.51.100.7, 192.0.2.1, 10.0.0.2"}, "192.0.2.1:5"},
		"in two headers":            {"10.0.0.1:1", []string{"198.51.100.7", "192.0.2.1"}, "192.0.2.1:5"},
		"IPv6":                      {"[fd00::1]:1", []string{"2001:db8::1"}, "[2001:db8::2]:5"},
		"mapped":                    {"10.0.0.1:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1:5"},
		"over a Unix socket":        {"@", []string{"192.0.2.1"}, "192.0.2.1:5"},
		"nobody is named":           {"10.0.0.1:1", nil, "10.0.0.1:5"},
		"nonsense":                  {"10.0.0.1:1", []string{"192.0.2.1, unknown"}, "10.0.0.1:5"},
		"nonsense behind a proxy":   {"10.0.0.1:1", []string{"\x00, 10.0.0.9"}, "10.0.0.9:5"},
		"only proxies":              {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:5"},
		"not a proxy":               {"192.0.2.1:1", []string{"198.51.100.7"}, "192.0.2.1:5"},
		"somebody who says he is":   {"192.0.2.1:1", []string{"198.51.100.7, 10.0.0.1"}, "192.0.2.1:5"},
		"a proxy of another family": {"[2001:db8::1]:1", []string{"198.51.100.7"}, "[2001:db8::1]:5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := limited(&clock{time.Unix(1_000_000, 0)}, proxiesOfTests()...)
			r := httptest.NewRequest("GET", "/login", nil)
			r.RemoteAddr = x.remote
			r.Header["X-Forwarded-For"] = x.headers
			serve(t, mux, r).status200()
			serve(t, mux, r).status200()
			r = httptest.NewRequest("GET", "/login", nil)
			r.RemoteAddr = x.same
			serve(t, mux, r).refused(429, matrix.LimitExceeded)
		})
	}
}

// Many callers cost memory only while their allowance is not full.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_000_000, 0)}
	mux := limited(c)
	for i := range 5000 {
		ask(t, mux, "GET", "/user", "", "Authorization", "Bearer user"+strconv.Itoa(i)).status200()
		c.advance(time.Millisecond)
	}
	for range 2 { // what was forgotten was full; what was not is remembered
		ask(t, mux, "GET", "/user", "", "Authorization", "Bearer user0").status200()
	}
	ask(t, mux, "GET", "/user", "", "Authorization", "Bearer user0").refused(429, matrix.LimitExceeded)
	ask(t, mux, "GET", "/user", "", "Authorization", "Bearer user4999").status200()
	ask(t, mux, "GET", "/user", "", "Authorization", "Bearer user4999").refused(429, matrix.LimitExceeded)
}

func TestDefaultLimitsHaveNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for rate, limit := range httpx.DefaultLimits() {
		if limit.PerSecond <= 0 || limit.Burst <= 0 || rate.String() == "unknown" || seen[rate.String()] {
			t.Errorf("%s: %+v", rate, limit)
		}
		seen[rate.String()] = true
	}
	if httpx.Rate(-1).String() != "unknown" || httpx.Access(-1).String() != "unknown" || httpx.Server.String() != "server" {
		t.Error("names of what does not exist")
	}
}

func BenchmarkLimit(b *testing.B) {
	mux := httpx.NewMux([]httpx.Route{
		httpx.Get("/", httpx.Anyone, "", httpx.RateLogin, func(context.Context, *httpx.Request[httpx.None]) (httpx.JSON, error) { return httpx.JSON("{}"), nil }),
	}, httpx.Options{Limits: map[httpx.Rate]httpx.Limit{httpx.RateLogin: {PerSecond: 1e9, Burst: 1e9}}})
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		mux.ServeHTTP(&recorder{header: make(http.Header, 8)}, r)
	}
}
