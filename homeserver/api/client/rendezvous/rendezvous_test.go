package rendezvous_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	api "plenum/homeserver/api/client/rendezvous"
	"plenum/homeserver/rendezvous"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// ada is whoever shows a token.
type ada struct{}

func (ada) Authenticate(context.Context, string, *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: "@ada:here.example"}, nil
}

// world is a server with the API.
type world struct {
	*testing.T
	url string
}

func serve(t *testing.T) *world {
	t.Parallel()
	silent := slog.New(slog.DiscardHandler)
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.Handle("/", httpx.NewMux(api.New(s.URL, rendezvous.Options{}).Routes(), httpx.Options{Auth: ada{}, Log: silent}))
	return &world{t, s.URL}
}

type answer struct {
	*http.Response
	body string
}

func (a answer) code() string { return gjson.Get(a.body, "errcode").Str }

// do sends a request with headers, each a name and a value.
func (w *world) do(method, url, body string, headers ...string) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{resp, string(raw)}
}

func (w *world) want(a answer, status int, code string) {
	w.Helper()
	if a.StatusCode != status || a.code() != code {
		w.Errorf("got %d %s, want %d %q", a.StatusCode, a.body, status, code)
	}
}

const documents = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous"

func TestDocument(t *testing.T) {
	w := serve(t)
	a := w.do("POST", w.url+documents, "from A", "Content-Type", "text/plain")
	w.want(a, http.StatusCreated, "")
	first, where := a.Header.Get("ETag"), gjson.Get(a.body, "url").Str
	for _, name := range []string{"Expires", "Last-Modified", "Cache-Control", "Pragma"} {
		if a.Header.Get(name) == "" {
			t.Errorf("no header %s", name)
		}
	}
	if !strings.HasPrefix(first, `"`) || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("headers %v", a.Header)
	}

	a = w.do("GET", where, "")
	w.want(a, http.StatusOK, "")
	if a.body != "from A" || a.Header.Get("ETag") != first || a.Header.Get("Content-Type") != "text/plain" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("read %q with %v", a.body, a.Header)
	}
	w.want(w.do("GET", where, "", "If-None-Match", first), http.StatusNotModified, "")

	a = w.do("PUT", where, "from B", "Content-Type", "text/plain", "If-Match", first)
	w.want(a, http.StatusAccepted, "")
	second := a.Header.Get("ETag")
	a = w.do("PUT", where, "from B", "Content-Type", "text/plain", "If-Match", first)
	w.want(a, http.StatusPreconditionFailed, "M_UNKNOWN")
	if gjson.Get(a.body, `org\.matrix\.msc4108\.errcode`).Str != "M_CONCURRENT_WRITE" || a.Header.Get("ETag") != second || second == first {
		t.Errorf("a conflict is answered with %s and %v", a.body, a.Header)
	}
	if a = w.do("GET", where, "", "If-None-Match", first); a.body != "from B" {
		t.Errorf("read %q", a.body)
	}

	w.want(w.do("DELETE", where, ""), http.StatusNoContent, "")
	w.want(w.do("DELETE", where, ""), http.StatusNotFound, "M_NOT_FOUND")
	w.want(w.do("GET", where, ""), http.StatusNotFound, "M_NOT_FOUND")
}

