package httpx_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// tokens takes the name of a user for a token, and what is wrong with an
// account for its name.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	p := matrix.Principal{User: id.UserID("@" + token + ":one.example"), Device: "PHONE"}
	switch token {
	case "nobody":
		return matrix.Principal{}, &matrix.Error{Code: matrix.UnknownToken, Text: "Unknown.", Extra: map[string]any{"soft_logout": true}}
	case "locked":
		return p, matrix.Errorf(matrix.UserLocked, "Locked.")
	case "broken":
		return p, io.ErrClosedPipe
	}
	p.Admin, p.Suspended = token == "admin", token == "suspended"
	if token == "bridge" {
		p.Appservice = token
	}
	return p, nil
}

// reply is an answer as a client sees it.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// ask sends a request to h: further words are names and values of headers.
func ask(t *testing.T, h http.Handler, method, target, body string, headers ...string) reply {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return serve(t, h, r)
}

func serve(t *testing.T, h http.Handler, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{t, w.Code, w.Header(), w.Body.String()}
}

// want checks the status and the body, which is JSON that must be equal.
func (r reply) want(status int, body string) {
	r.t.Helper()
	if r.status != status || r.body != body {
		r.t.Errorf("answered %d %s, want %d %s", r.status, r.body, status, body)
	}
}

// refused checks that the answer is an error that a client can read, and
// returns its text.
func (r reply) refused(status int, code matrix.Code) string {
	r.t.Helper()
	var e struct {
		Code matrix.Code `json:"errcode"`
		Text string      `json:"error"`
	}
	if err := json.Unmarshal([]byte(r.body), &e); err != nil {
		r.t.Errorf("answered %q, which is no JSON: %v", r.body, err)
	}
	if r.status != status || e.Code != code || e.Text == "" {
		r.t.Errorf("answered %d %s, want %d %s", r.status, r.body, status, code)
	}
	if r.header.Get("Content-Type") != "application/json" || r.header.Get("Access-Control-Allow-Origin") != "*" {
		r.t.Errorf("a page cannot read this error: headers %v", r.header)
	}
	return e.Text
}

// echo answers with the parameters that are asked for by name.
func echo(names ...string) func(context.Context, *httpx.Request[httpx.None]) (map[string]string, error) {
	return func(_ context.Context, r *httpx.Request[httpx.None]) (map[string]string, error) {
		values := make(map[string]string)
		for _, n := range names {
			values[n] = r.Path(n)
		}
		return values, nil
	}
}

// say answers with a word, so that a test can tell routes apart.
func say(word string) func(context.Context, *httpx.Request[httpx.None]) (string, error) {
	return func(context.Context, *httpx.Request[httpx.None]) (string, error) { return word, nil }
}

func get(pattern string, fn func(context.Context, *httpx.Request[httpx.None]) (map[string]string, error)) httpx.Route {
	return httpx.Get(pattern, httpx.Anyone, "", httpx.NoLimit, fn)
}
