package httpx_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"plenum/internal/httpx"
)

// answering serves fn under every way of asking.
func answering[Resp any](fn func() (Resp, error)) http.Handler {
	return httpx.NewMux([]httpx.Route{
		httpx.Get("/", httpx.Anyone, "", httpx.NoLimit, func(context.Context, *httpx.Request[httpx.None]) (Resp, error) { return fn() }),
	}, httpx.Options{})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	type sent struct {
		Body string `json:"body"`
		Skip string `json:"skip,omitempty"`
	}
	for name, x := range map[string]struct {
		answer any
		status int
		body   string
	}{
		"struct":      {sent{Body: "<b>Käse & Brot</b>\u2028"}, 200, "{\"body\":\"<b>Käse & Brot</b>\\u2028\"}"},
		"none":        {httpx.None{}, 200, "{}"},
		"nil":         {nil, 200, "{}"},
		"JSON":        {httpx.JSON(`{"a": 1 }`), 200, `{"a": 1 }`},
		"raw":         {json.RawMessage(`{"a":"<"}`), 200, `{"a":"<"}`},
		"with status": {&httpx.Answer{Status: 401, Body: map[string]any{"flows": []string{}}}, 401, `{"flows":[]}`},
		"status JSON": {&httpx.Answer{Status: 202, Body: httpx.JSON(`{"a":1}`)}, 202, `{"a":1}`},
		"status only": {&httpx.Answer{Status: 403}, 403, `{}`},
		"of nothing":  {&httpx.Answer{}, 200, `{}`},
		"no content":  {&httpx.Answer{Status: 204}, 204, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, answering(func() (any, error) { return x.answer, nil }), "GET", "/", "")
			a.want(x.status, x.body)
			if x.body == "" {
				return
			}
			if a.header.Get("Content-Type") != "application/json" || a.header.Get("Content-Length") != strconv.Itoa(len(x.body)) || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", a.header)
			}
		})
	}
}

// A handler whose answer has a type of its own can still say something else.
func TestAnswerAsError(t *testing.T) {
	t.Parallel()
	mux := answering(func() (string, error) {
		return "", &httpx.Answer{Status: 401, Header: http.Header{"X-Stage": {"1"}}, Body: map[string]string{"session": "s"}}
	})
	a := ask(t, mux, "GET", "/", "")
	a.want(401, `{"session":"s"}`)
	if a.header.Get("X-Stage") != "1" {
		t.Errorf("headers %v", a.header)
	}
	a = ask(t, answering(func() (string, error) { return "", httpx.Redirect("https://two.example/?a=b") }), "GET", "/", "")
	if a.status != http.StatusFound || a.header.Get("Location") != "https://two.example/?a=b" || a.body != "" {
		t.Errorf("redirect: %d %v %q", a.status, a.header, a.body)
	}
	a = ask(t, answering(func() (*httpx.Answer, error) {
		return &httpx.Answer{Header: http.Header{"Cache-Control": {"public, max-age=60"}}, Body: "x"}, nil
	}), "GET", "/", "")
	if got := a.header.Get("Cache-Control"); got != "public, max-age=60" {
		t.Errorf("Cache-Control %q", got)
	}
}

func TestAnswerThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	mux := answering(func() (any, error) { return map[string]any{"a": strings.Repeat("x", 100), "b": func() {}}, nil })
	for range 3 { // whatever was encoded before the fault must not get into another answer
		ask(t, mux, "GET", "/", "").want(500, `{"errcode":"M_UNKNOWN","error":"Something went wrong on the server."}`)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	large := timeline(20_000)
	mux := answering(func() (httpx.JSON, error) { return large, nil })
	for _, accept := range []string{"gzip", "deflate, gzip;q=1.0, *;q=0.5", "br, GZIP", "gzip; q=0.5"} {
		a := ask(t, mux, "GET", "/", "", "Accept-Encoding", accept)
		if a.header.Get("Content-Encoding") != "gzip" || len(a.body) > len(large)/2 || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Errorf("%s: %d bytes, %v", accept, len(a.body), a.header)
			continue
		}
		z, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, large) {
			t.Errorf("%s: came out differently, %v", accept, err)
		}
	}
	for _, accept := range []string{"", "identity", "gzip;q=0", "gzip; q=0.000", "br", "xgzip", "*;q=0"} {
		a := ask(t, mux, "GET", "/", "", "Accept-Encoding", accept)
		if a.header.Get("Content-Encoding") != "" || a.body != string(large) || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %d bytes, %v", accept, len(a.body), a.header)
		}
	}
	small := ask(t, answering(func() (httpx.JSON, error) { return timeline(1000), nil }), "GET", "/", "", "Accept-Encoding", "gzip")
	if small.header.Get("Content-Encoding") != "" || small.header.Get("Vary") != "" {
		t.Errorf("small: %v", small.header)
	}
}
