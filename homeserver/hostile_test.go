package homeserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/httpx"
)

// TestHostileInput sends every endpoint what no good client would: bodies that
// are not JSON, or hold something else than they should wherever they can;
// paths and queries full of rubbish; names of what belongs to others, or to
// nobody; tokens that are none. Whatever comes, the server answers that it was
// the sender's mistake, tells nothing of its inside, shows nothing that is
// somebody else's, and works as before.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	faults := &faults{}
	opt := hstest.Options{
		Log:       slog.New(faults),
		Configure: func(c *config.Config) { c.Passwords.WrongInARow = -1; c.Presence.Enabled = true },
	}
	hstest.Each(t, opt, func(t *testing.T, s *hstest.Server) {
		w := newHostileWorld(t, s)
		t.Run("routes", func(t *testing.T) {
			for _, r := range s.Homeserver().Routes() {
				t.Run(r.Method+r.Pattern, func(t *testing.T) {
					t.Parallel()
					for _, who := range w.attackers(t) {
						a := &attack{T: t, s: s, faults: faults, route: r, who: who}
						a.paths()
						if who.sociable { // others are not let come as far
							a.queries()
							a.bodies()
						}
						a.aftermath()
					}
					(&attack{T: t, s: s, faults: faults, route: r, who: w.nobody(t)}).tokens()
				})
			}
		})
		w.wantUntouched(t)
	})
}

// faults counts what the server says went wrong in itself.
type faults struct {
	slog.Handler
	count atomic.Int64
}

func (*faults) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (f *faults) WithAttrs([]slog.Attr) slog.Handler { return f }

func (f *faults) WithGroup(string) slog.Handler { return f }

func (f *faults) Handle(_ context.Context, r slog.Record) error {
	f.count.Add(1)
	return nil
}

// attack is one sender of rubbish at work on one route.
type attack struct {
	*testing.T
	s      *hstest.Server
	faults *faults
	route  httpx.Route
	who    *attacker
	tries  int
}

// skips reports whether an input is left out this time.
func (a *attack) skips() bool {
	a.tries++
	return a.tries%oneIn != len(a.route.Pattern)%oneIn // another one for each route
}

// request is one attempt.
type request struct {
	path  string
	body  []byte
	token string // instead of that of the attacker
}

// paths puts rubbish, and names of other people's things, into each parameter
// of the path, while the others are as they should be.
func (a *attack) paths() {
	body := a.example()
	good := a.who.names()
	for _, name := range parameters(a.route.Pattern) {
		for _, value := range slices.Concat(rubbish, a.who.others(name)) {
			if a.skips() {
				continue
			}
			values := with(good, name, value)
			a.send(request{path: fill(a.route.Pattern, values), body: body})
		}
	}
}

// queries puts rubbish into every query parameter that any handler reads.
func (a *attack) queries() {
	path, body := fill(a.route.Pattern, a.who.names()), a.example()
	for _, q := range brokenQueries {
		if a.skips() {
			continue
		}
		a.send(request{path: path + "?" + q, body: body})
	}
	if a.route.Method != http.MethodGet {
		return
	}
	for _, name := range queryNames(a.T) {
		for _, value := range queryRubbish {
			if a.skips() {
				continue
			}
			a.send(request{path: path + "?" + name + "=" + value})
		}
	}
}

// bodies sends what is no JSON, and then JSON with something else in the place
// of each of its values.
func (a *attack) bodies() {
	// Whoever has closed their account with the last input notices it here.
	a.send(request{path: fill(a.route.Pattern, a.who.names()), body: []byte("{")})
	for _, s := range samplesFor(a.route, a.who) {
		status, answer := a.send(request{path: s.path, body: encode(a.T, s.body)})
		if code := gjson.GetBytes(answer, "errcode").Str; status >= 400 && s.listed && code != refusedAlways[s.route] {
			a.Errorf("a sample is refused, so that what comes of it means nothing: %s with %v: %s", s.path, s.body, answer)
		}
		for _, b := range brokenBodies {
			if a.skips() {
				continue
			}
			a.send(request{path: s.path, body: b})
		}
		for _, b := range mutations(s.body) {
			if a.skips() {
				continue
			}
			a.send(request{path: s.path, body: encode(a.T, b)})
		}
	}
}

