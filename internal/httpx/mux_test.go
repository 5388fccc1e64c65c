package httpx_test

import (
	"net/http"
	"testing"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

func TestPathParameters(t *testing.T) {
	t.Parallel()
	mux := httpx.NewMux([]httpx.Route{
		get("/rooms/{room}/state/{type}/{key?}", echo("room", "type", "key")),
		get("/rooms/{room}/state", echo("room")),
		get("/files/{path...}", echo("path")),
		get("/profile/{user}/{field}", echo("user", "field")),
	}, httpx.Options{})
	for target, want := range map[string]string{
		"/rooms/!a:b.example/state/m.room.name/":    `{"key":"","room":"!a:b.example","type":"m.room.name"}`,
		"/rooms/!a:b.example/state/m.room.name":     `{"key":"","room":"!a:b.example","type":"m.room.name"}`,
		"/rooms/!a/state/t/k":                       `{"key":"k","room":"!a","type":"t"}`,
		"/rooms/!a/state":                           `{"room":"!a"}`,
		"/rooms/%21a%2Fb%3Ac/state/x%2525/%C3%BC":   `{"key":"ü","room":"!a/b:c","type":"x%25"}`,
		"/rooms/ü/state/m.room.name/a+b":            `{"key":"a+b","room":"ü","type":"m.room.name"}`,
		"/rooms/a%25b/state/t/k":                    `{"key":"k","room":"a%b","type":"t"}`,
		"/ro%6Fms/a/state/t/<&>":                    `{"key":"<&>","room":"a","type":"t"}`,
		"/rooms/a/state/t/%2F":                      `{"key":"/","room":"a","type":"t"}`,
		"/files/":                                   `{"path":""}`,
		"/files/a/b%2Fc/":                           `{"path":"a/b/c/"}`,
		"/profile/@a:b/m.tz?user=other&field=other": `{"field":"m.tz","user":"@a:b"}`,
		"/profile/@a:b/":                            `{"field":"","user":"@a:b"}`,
	} {
		ask(t, mux, "GET", target, "").want(http.StatusOK, want)
	}
	for _, target := range []string{
		"/", "/rooms", "/rooms/", "/rooms/a", "/rooms//state/t/k", "/rooms/a/state//k", "/rooms/a/state/t/k/", "/rooms/a/state/t/k/l",
		"/files", "/filesx/", "//rooms/a/state", "/rooms/a%2Fstate", "/profile/a", "/profile//x", "/ROOMS/a/state",
	} {
		ask(t, mux, "GET", target, "").refused(http.StatusNotFound, matrix.Unrecognized)
	}
	for _, target := range []string{"/profile/%FF/x", "/profile/a%00/x", "/files/%C3%28", "/rooms/a/state/%00"} {
		ask(t, mux, "GET", target, "").refused(http.StatusBadRequest, matrix.InvalidParam)
	}
}

// The route whose segments are named earlier wins, but a way that leads
// nowhere hides no other.
func TestLiteralsBeforeParameters(t *testing.T) {
	t.Parallel()
	route := func(method, pattern, word string) httpx.Route {
		r := httpx.Get(pattern, httpx.Anyone, "", httpx.NoLimit, say(word))
		r.Method = method
		return r
	}
	mux := httpx.NewMux([]httpx.Route{
		route("GET", "/keys/{name}", "one key"),
		route("GET", "/keys/all", "all keys"),
		route("GET", "/keys/all/count", "count"),
		route("GET", "/keys/{name}/parts", "parts"),
		route("PUT", "/keys/{name}", "put a key"),
		route("GET", "/keys/", "slash"),
		route("GET", "/{rest...}", "rest"),
	}, httpx.Options{})
	for target, want := range map[string]string{
		"/keys/all": `"all keys"`, "/keys/x": `"one key"`, "/keys/all/count": `"count"`, "/keys/all/parts": `"parts"`,
		"/keys/": `"slash"`, "/keys": `"rest"`, "/keys/all/other": `"rest"`, "/": `"rest"`,
	} {
		ask(t, mux, "GET", target, "").want(http.StatusOK, want)
	}
	ask(t, mux, "PUT", "/keys/all", "{}").want(http.StatusOK, `"put a key"`)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	mux := httpx.NewMux([]httpx.Route{
		httpx.Get("/_matrix/client/v3/profile/{user}", httpx.Anyone, "", httpx.NoLimit, say("profile")).Also("/_matrix/client/unstable/profile/{user}"),
		httpx.Delete("/_matrix/client/v3/profile/{user}", httpx.Anyone, "", httpx.NoLimit, say("deleted")),
		httpx.Put("/_matrix/client/v3/profile/me", httpx.Anyone, "", httpx.NoLimit, say("put")),
		httpx.Post("/_matrix/media/v3/upload", httpx.Anyone, "", httpx.NoLimit, say("uploaded")),
	}, httpx.Options{})
	for target, allow := range map[string]string{
		"/_matrix/client/v3/profile/ada":       "DELETE, GET, HEAD",
		"/_matrix/client/r0/profile/ada":       "DELETE, GET, HEAD",
		"/_matrix/client/unstable/profile/ada": "GET, HEAD",
		"/_matrix/client/v3/profile/me":        "DELETE, GET, HEAD, PUT",
		"/_matrix/media/v3/upload":             "POST",
		"/_matrix/media/r0/upload":             "POST",
		"/_matrix/media/v1/upload":             "POST",
	} {
		for _, method := range []string{"PATCH", "BREW"} {
			a := ask(t, mux, method, target, "")
			a.refused(http.StatusMethodNotAllowed, matrix.Unrecognized)
			if got := a.header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, target, got, allow)
			}
		}
	}
	head := ask(t, mux, "HEAD", "/_matrix/client/r0/profile/ada", "")
	if head.status != http.StatusOK || head.header.Get("Content-Length") != "9" {
		t.Errorf("HEAD: %d, %v", head.status, head.header)
	}
	ask(t, mux, "HEAD", "/_matrix/media/v3/upload", "").refused(http.StatusMethodNotAllowed, matrix.Unrecognized)
	ask(t, mux, "GET", "/_matrix/client/v3/nothing", "").refused(http.StatusNotFound, matrix.Unrecognized)
	ask(t, mux, "GET", "/_matrix/nothing", "").refused(http.StatusNotFound, matrix.Unrecognized)
}

