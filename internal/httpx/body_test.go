package httpx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// login is a body with a bit of everything.
type login struct {
	Type       string `json:"type"`
	Identifier struct {
		User string `json:"user"`
	} `json:"identifier"`
	Limit  int             `json:"limit"`
	Level  uint8           `json:"level"`
	Rate   float64         `json:"rate"`
	Direct bool            `json:"direct"`
	Names  []string        `json:"names"`
	Extra  json.RawMessage `json:"extra"`
	Secret secret          `json:"secret"`
}

// secret is a value that checks itself.
type secret string

func (s *secret) UnmarshalText(text []byte) error {
	if string(text) == "weak" {
		return matrix.Errorf(matrix.WeakPassword, "Too weak.")
	}
	if string(text) == "odd" {
		return io.ErrUnexpectedEOF
	}
	*s = secret(text)
	return nil
}

// bodies answers with what it was sent.
func bodies() http.Handler {
	typed := func(_ context.Context, r *httpx.Request[login]) (login, error) { return r.Body, nil }
	raw := func(_ context.Context, r *httpx.Request[json.RawMessage]) (json.RawMessage, error) {
		return r.Body, nil
	}
	count := func(_ context.Context, r *httpx.Request[httpx.None]) (int64, error) {
		return io.Copy(io.Discard, r.HTTP.Body)
	}
	return httpx.NewMux([]httpx.Route{
		httpx.Post("/typed", httpx.Anyone, "", httpx.NoLimit, typed).Limit(1000),
		httpx.Post("/raw", httpx.Anyone, "", httpx.NoLimit, raw),
		httpx.Put("/raw", httpx.Anyone, "", httpx.NoLimit, raw).Limit(100),
		httpx.Delete("/raw", httpx.Anyone, "", httpx.NoLimit, raw),
		httpx.Post("/own", httpx.Anyone, "", httpx.NoLimit, count),
		httpx.Put("/own", httpx.Anyone, "", httpx.NoLimit, count).Limit(100),
		httpx.Raw("DELETE", "/own", httpx.Anyone, "", httpx.NoLimit, func(_ http.ResponseWriter, r *httpx.Request[httpx.None]) error {
			_, err := io.Copy(io.Discard, r.HTTP.Body)
			return err
		}).Limit(100),
	}, httpx.Options{})
}

func TestBodies(t *testing.T) {
	t.Parallel()
	mux := bodies()
	a := ask(t, mux, "POST", "/typed", ` {"type":"t","identifier":{"user":"ü"},"names":["a"],"extra":{"x":1e2},"unknown":{}} `)
	a.want(http.StatusOK, `{"type":"t","identifier":{"user":"ü"},"limit":0,"level":0,"rate":0,"direct":false,"names":["a"],"extra":{"x":1e2},"secret":""}`)
	ask(t, mux, "POST", "/raw", `{"a":{"\u0000":["<&>"]}}`).want(http.StatusOK, `{"a":{"\u0000":["<&>"]}}`)

	// No body is an empty object, but for PUT, where it is what is put.
	ask(t, mux, "POST", "/raw", "").want(http.StatusOK, "{}")
	ask(t, mux, "DELETE", "/raw", "").want(http.StatusOK, "{}")
	if text := ask(t, mux, "PUT", "/raw", "").refused(http.StatusBadRequest, matrix.NotJSON); !strings.Contains(text, "empty") {
		t.Errorf("text %q", text)
	}
	// One that the handler reads itself is nobody else's business.
	ask(t, mux, "POST", "/own", strings.Repeat("\xff", httpx.DefaultBodyLimit+1)).want(http.StatusOK, fmt.Sprint(httpx.DefaultBodyLimit+1))
}

func TestWrongBodies(t *testing.T) {
	t.Parallel()
	mux := bodies()
	for body, want := range map[string]struct {
		code matrix.Code
		text string
	}{
		`{"limit":"x"}`:              {matrix.BadJSON, `"limit" must be a whole number, not a string.`},
		`{"limit":1.5}`:              {matrix.BadJSON, `"limit" must be a whole number, not a number 1.5.`},
		`{"level":-1}`:               {matrix.BadJSON, `"level" must be a whole number that is not negative, not a number -1.`},
		`{"rate":true}`:              {matrix.BadJSON, `"rate" must be a number, not true or false.`},
		`{"direct":[]}`:              {matrix.BadJSON, `"direct" must be true or false, not an array.`},
		`{"names":{}}`:               {matrix.BadJSON, `"names" must be an array, not an object.`},
		`{"identifier":[]}`:          {matrix.BadJSON, `"identifier" must be an object, not an array.`},
		`{"identifier":{"user":12}}`: {matrix.BadJSON, `"identifier.user" must be a string, not a number.`},
		`{"secret":"weak"}`:          {matrix.WeakPassword, `Too weak.`},
		`{"secret":"odd"}`:           {matrix.BadJSON, `A value in the body has the wrong form.`},
		`{"type":"a\u0000b"}`:        {matrix.BadJSON, `The body holds the character NUL.`},
		`[]`:                         {matrix.BadJSON, `The body must be a JSON object.`},
		`null`:                       {matrix.BadJSON, `The body must be a JSON object.`},
		`"{}"`:                       {matrix.BadJSON, `The body must be a JSON object.`},
		` `:                          {matrix.NotJSON, `The body is empty; it must be a JSON object.`},
		`type=m.login.password`:      {matrix.NotJSON, `The body is not JSON: invalid character 'y' in literal true (expecting 'r') at byte 2.`},
		`{"type":"t"`:                {matrix.NotJSON, `The body is not JSON: unexpected end of JSON input at byte 11.`},
		`{"type":"t"} {}`:            {matrix.NotJSON, `The body is not JSON: invalid character '{' after top-level value at byte 14.`},
		`{'type':"t"}`:               {matrix.NotJSON, `The body is not JSON: invalid character '\'' looking for beginning of object key string at byte 2.`},
		"{\"type\":\"\xff\"}":        {matrix.NotJSON, `The body is not valid UTF-8.`},
		"\ufeff{}":                   {matrix.NotJSON, `The body is not JSON: invalid character 'ï' looking for beginning of value at byte 1.`},
	} {
		if text := ask(t, mux, "POST", "/typed", body).refused(http.StatusBadRequest, want.code); text != want.text {
			t.Errorf("%s: %q, want %q", body, text, want.text)
		}
	}
	for _, body := range []string{`[]`, `null`, `1`} {
		ask(t, mux, "POST", "/raw", body).refused(http.StatusBadRequest, matrix.BadJSON)
	}
	for _, body := range []string{`{`, `{"a":}`, `{}}`, "{\"a\":\"\xc3\x28\"}", `{"a":"` + "\n" + `"}`, `{"a":01}`} {
		ask(t, mux, "POST", "/raw", body).refused(http.StatusBadRequest, matrix.NotJSON)
	}
	// An escaped backslash before u0000 is text like any other.
	ask(t, mux, "POST", "/typed", `{"type":"\\u0000"}`).status200()
	ask(t, mux, "POST", "/typed", `{"type":"\\\u0000"}`).refused(http.StatusBadRequest, matrix.BadJSON)
}