// tokens shows tokens that are none.
func (a *attack) tokens() {
	path, body := fill(a.route.Pattern, a.who.names()), a.example()
	for _, token := range badTokens {
		status, _ := a.send(request{path: path, body: body, token: token})
		nobody := a.route.Access == httpx.Optional && strings.TrimSpace(token) == "" // who need not show one
		if status < 400 && a.route.Access != httpx.Anyone && !nobody {
			a.Errorf("the token %q is let in", token)
		}
	}
}

// aftermath reads everything that may have been poisoned.
func (a *attack) aftermath() {
	for _, r := range a.s.Homeserver().Routes() {
		if r.Method == http.MethodGet {
			b := *a
			b.route = r
			b.send(request{path: fill(r.Pattern, a.who.names())})
		}
	}
}

// example is a body as it should be; nil where there is none.
func (a *attack) example() []byte {
	for _, s := range samplesFor(a.route, a.who) {
		return encode(a.T, s.body)
	}
	return nil
}

// send makes an attempt, judges the answer and returns it.
func (a *attack) send(q request) (int, []byte) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, a.route.Method, "http://server/", bytes.NewReader(q.body))
	if err != nil {
		a.Fatal(err)
	}
	if r.URL, err = url.Parse("http://server" + q.path); err != nil {
		return 0, nil // no client can send it, and net/http would not take it
	}
	token := q.token
	if token == "" && a.who.client != nil {
		token = a.who.client.Token
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := a.s.RoundTrip(r)
	if err != nil {
		a.Errorf("%s: %v", describe(a.route, q), err)
		return 0, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		a.Errorf("%s: %v", describe(a.route, q), err)
	}
	a.judge(q, resp, raw)
	if resp.StatusCode == http.StatusUnauthorized && q.token == "" && a.who.client != nil && gjson.GetBytes(raw, "errcode").Str == "M_UNKNOWN_TOKEN" {
		a.who.again(a.T) // it has signed itself out, or closed its account
	}
	return resp.StatusCode, raw
}

// inside is what nobody outside has to read.
var inside = regexp.MustCompile(`(?i)\bsql|sqlite|pgx|postgres|constraint|syntax error|goroutine|panic|nil pointer|runtime error|\.go\b|plenum/|go (struct|value)|json: (cannot|unsupported|unknown)|unmarshal|reflect|interface ?\{|(?-i:\b(rooms|matrix|storage|e2ee|event|eventlog|account|userdata|push|httpx|sync)\.[A-Z])|map\[|%!|0x[0-9a-f]{6,}|/tmp/|no such file|strconv`)

// judge says whether an answer will do.
func (a *attack) judge(q request, resp *http.Response, raw []byte) {
	a.Helper()
	fail := func(why string) {
		a.Helper()
		a.Errorf("%s: %s: %d %.300q", describe(a.route, q), why, resp.StatusCode, raw)
	}
	if n := a.faults.count.Swap(0); n > 0 {
		fail("the server reports a fault of its own")
	}
	answer := gjson.ParseBytes(raw)
	code, text := answer.Get("errcode").Str, answer.Get("error").Str
	if description := answer.Get("error_description"); strings.HasPrefix(a.route.Pattern, "/_plenum/oauth/") && description.Exists() {
		code, text = text, description.Str // the words of OAuth 2.0
	}
	if resp.StatusCode >= 500 && code != "M_NOT_YET_UPLOADED" {
		fail("the server blames itself")
	}
	if bytes.Contains(raw, []byte(secret)) {
		fail("this is somebody else's")
	}
	if resp.StatusCode >= 400 && len(raw) > 2000 && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		fail("this is too long")
	}
	if inside.MatchString(text[:min(len(text), 1000)]) {
		fail("this tells of the inside")
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || resp.StatusCode < 400 && resp.Header.Get("Content-Type") != "application/json" {
		return
	}
	asks := resp.StatusCode == http.StatusUnauthorized && answer.Get("flows").IsArray()
	switch {
	case !json.Valid(raw):
		fail("this is no JSON")
	case resp.StatusCode >= 400 && !asks && (code == "" || text == ""):
		fail("the error has no code or no text")
	}
}

// describe names an attempt in few words.
func describe(r httpx.Route, q request) string {
	text := r.Method + " " + q.path
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	if len(q.body) > 0 {
		text += " with " + string(q.body[:min(len(q.body), 400)])
	}
	return strings.ToValidUTF8(text, "?")
}
