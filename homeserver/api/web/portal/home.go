package portal

import (
	"encoding/json"
	"net/http"
	"net/url"

	"plenum/homeserver/oauth"
	"plenum/internal/matrix"
)

// showHome is the page on which people look after their account, and to which
// programs send them for something of that.
//
// Spec: client-server-api#account-management-url-parameters
func (a *API) showHome(v *visit) error {
	action, device := oauth.Action(v.r.URL.Query().Get("action")), v.r.URL.Query().Get("device_id")
	if path := pathOf(action, device); path != "" {
		return v.goTo(path)
	}
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	return v.page(http.StatusOK, "home", view{Title: v.said.AccountTitle})
}

// pathOf returns the page for an action; empty: the page with all of them.
func pathOf(action oauth.Action, device string) string {
	switch action {
	case oauth.ActionProfile:
		return namePath
	case oauth.ActionDevices, oauth.EarlyActionDevices:
		return devicesPath
	case oauth.ActionDevice, oauth.ActionDeviceDelete, oauth.EarlyActionDevice, oauth.EarlyActionDeviceDelete:
		if device == "" {
			return devicesPath
		}
		return devicePath + "?" + url.Values{"device_id": {device}}.Encode()
	case oauth.ActionClose:
		return closePath
	case oauth.ActionReset:
		return resetPath
	}
	return ""
}

// showName is the page with the name that others see.
func (a *API) showName(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	profile, err := a.accounts.Profile(v.r.Context(), matrix.Principal{User: v.user}, v.user)
	if err != nil {
		return err
	}
	return v.page(http.StatusOK, "name", view{Title: v.said.NameTitle, Typed: profile.Text("displayname")})
}

// setName is its form.
func (a *API) setName(v *visit) error {
	if v.user == "" {
		return v.goToSignIn(signInPath, "")
	}
	acc, _, err := a.accounts.Open(v.r.Context(), v.user)
	if err != nil {
		return err
	}
	value, err := json.Marshal(v.field("name"))
	if err != nil {
		return err
	}
	err = a.accounts.SetProfileField(v.r.Context(), matrix.Principal{User: v.user, Suspended: acc.Suspended}, v.user, "displayname", value)
	if err != nil {
		if status, text, ok := v.problem(err); ok {
			return v.page(status, "name", view{Title: v.said.NameTitle, Problem: text, Typed: v.field("name")})
		}
		return err
	}
	return v.done(v.said.SavedTitle, v.said.Saved)
}