func (r reply) status200() {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Errorf("answered %d %s, want 200", r.status, r.body)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	mux := bodies()
	nested := func(n int, open, end string) string {
		return `{"extra":` + strings.Repeat(open, n) + "1" + strings.Repeat(end, n) + `}`
	}
	for _, path := range []string{"/typed", "/raw"} {
		ask(t, mux, "POST", path, nested(99, "[", "]")).status200()
		ask(t, mux, "POST", path, nested(100, "[", "]")).refused(http.StatusBadRequest, matrix.BadJSON)
		ask(t, mux, "POST", path, nested(100, `{"a":`, "}")).refused(http.StatusBadRequest, matrix.BadJSON)
		ask(t, mux, "POST", path, `{"extra":"`+strings.Repeat("[", 500)+`"}`).status200()
		ask(t, mux, "POST", path, `{"extra":[`+strings.Repeat(`[{}],`, 100)+`1]}`).status200()
	}
	ask(t, mux, "POST", "/raw", `{"a":`+strings.Repeat("[", httpx.DefaultBodyLimit-10)).refused(http.StatusBadRequest, matrix.BadJSON)
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	mux := bodies()
	fill := func(n int) string { return `{"type":"` + strings.Repeat("x", n-len(`{"type":""}`)) + `"}` }
	ask(t, mux, "POST", "/typed", fill(1000)).status200()
	ask(t, mux, "POST", "/raw", fill(httpx.DefaultBodyLimit)).status200()
	for _, x := range []struct {
		method, path string
		size         int
	}{{"POST", "/typed", 1001}, {"POST", "/raw", httpx.DefaultBodyLimit + 1}, {"PUT", "/raw", 101}, {"PUT", "/own", 101}, {"DELETE", "/own", 101}} {
		ask(t, mux, x.method, x.path, fill(x.size)).refused(http.StatusRequestEntityTooLarge, matrix.TooLarge)

		// Of a size that is not announced.
		r := httptest.NewRequest(x.method, x.path, io.MultiReader(strings.NewReader(fill(x.size))))
		serve(t, mux, r).refused(http.StatusRequestEntityTooLarge, matrix.TooLarge)
	}
	// One that does not stop is not read to its end.
	r := httptest.NewRequest("POST", "/raw", endless{})
	serve(t, mux, r).refused(http.StatusRequestEntityTooLarge, matrix.TooLarge)
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, `{"a":"a"`), nil }

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	mux := bodies()
	for _, path := range []string{"/typed", "/raw"} {
		r := httptest.NewRequest("POST", path, io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)))
		serve(t, mux, r).refused(http.StatusBadRequest, matrix.NotJSON)
		// In small pieces all is well.
		r = httptest.NewRequest("POST", path, iotest.OneByteReader(strings.NewReader(`{"type":"`+strings.Repeat("x", 900)+`"}`)))
		serve(t, mux, r).status200()
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	mux := httpx.NewMux([]httpx.Route{
		httpx.Get("/q", httpx.Anyone, "", httpx.NoLimit, func(_ context.Context, r *httpx.Request[httpx.None]) (map[string]any, error) {
			limit, err := r.QueryInt("limit", 10)
			if err != nil {
				return nil, err
			}
			full, err := r.QueryBool("full")
			return map[string]any{"via": r.QueryAll("via"), "limit": limit, "full": full, "has": r.HasQuery("full"), "from": r.Query("from")}, err
		}),
	}, httpx.Options{})
	ask(t, mux, "GET", "/q?via=a&via=b&limit=-5&full=true&from=%C3%BC+x", "").want(http.StatusOK, `{"from":"ü x","full":true,"has":true,"limit":-5,"via":["a","b"]}`)
	ask(t, mux, "GET", "/q?full", "").want(http.StatusOK, `{"from":"","full":false,"has":true,"limit":10,"via":null}`)
	for _, query := range []string{"limit=x", "limit=1.5", "limit=99999999999999999999", "full=1", "from=%zz", "from=%", "from=%FF", "from=a%00", "via=a&via=%FF", "%FF=%FF"} {
		ask(t, mux, "GET", "/q?"+query, "").refused(http.StatusBadRequest, matrix.InvalidParam)
	}
}
