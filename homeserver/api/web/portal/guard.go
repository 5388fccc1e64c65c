package portal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Forms are accepted from pages of this server only. Browsers of today say
// where a form comes from; for older ones, each form holds a token that is
// made of a secret in a cookie, which other pages can neither read nor, with
// the prefix __Host-, set.

const formSecret = 24 // bytes

// formField is the field with the token.
const formField = "form"

// cookie returns the name of a cookie. The prefix is for https only.
func (a *API) cookie(name string) string {
	if a.secure {
		return "__Host-plenum-" + name
	}
	return "plenum-" + name
}

func (a *API) sessionCookie() string { return a.cookie("browser") }

// setCookie stores a cookie until the browser is closed; without a value it
// removes one.
func (v *visit) setCookie(name, value string) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: v.api.secure,
		SameSite: http.SameSiteLaxMode, // programs send people here from elsewhere
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// openForm sees to it that the browser has a secret for forms.
func (v *visit) openForm() {
	name := v.api.cookie("form")
	if c, err := v.r.Cookie(name); err == nil && len(c.Value) == base64.RawURLEncoding.EncodedLen(formSecret) {
		v.form = c.Value
		return
	}
	raw := make([]byte, formSecret)
	rand.Read(raw) // never fails
	v.form = base64.RawURLEncoding.EncodeToString(raw)
	v.setCookie(name, v.form)
}

// formToken is what the forms of a page hold.
func (v *visit) formToken() string {
	mac := hmac.New(sha256.New, []byte(v.form))
	mac.Write([]byte("form\x00" + v.user))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// isOurForm reports whether a page of this server has sent the form, for
// whoever is signed in now.
func (v *visit) isOurForm() bool {
	return v.api.origins.Check(v.r) == nil && subtle.ConstantTimeCompare([]byte(v.field(formField)), []byte(v.formToken())) == 1
}

// enter signs the browser in with a secret of oauth.Server.
func (v *visit) enter(secret string) { v.setCookie(v.api.sessionCookie(), secret) }

// leave signs the browser out.
func (v *visit) leave() error {
	v.setCookie(v.api.sessionCookie(), "")
	c, err := v.r.Cookie(v.api.sessionCookie())
	if err != nil {
		return nil // it was not signed in
	}
	return v.api.server.Forget(v.r.Context(), c.Value)
}

// isText reports whether s can be stored and shown as text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
