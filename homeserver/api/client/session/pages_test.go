package session_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"plenum/homeserver/account"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// visit opens a page in a browser, or sends its form when there is one.
func (w *world) visit(path, language string, form url.Values) answer {
	w.t.Helper()
	method, content := http.MethodGet, ""
	if form != nil {
		method, content = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", language)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.send(r)
}

// shows checks that a page is answered with words in it and loads nothing.
func (a answer) shows(status int, words ...string) {
	a.t.Helper()
	page := string(a.body)
	if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.t.Fatalf("%s: %d %s", a.asked, a.status, page)
	}
	for _, word := range words {
		if !strings.Contains(page, word) {
			a.t.Errorf("%s: %q is not in %s", a.asked, word, page)
		}
	}
	for _, outside := range []string{"<link", "<img", " src="} {
		if strings.Contains(page, outside) {
			a.t.Errorf("%s: the page loads something: %s", a.asked, outside)
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		a.t.Errorf("%s: policy %q", a.asked, policy)
	}
	for _, inline := range regexp.MustCompile(`(?s)<(?:script|style)>(.*?)</(?:script|style)>`).FindAllStringSubmatch(page, -1) {
		sum := sha256.Sum256([]byte(inline[1]))
		if !strings.Contains(policy, base64.StdEncoding.EncodeToString(sum[:])) {
			a.t.Errorf("%s: a browser would not run %s", a.asked, inline[1])
		}
	}
}

func fallback(stage, session string) string {
	return v3 + "/auth/" + stage + "/fallback/web?session=" + session
}

// Somebody registers with a client that knows no stage, and without JavaScript.
func TestRegisterByPages(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.ByToken, Terms: terms})
		w.token("once", 1)
		session := w.register("ada", nil).asks("", bothFlow)
		page := fallback("m.login.registration_token", session)
		w.visit(page, "de-CH, fr;q=0.5", nil).shows(http.StatusOK, `<html lang="de">`, "Das Token, das du bekommen hast", "<form method=\"post\">")
		w.visit(page, "fr", nil).shows(http.StatusOK, `<html lang="en">`, "The token that you were given")
		w.visit(page, "en", url.Values{"token": {`<b>"wrong`}}).shows(http.StatusForbidden, "not valid", "&lt;b&gt;&#34;wrong")
		done := w.visit(page, "en", url.Values{"token": {"once"}})
		done.shows(http.StatusOK, "close this window", "window.onAuthDone()", `postMessage("authDone", "*")`)
		w.visit(page, "en", nil).shows(http.StatusOK, "window.onAuthDone()")
		if a := w.register("ada", obj{"session": session}); a.asks("", bothFlow) != session || a.str("completed") != `["m.login.registration_token"]` {
			t.Errorf("got %s", a.body)
		}

		page = fallback("m.login.terms", session)
		w.visit(page, "de", nil).shows(http.StatusOK, "Datenschutz", "https://one.example/privacy.de", "bin einverstanden")
		w.visit(page, "en", url.Values{}).shows(http.StatusBadRequest, "needs your agreement")
		w.visit(page, "en", url.Values{"accept": {"yes"}}).shows(http.StatusOK, "close this window")
		w.register("ada", obj{"session": session}).ok()
		w.visit(page, "en", nil).shows(http.StatusGone, "Nothing to do here")
	})
}

func TestPasswordByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	ada, bob := w.open("ada"), w.open("bob")
	session := ada.delete("phone", nil).asks("", passwordFlow)
	page := fallback("m.login.password", session)
	w.visit(page, "de", nil).shows(http.StatusOK, "Passwort")
	w.visit(page, "en", url.Values{"user": {"ada"}, "password": {"wrong"}}).shows(http.StatusForbidden, "password is wrong", `value="ada"`)
	w.visit(page, "en", url.Values{"user": {"bob"}, "password": {bob.password}}).shows(http.StatusForbidden, "not the account")
	w.visit(page, "en", url.Values{"user": {"ada"}, "password": {ada.password}}).shows(http.StatusOK, "window.onAuthDone()")
	ada.delete("phone", obj{"session": session}).ok()
}

func TestPagesThatAreNotToBeShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{Registration: account.Open})
	session := w.register("ada", nil).asks("", dummyFlow)
	for _, path := range []string{
		fallback("m.login.dummy", ""), fallback("m.login.dummy", "unknown"), fallback("m.login.password", session),
		fallback("m.login.recaptcha", session), fallback("head", session), v3 + "/auth/m.login.dummy/fallback/web",
	} {
		w.visit(path, "en", nil).shows(http.StatusGone, "Nothing to do here")
		w.visit(path, "de", url.Values{"accept": {"yes"}}).shows(http.StatusGone, "Hier ist nichts zu tun")
	}
	w.visit(fallback("m.login.dummy", session), "en", url.Values{}).shows(http.StatusOK, "close this window")
	w.register("ada", obj{"session": session}).ok()
}

func TestLoginPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	w.visit("/_matrix/static/client/login/?device_id=D", "en", nil).shows(http.StatusOK, "window.matrixLogin.onLogin(body)", "needs JavaScript", `"/_matrix/client/v3/login"`)
	w.visit("/_matrix/static/client/login/", "de", nil).shows(http.StatusOK, "Anmelden")
}