// A browser asks before it sends; whatever there is, or is not, must be
// readable for a page from anywhere.
func TestBrowsers(t *testing.T) {
	t.Parallel()
	mux := httpx.NewMux([]httpx.Route{httpx.Get("/sync", httpx.User, "", httpx.NoLimit, say("x"))}, httpx.Options{Auth: tokens{}})
	for _, target := range []string{"/sync", "/nothing"} {
		a := ask(t, mux, "OPTIONS", target, "", "Origin", "https://app.example", "Access-Control-Request-Method", "PUT")
		if a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("OPTIONS %s: %d %q", target, a.status, a.body)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":  "*",
			"Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
			"Access-Control-Allow-Headers": "X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("OPTIONS %s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
	a := ask(t, mux, "GET", "/sync", "", "Authorization", "Bearer ada")
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d, %v", a.status, a.header)
	}
}

func TestWrongTablesPanic(t *testing.T) {
	t.Parallel()
	one := httpx.Get("/rooms/{room}", httpx.Anyone, "", httpx.NoLimit, say(""))
	at := func(pattern string) httpx.Route {
		return httpx.Get(pattern, httpx.Anyone, "", httpx.NoLimit, say(""))
	}
	for name, routes := range map[string][]httpx.Route{
		"the same twice":       {one, one},
		"the same but a name":  {one, at("/rooms/{other}")},
		"optional and without": {at("/a/{b?}"), at("/a")},
		"other parameters":     {one.Also("/v1/rooms/{other}")},
		"no slash":             {at("rooms")},
		"optional inside":      {at("/a/{b?}/c")},
		"rest inside":          {at("/a/{b...}/c")},
		"open bracket":         {at("/a/{b")},
		"no name":              {at("/a/{}")},
		"too many":             {at("/{a}/{b}/{c}/{d}/{e}/{f}/{g}")},
		"nobody checks users":  {httpx.Get("/a", httpx.User, "", httpx.NoLimit, say(""))},
		"nor servers":          {httpx.Get("/a", httpx.Server, "", httpx.NoLimit, say(""))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("was served")
				}
			}()
			httpx.NewMux(routes, httpx.Options{})
		})
	}
}
