package portal

import (
	"net/http"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
)

// What cannot be undone takes the password once more, so that a browser that
// was left open is not enough.

// showPassword is the page for another password.
func (a *API) showPassword(v *visit) error { return v.secured("password", v.said.PasswordTitle) }

// showReset is the page on which somebody lets their program make new keys.
//
// Spec: client-server-api#oauth-authentication
func (a *API) showReset(v *visit) error { return v.secured("reset", v.said.ResetTitle) }

// showClose is the page on which somebody closes their account.
func (a *API) showClose(v *visit) error { return v.secured("close", v.said.CloseTitle) }

func (v *visit) secured(name, title string) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	return v.page(http.StatusOK, name, view{Title: title, Data: v.api.accounts.MinPassword()})
}

// again shows a page once more, with what went wrong.
func (v *visit) again(name, title string, err error) error {
	status, text, ok := v.problem(err)
	if !ok {
		return err
	}
	if matrix.IsCode(err, matrix.Forbidden) { // nobody was asked for a name
		text = v.said.WrongPassword
	}
	return v.page(status, name, view{Title: title, Problem: text, Data: v.api.accounts.MinPassword()})
}

// setPassword is the form for another password.
func (a *API) setPassword(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	if v.field("new") != v.field("again") {
		return v.page(http.StatusBadRequest, "password", view{Title: v.said.PasswordTitle, Problem: v.said.Differ, Data: a.accounts.MinPassword()})
	}
	err := a.accounts.NewPassword(v.r.Context(), v.user, v.field("password"), account.PasswordChange{
		New: v.field("new"), KeepDevices: v.field("everywhere") == "",
	})
	if err != nil {
		return v.again("password", v.said.PasswordTitle, err)
	}
	secret, err := a.server.Remember(v.r.Context(), v.user) // other browsers are signed out by now
	if err != nil {
		return err
	}
	v.enter(secret)
	return v.done(v.said.SavedTitle, v.said.PasswordSaved)
}

// allowReset is the form that lets a program make new keys.
func (a *API) allowReset(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	if _, err := a.accounts.Prove(v.r.Context(), string(v.user), v.field("password")); err != nil {
		return v.again("reset", v.said.ResetTitle, err)
	}
	a.accounts.AllowReset(v.user)
	return v.done(v.said.ResetDoneTitle, v.said.ResetDone)
}

// close is the form that closes an account.
func (a *API) close(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	if v.field("sure") == "" {
		return v.page(http.StatusBadRequest, "close", view{Title: v.said.CloseTitle, Problem: v.said.NotSure})
	}
	if err := a.accounts.CloseOwn(v.r.Context(), v.user, v.field("password"), account.Closing{
		Erase: v.field("erase") != "", Redact: v.field("redact") != "",
	}); err != nil {
		return v.again("close", v.said.CloseTitle, err)
	}
	if err := v.leave(); err != nil {
		return err
	}
	v.user = ""
	return v.done(v.said.ClosedOwnTitle, v.said.ClosedOwn)
}
