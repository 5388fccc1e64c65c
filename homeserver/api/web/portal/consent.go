package portal

import (
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"plenum/homeserver/account"
	"plenum/homeserver/oauth"
)

// consentView is what is shown before somebody lets a program use their account.
type consentView struct {
	Client   oauth.Client
	Local    bool   // the program is on this machine, or is an app: nobody vouches for its name
	Replaces string // name of the device whose place the program takes; empty: none
	SignOut  string // address at which to sign in as somebody else
}

// request reads what a program asks for. It answers, and returns nil, when
// there is nothing to be asked.
func (v *visit) request() (*oauth.Request, error) {
	r, err := v.api.server.Authorization(v.r.Context(), v.r.URL.RawQuery)
	var refused *oauth.Refused
	var unusable *oidc.Error
	switch {
	case errors.As(err, &refused):
		return nil, v.goTo(refused.To)
	case errors.As(err, &unusable):
		return nil, v.page(http.StatusBadRequest, "bad-request", view{Title: v.said.BadTitle, Data: unusable.Description})
	case err != nil:
		return nil, err
	}
	return r, nil
}

// showConsent is the page to which a program sends somebody.
//
// Spec: client-server-api#authorisation-code-flow
func (a *API) showConsent(v *visit) error {
	r, err := v.request()
	if err != nil || r == nil {
		return err
	}
	if v.user == "" {
		if r.Create && a.accounts.WhoCanRegister() != account.Closed {
			return v.goToSignIn(signUpPath, "")
		}
		return v.goToSignIn(signInPath, r.Hint)
	}
	d := consentView{Client: r.Client, SignOut: withNext(signOutPath, v.here()), Local: !isPage(r.RedirectURI())}
	if d.Replaces, err = v.deviceName(r); err != nil {
		return err
	}
	return v.page(http.StatusOK, "consent", view{Title: v.said.ConsentTitle, Data: d, target: r.RedirectURI()})
}

// deviceName returns the name of a device of the person that a program would
// take the place of.
func (v *visit) deviceName(r *oauth.Request) (string, error) {
	all, err := v.api.accounts.DevicesOf(v.r.Context(), v.user)
	for _, d := range all {
		if d.ID == r.Device {
			return nameOf(d.Name, d.ID), err
		}
	}
	return "", err
}

// isPage reports whether an address is one in the internet, whose owner the
// browser makes sure of.
func isPage(address string) bool { return len(address) > 8 && address[:8] == "https://" }

// decideConsent is its form.
func (a *API) decideConsent(v *visit) error {
	r, err := v.request()
	if err != nil || r == nil {
		return err
	}
	if v.user == "" {
		return v.goToSignIn(signInPath, r.Hint)
	}
	var to string
	if v.field("decision") == "allow" {
		to, err = a.server.Allow(v.r.Context(), r, v.user)
	} else {
		to, err = a.server.Deny(r)
	}
	if err != nil {
		return err
	}
	return v.goTo(to)
}
