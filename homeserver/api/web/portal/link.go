package portal

import (
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/oauth"
)

// linkView is what is shown before somebody lets a program on another device
// use their account.
type linkView struct {
	Client  oauth.Client
	Device  id.DeviceID
	Code    string
	SignOut string
}

// maxCode is how long what people type as a code may be.
const maxCode = 40

// showLink is the page on which people type the code that another device
// shows.
//
// Spec: client-server-api#device-authorisation-flow
func (a *API) showLink(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	code := v.r.URL.Query().Get("user_code")
	if code == "" {
		return v.page(http.StatusOK, "link", view{Title: v.said.LinkTitle})
	}
	return v.askAbout(code)
}

// askAbout shows which program waits for a code, and asks.
func (v *visit) askAbout(code string) error {
	if len(code) > maxCode {
		code = ""
	}
	client, device, ok, err := v.api.server.WaitingClient(v.r.Context(), code)
	if err != nil {
		return err
	}
	if !ok {
		return v.page(http.StatusNotFound, "link", view{Title: v.said.LinkTitle, Problem: v.said.BadCode, Typed: code})
	}
	return v.page(http.StatusOK, "link-consent", view{Title: v.said.ConsentTitle, Data: linkView{
		Client: client, Device: device, Code: code, SignOut: withNext(signOutPath, v.here()),
	}})
}

// submitLink is the form with the code, and that with the decision.
func (a *API) submitLink(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	code, decision := v.field("code"), v.field("decision")
	if decision == "" {
		return v.askAbout(code)
	}
	ok, err := a.server.Decide(v.r.Context(), code, decision == "allow", v.user)
	switch {
	case err != nil:
		return err
	case !ok:
		return v.page(http.StatusNotFound, "link", view{Title: v.said.LinkTitle, Problem: v.said.BadCode})
	case decision == "allow":
		return v.done(v.said.LinkedTitle, v.said.Linked)
	}
	return v.done(v.said.DeniedTitle, v.said.Denied)
}
