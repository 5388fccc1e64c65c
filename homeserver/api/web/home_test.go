package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHomeSaysWhatThisIsInBothLanguages(t *testing.T) {
	t.Parallel()
	h := serve(&first{})
	for lang, want := range map[string][]string{
		"en": {"<title>A Matrix server", "<h1>A Matrix server", `lang="de"`, "<h2>Ein Matrix-Server"},
		"de": {"<title>Ein Matrix-Server", "<h1>Ein Matrix-Server", `lang="en"`, "<h2>A Matrix server"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", lang)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Vary") != "Accept-Language" || w.Header().Get("Content-Language") != lang {
			t.Errorf("%s: status %d, header %v", lang, w.Code, w.Header())
		}
		for _, text := range append(want, "one.example", "https://matrix.one.example") {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the page lacks %q:\n%s", lang, text, body)
			}
		}
		for _, foreign := range []string{"<script", "<link", "<img", "src="} {
			if strings.Contains(body, foreign) {
				t.Errorf("%s: the page loads something: %q", lang, foreign)
			}
		}
	}
}
