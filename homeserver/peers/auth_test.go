package peers_test

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plenum/homeserver/peers/xmatrix"
	"plenum/internal/matrix"
)

// signed makes a request of a server as that server would.
func signed(t *testing.T, origin string, change func(*xmatrix.Request, *xmatrix.Header)) *http.Request {
	t.Helper()
	const body = `{"a": 1}`
	r := httptest.NewRequest(http.MethodPut, "/_matrix/federation/v1/send/%21?x=%2F", strings.NewReader(body))
	r.Header.Add("Authorization", header(t, origin, change))
	return r
}

func header(t testing.TB, origin string, change func(*xmatrix.Request, *xmatrix.Header)) string {
	t.Helper()
	x := xmatrix.Request{Method: http.MethodPut, URI: "/_matrix/federation/v1/send/%21?x=%2F", Origin: origin, Destination: there, Content: []byte(`{"a":1}`)}
	h := xmatrix.Header{Origin: origin, Destination: there, Key: "ed25519:a"}
	if change != nil {
		change(&x, &h)
	}
	message, err := x.SigningBytes()
	if err != nil {
		t.Fatal(err)
	}
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, origin)
	h.Signature = ed25519.Sign(ed25519.NewKeyFromSeed(seed), message)
	return h.String()
}

func TestWhoHasSigned(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one := open(t, here, n.options())
	asked := 0
	n.serve(here, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		one.ServeHTTP(w, r)
	}))
	n.serve("denied.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked a server that we do not speak to") }))
	opt := n.options()
	opt.Policy.Deny = []string{"denied.example"}
	two := open(t, there, opt)
	auth := func(r *http.Request) (string, error) {
		return two.auth.AuthenticateServer(t.Context(), r, []byte(`{"a": 1}`))
	}

	for name, r := range map[string]*http.Request{
		"as it should be":       signed(t, here, nil),
		"without a destination": signed(t, here, func(_ *xmatrix.Request, h *xmatrix.Header) { h.Destination = "" }),
	} {
		if origin, err := auth(r); origin != here || err != nil {
			t.Errorf("%s: %q, %v", name, origin, err)
		}
	}
	two2 := signed(t, here, func(_ *xmatrix.Request, h *xmatrix.Header) { h.Key = "ed25519:new" })
	two2.Header.Add("Authorization", header(t, here, nil))
	two2.Header.Add("Authorization", "Bearer x")
	if origin, err := auth(two2); origin != here || err != nil {
		t.Errorf("two keys: %q, %v", origin, err)
	}

	several := signed(t, here, nil)
	several.Header.Add("Authorization", header(t, "three.example", nil))
	many := signed(t, here, nil)
	for range 5 {
		many.Header.Add("Authorization", header(t, here, nil))
	}
	bare := signed(t, here, nil)
	bare.Header.Del("Authorization")
	broken := signed(t, here, nil)
	broken.Header.Set("Authorization", "X-Matrix nonsense")
	for name, c := range map[string]struct {
		r    *http.Request
		code matrix.Code
	}{
		"not signed":            {bare, matrix.Unauthorized},
		"not well formed":       {broken, matrix.Unauthorized},
		"of several":            {several, matrix.Unauthorized},
		"too many":              {many, matrix.Unauthorized},
		"another method":        {signed(t, here, func(r *xmatrix.Request, _ *xmatrix.Header) { r.Method = "POST" }), matrix.Unauthorized},
		"another address":       {signed(t, here, func(r *xmatrix.Request, _ *xmatrix.Header) { r.URI += "x" }), matrix.Unauthorized},
		"another body":          {signed(t, here, func(r *xmatrix.Request, _ *xmatrix.Header) { r.Content = []byte(`{}`) }), matrix.Unauthorized},
		"no body":               {signed(t, here, func(r *xmatrix.Request, _ *xmatrix.Header) { r.Content = nil }), matrix.Unauthorized},
		"for another":           {signed(t, here, func(_ *xmatrix.Request, h *xmatrix.Header) { h.Destination = "x.example" }), matrix.Unauthorized},
		"for another, secretly": {signed(t, here, func(r *xmatrix.Request, _ *xmatrix.Header) { r.Destination = "x.example" }), matrix.Unauthorized},
		"another key":           {signed(t, here, func(_ *xmatrix.Request, h *xmatrix.Header) { h.Key = "ed25519:x" }), matrix.Unauthorized},
		"another server":        {signed(t, here, func(_ *xmatrix.Request, h *xmatrix.Header) { h.Origin = "nowhere.example" }), matrix.Unauthorized},
		"in our name":           {signed(t, there, nil), matrix.Unauthorized},
		"no name":               {signed(t, "no name", nil), matrix.Unauthorized},
		"denied":                {signed(t, "denied.example", nil), matrix.Forbidden},
	} {
		if origin, err := auth(c.r); !matrix.IsCode(err, c.code) || origin != "" {
			t.Errorf("%s: %q, %v", name, origin, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for the keys", asked)
	}
}

func TestServerThatSpeaksIsAskedAgain(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one, two := open(t, here, n.options()), open(t, there, n.options())
	if _, err := two.Version(t.Context(), here); err == nil || two.Until(here).IsZero() {
		t.Fatalf("it is not there yet: %v", err)
	}
	n.serve(here, one)
	// Its keys are not known yet: somebody waits, and so it is asked.
	opt := n.options()
	later := time.Now().Add(time.Minute)
	opt.Now = func() time.Time { return later }
	two = newServer(t, two.db, there, opt)
	if _, err := two.auth.AuthenticateServer(t.Context(), signed(t, here, nil), []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if !two.Until(here).IsZero() {
		t.Error("still left alone")
	}
}
