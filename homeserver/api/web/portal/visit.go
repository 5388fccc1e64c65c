package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// visit is one request of a browser.
type visit struct {
	w    http.ResponseWriter
	r    *http.Request
	api  *API
	said words
	user id.UserID // who is signed in; empty: nobody
	form string    // the secret of guard.go
}

// visited makes a handler of what shows a page.
func (a *API) visited(show func(*visit) error) func(http.ResponseWriter, *httpx.Request[httpx.None]) error {
	return func(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
		v := &visit{w: w, r: r.HTTP, api: a}
		v.chooseLanguage()
		v.openForm()
		if err := v.recognise(); err != nil {
			return err
		}
		return show(v)
	}
}

// submitted makes a handler of what a form is sent to.
func (a *API) submitted(submit func(*visit) error) func(http.ResponseWriter, *httpx.Request[httpx.None]) error {
	return a.visited(func(v *visit) error {
		if err := v.r.ParseForm(); err != nil {
			return &matrix.Error{Code: matrix.InvalidParam, Text: "The form cannot be read.", Err: err}
		}
		for _, values := range v.r.PostForm {
			for _, text := range values {
				if !isText(text) {
					return matrix.Errorf(matrix.InvalidParam, "The form holds what is not text.")
				}
			}
		}
		if !v.isOurForm() {
			return v.page(http.StatusForbidden, "stale", view{Title: v.said.StaleTitle})
		}
		return submit(v)
	})
}

// recognise finds out who is signed in.
func (v *visit) recognise() error {
	c, err := v.r.Cookie(v.api.sessionCookie())
	if err != nil {
		return nil // there is none
	}
	v.user, err = v.api.server.Who(v.r.Context(), c.Value)
	return err
}

// here is the address of this page, as pages of this server are named.
func (v *visit) here() string {
	q := v.r.URL.Query()
	q.Del("lang")
	u := url.URL{Path: v.r.URL.Path, RawQuery: q.Encode()}
	return u.String()
}

// goTo sends the browser to another page, by a request that changes nothing.
func (v *visit) goTo(address string) error {
	v.w.Header().Set("Location", address)
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// goToSignIn has somebody sign in, and come back.
func (v *visit) goToSignIn(path, hint string) error {
	q := url.Values{"next": {v.here()}}
	if hint != "" {
		q.Set("name", hint)
	}
	return v.goTo(path + "?" + q.Encode())
}

// next is the page that somebody came from to sign in. It is one of ours: the
// address comes with the request, so that it may be anybody's.
func (v *visit) next() string {
	next := v.r.URL.Query().Get("next")
	u, err := url.Parse(next)
	ours := err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" &&
		strings.HasPrefix(next, "/_plenum/") && strings.HasPrefix(u.Path, "/_plenum/") &&
		!strings.ContainsAny(next, "\\\r\n\t") && !strings.Contains(u.Path, "/.") && !strings.Contains(u.Path, "//")
	if !ours {
		return ""
	}
	return next
}

// field returns what was typed.
func (v *visit) field(name string) string { return v.r.PostForm.Get(name) }

// problem says what went wrong in the reader's words, when it is something
// that they can do better.
func (v *visit) problem(err error) (status int, text string, ok bool) {
	var told *matrix.Error
	if !errors.As(err, &told) || told.HTTPStatus() >= http.StatusInternalServerError {
		return 0, "", false
	}
	status = told.HTTPStatus()
	if status == http.StatusUnauthorized { // browsers would ask for a password of their own
		status = http.StatusForbidden
	}
	return status, v.said.problem(told), true
}
