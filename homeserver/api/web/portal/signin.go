package portal

import (
	"net/http"
	"net/url"
	"strings"

	"plenum/homeserver/account"
	"plenum/homeserver/oauth"
)

// signInView is what the page of signing in shows, besides what was typed.
type signInView struct {
	SignUp string // address of the page for a new account; empty: there is none
}

func (v *visit) signInView(problem, typed string) view {
	d := signInView{}
	if v.api.accounts.WhoCanRegister() != account.Closed {
		d.SignUp = withNext(signUpPath, v.next())
	}
	return view{Title: v.said.SignIn, Lead: v.said.SignInTo, Problem: problem, Typed: typed, Data: d}
}

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	return path + "?" + url.Values{"next": {next}}.Encode()
}

// showSignIn is the page of signing in.
func (a *API) showSignIn(v *visit) error {
	name := v.r.URL.Query().Get("name")
	return v.page(http.StatusOK, "sign-in", v.signInView("", a.shortName(name)))
}

// shortName is a name as people of this server type it.
func (a *API) shortName(name string) string {
	return strings.TrimPrefix(strings.TrimSuffix(name, ":"+a.name), "@")
}

// signIn is its form.
func (a *API) signIn(v *visit) error {
	name := v.field("name")
	secret, err := a.server.SignIn(v.r.Context(), name, v.field("password"))
	if err != nil {
		if status, text, ok := v.problem(err); ok {
			return v.page(status, "sign-in", v.signInView(text, name))
		}
		return err
	}
	return v.arrive(secret)
}

// arrive lets somebody in who has just signed in, and shows what they came for.
func (v *visit) arrive(secret string) error {
	if err := v.leave(); err != nil { // whoever was here before
		return err
	}
	v.enter(secret)
	next := v.next()
	if next == "" {
		next = oauth.AccountPath
	}
	return v.goTo(next)
}

// signOut signs the browser out. Whoever is to sign in as somebody else comes
// back to the page that they were on.
func (a *API) signOut(v *visit) error {
	if err := v.leave(); err != nil {
		return err
	}
	return v.goTo(withNext(signInPath, v.next()))
}
