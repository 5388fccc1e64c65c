package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/api/web"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// first makes an account once, for whoever brings the token "invited".
type first struct {
	made           bool
	name, password string
}

func (f *first) Invited(_ context.Context, token string) (bool, error) {
	return token == "invited" && !f.made, nil
}

func (f *first) Create(ctx context.Context, token, name, password string) (id.UserID, error) {
	if ok, _ := f.Invited(ctx, token); !ok {
		return "", matrix.Errorf(matrix.NotFound, "This link is used up.")
	}
	if name == "" {
		return "", matrix.Errorf(matrix.InvalidUsername, "A name has at least one letter.")
	}
	if len(password) < 10 {
		return "", matrix.Errorf(matrix.WeakPassword, "A password has at least 10 letters.")
	}
	f.made, f.name, f.password = true, name, password
	return id.NewUserID(name, "one.example"), nil
}

// page is an answer.
type page struct {
	status int
	header http.Header
	body   string
}

func (p page) says(t *testing.T, status int, text string) {
	t.Helper()
	if p.status != status || !strings.Contains(p.body, text) {
		t.Errorf("status %d, want %d and %q in\n%s", p.status, status, text, p.body)
	}
}

// browse gets a page, or posts fields to it.
func browse(t *testing.T, h http.Handler, lang, token string, fields url.Values) page {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, web.FirstAdminPath+token, nil)
	if fields != nil {
		r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, web.FirstAdminPath+token, strings.NewReader(fields.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{w.Code, w.Result().Header, string(body)}
}

func serve(f web.FirstAdmin) http.Handler {
	return httpx.NewMux(web.New(f, "one.example", "https://matrix.one.example").Routes(), httpx.Options{})
}

func TestFirstAccountIsMadeInABrowser(t *testing.T) {
	t.Parallel()
	f := &first{}
	h := serve(f)
	browse(t, h, "en", "invited", nil).says(t, http.StatusOK, "This server has no account yet.")
	browse(t, h, "en", "guessed", nil).says(t, http.StatusNotFound, "used up")

	typed := url.Values{"name": {"ada"}, "password": {"much to guess"}, "again": {"much to gues"}}
	p := browse(t, h, "en", "invited", typed)
	p.says(t, http.StatusBadRequest, "The two passwords differ.")
	p.says(t, http.StatusBadRequest, `value="ada"`)
	if strings.Contains(p.body, "much to") {
		t.Error("the page repeats the password")
	}
	typed.Set("again", "short")
	typed.Set("password", "short")
	browse(t, h, "en", "invited", typed).says(t, http.StatusBadRequest, "This password is too short.")
	typed.Set("password", "much to guess")
	typed.Set("again", "much to guess")
	browse(t, h, "en", "guessed", typed).says(t, http.StatusNotFound, "used up")

	p = browse(t, h, "en", "invited", typed)
	p.says(t, http.StatusOK, "@ada:one.example")
	p.says(t, http.StatusOK, "https://matrix.one.example")
	if f.name != "ada" || f.password != "much to guess" {
		t.Errorf("made %q with %q", f.name, f.password)
	}
	browse(t, h, "en", "invited", nil).says(t, http.StatusNotFound, "used up")
}

func TestPageSpeaksTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	h := serve(&first{})
	for lang, want := range map[string]string{
		"de-AT,de;q=0.9,en;q=0.5": "Das erste Konto",
		"fr, de;q=0.8, en;q=0.9":  "The first account",
		"fr":                      "The first account",
		"":                        "The first account",
		";;;":                     "The first account",
	} {
		browse(t, h, lang, "invited", nil).says(t, http.StatusOK, want)
	}
	p := browse(t, h, "de", "invited", url.Values{"name": {""}, "password": {"x"}, "again": {"x"}})
	p.says(t, http.StatusBadRequest, "Dieser Name geht nicht.")
	if p.header.Get("Content-Language") != "de" {
		t.Errorf("language %q", p.header.Get("Content-Language"))
	}
}

func TestPageRunsNothingAndLeaksNothing(t *testing.T) {
	t.Parallel()
	p := browse(t, serve(&first{}), "en", "invited", nil)
	policy := p.header.Get("Content-Security-Policy")
	_, rest, _ := strings.Cut(p.body, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q, want %q in it", policy, want)
	}
	if p.header.Get("Referrer-Policy") != "no-referrer" || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", p.header)
	}
	if strings.Contains(p.body, "<script") {
		t.Error("there is a script")
	}
}

func TestWhatIsTypedIsShownAsText(t *testing.T) {
	t.Parallel()
	typed := url.Values{"name": {`"><b>`}, "password": {"a"}, "again": {"b"}}
	p := browse(t, serve(&first{}), "en", "invited", typed)
	if strings.Contains(p.body, "<b>") {
		t.Errorf("page\n%s", p.body)
	}
}