func TestDocumentsThatAreRefused(t *testing.T) {
	w := serve(t)
	a := w.do("POST", w.url+documents, "from A", "Content-Type", "text/plain;charset=utf-8")
	w.want(a, http.StatusCreated, "")
	where, tag := gjson.Get(a.body, "url").Str, a.Header.Get("ETag")

	w.want(w.do("POST", w.url+documents, "x"), http.StatusBadRequest, "M_MISSING_PARAM")
	w.want(w.do("POST", w.url+documents, "{}", "Content-Type", "application/json"), http.StatusBadRequest, "M_INVALID_PARAM")
	w.want(w.do("POST", w.url+documents, "\xff", "Content-Type", "text/plain"), http.StatusBadRequest, "M_INVALID_PARAM")
	w.want(w.do("POST", w.url+documents, strings.Repeat("x", rendezvous.MaxData+1), "Content-Type", "text/plain"), http.StatusRequestEntityTooLarge, "M_TOO_LARGE")
	w.want(w.do("PUT", where, "x", "Content-Type", "text/plain"), http.StatusBadRequest, "M_MISSING_PARAM")
	for _, tag := range []string{"x", `W/"x"`, `"x", "y"`, `"`, "*"} {
		w.want(w.do("PUT", where, "x", "Content-Type", "text/plain", "If-Match", tag), http.StatusBadRequest, "M_INVALID_PARAM")
	}
	w.want(w.do("PUT", where+"x", "x", "Content-Type", "text/plain", "If-Match", tag), http.StatusNotFound, "M_NOT_FOUND")
	w.want(w.do("GET", where, "", "Sec-Fetch-Mode", "navigate"), http.StatusForbidden, "M_FORBIDDEN")
}

const notes = "/_matrix/client/unstable/io.element.msc4388/rendezvous"

func TestNotes(t *testing.T) {
	w := serve(t)
	token := []string{"Authorization", "Bearer x"}
	if a := w.do("GET", w.url+notes, ""); a.body != `{"create_available":false}` {
		t.Errorf("strangers are told %s", a.body)
	}
	if a := w.do("GET", w.url+notes, "", token...); a.body != `{"create_available":true}` {
		t.Errorf("people are told %s", a.body)
	}
	w.want(w.do("POST", w.url+notes, `{"data":"from A"}`), http.StatusUnauthorized, "M_MISSING_TOKEN")
	a := w.do("POST", w.url+notes, `{"data":"from A"}`, token...)
	w.want(a, http.StatusOK, "")
	where, first := w.url+notes+"/"+gjson.Get(a.body, "id").Str, gjson.Get(a.body, "sequence_token").Str
	if left := gjson.Get(a.body, "expires_in_ms").Int(); left < 120_000 || left > 300_000 {
		t.Errorf("it lasts %d ms", left)
	}
	a = w.do("GET", where, "")
	if gjson.Get(a.body, "data").Str != "from A" || gjson.Get(a.body, "sequence_token").Str != first {
		t.Errorf("read %s", a.body)
	}
	a = w.do("PUT", where, `{"sequence_token":"`+first+`","data":"from B"}`)
	w.want(a, http.StatusOK, "")
	again := w.do("PUT", where, `{"sequence_token":"`+first+`","data":"from B"}`)
	w.want(again, http.StatusOK, "")
	if again.body != a.body {
		t.Errorf("a repeated request is answered with %s, before with %s", again.body, a.body)
	}
	w.want(w.do("PUT", where, `{"sequence_token":"`+first+`","data":"from C"}`), http.StatusConflict, "IO_ELEMENT_MSC4388_CONCURRENT_WRITE")
	w.want(w.do("PUT", where, `{"data":"from C"}`), http.StatusBadRequest, "M_MISSING_PARAM")
	w.want(w.do("POST", w.url+notes, `{}`, token...), http.StatusBadRequest, "M_MISSING_PARAM")
	w.want(w.do("POST", w.url+notes, `{"data":"`+strings.Repeat("x", rendezvous.MaxData+1)+`"}`, token...), http.StatusRequestEntityTooLarge, "M_TOO_LARGE")
	w.want(w.do("GET", where, "", "Sec-Fetch-Dest", "document"), http.StatusForbidden, "M_FORBIDDEN")
	w.want(w.do("DELETE", where, ""), http.StatusOK, "")
	w.want(w.do("GET", where, ""), http.StatusNotFound, "M_NOT_FOUND")
}

// TestFormsShareNothing keeps what the one form takes from clients of the other.
func TestFormsShareNothing(t *testing.T) {
	w := serve(t)
	a := w.do("POST", w.url+documents, "from A", "Content-Type", "text/plain")
	id := gjson.Get(a.body, "url").Str[len(w.url+documents+"/"):]
	w.want(w.do("GET", w.url+notes+"/"+id, ""), http.StatusNotFound, "M_NOT_FOUND")
}
