package httpx_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"plenum/internal/httpx"
)

// FuzzRequest sends anything: the answer is for the client's eyes and blames
// the client, and what reaches a handler is text.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][4]string{
		{"PUT", "/rooms/!a:b/send/m.room.message/1", "", `{"body":"x"}`},
		{"PUT", "/rooms/%21a%2f/send/%FF/%00", "access_token=x&limit=1", `{"body":"\u0000"}`},
		{"POST", "/rooms//send//", "limit=x;y&a=%", `{"level":1e99,"n":{"n":{"n":null}}}`},
		{"GET", "/files/a/../b//%2e%2e", "&&==&limit=%C3%28", strings.Repeat("[", 200)},
		{"HEAD", "/", "limit=-0", "\xff\xfe"},
		{"OPTIONS", "*", "", ""},
		{"BREW", "/rooms/a/send/b/c/d/e/f/g/h", "limit=9223372036854775808", `{"\ud800":"\udc00"}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	type body struct {
		Body  string          `json:"body"`
		Level *int            `json:"level"`
		Next  *body           `json:"n"`
		Raw   json.RawMessage `json:"raw"`
	}
	text := func(t *testing.T, words ...string) {
		for _, w := range words {
			if !utf8.ValidString(w) || strings.ContainsRune(w, 0) {
				t.Errorf("a handler got %q", w)
			}
		}
	}
	f.Fuzz(func(t *testing.T, method, path, query, sent string) {
		typed := func(_ context.Context, r *httpx.Request[body]) (body, error) {
			text(t, r.Path("room"), r.Path("type"), r.Path("txn"), r.Query("limit"), r.Body.Body)
			_, err := r.QueryInt("limit", 1)
			return r.Body, err
		}
		raw := func(_ context.Context, r *httpx.Request[json.RawMessage]) (json.RawMessage, error) {
			if !json.Valid(r.Body) || !strings.HasPrefix(strings.TrimLeft(string(r.Body), " \t\r\n"), "{") {
				t.Errorf("a handler got %q", r.Body)
			}
			return r.Body, nil
		}
		mux := httpx.NewMux([]httpx.Route{
			httpx.Put("/rooms/{room}/send/{type}/{txn}", httpx.User, "", httpx.RateMessage, raw),
			httpx.Post("/rooms/{room}/send/{type}/{txn?}", httpx.Optional, "", httpx.NoLimit, typed),
			httpx.Post("/typed", httpx.Anyone, "", httpx.RateLogin, typed),
			httpx.Post("/raw", httpx.Anyone, "", httpx.RateLogin, raw),
			get("/files/{path...}", echo("path")),
		}, httpx.Options{Auth: tokens{}, Limits: httpx.DefaultLimits()})

		for _, p := range []string{path, "/typed", "/raw"} {
			u := &url.URL{Path: p, RawQuery: query}
			if parsed, err := url.ParseRequestURI(p); err == nil {
				u = parsed
				u.RawQuery = query
			}
			r := &http.Request{Method: method, URL: u, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(sent)), ContentLength: -1}
			if p != path {
				r.Method = http.MethodPost
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r.WithContext(t.Context()))
			if w.Code >= 500 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Code != http.StatusNoContent && !json.Valid(w.Body.Bytes()) {
				t.Errorf("answered %q", w.Body)
			}
		}
	})
}

// FuzzForwarded writes anything into the header in which proxies tell where a
// request comes from.
func FuzzForwarded(f *testing.F) {
	f.Add("10.0.0.1:1", "192.0.2.1, 10.0.0.2")
	f.Add("@", ",,,")
	f.Add("[fd00::1%eth0]:1", "::ffff:10.0.0.1,[::1]:80,unknown,\x00")
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := httptest.NewRequest("GET", "/login", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", forwarded)
		serve(t, limited(&clock{}, proxiesOfTests()...), r).status200()
	})
}
