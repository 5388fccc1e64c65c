package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// Legacy single sign-on: clients that do not know OAuth 2.0 send people to the
// same pages, and get a login token back.
//
// Spec: client-server-api#client-login-via-sso

// redirectToSSO is GET /login/sso/redirect.
func (a *API) redirectToSSO(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
	if idp := r.Path("idpId"); idp != "" && idp != account.ThisServer {
		return matrix.Errorf(matrix.NotFound, "There is no such way to sign in here.")
	}
	to := r.Query("redirectUrl")
	if to == "" {
		return matrix.Errorf(matrix.MissingParam, "The redirectUrl is missing.")
	}
	if _, ok := backTo(to); !ok {
		return matrix.Errorf(matrix.InvalidParam, "The redirectUrl must be the address of a page or an app.")
	}
	q := url.Values{"redirectUrl": {to}}
	if r.Query("action") == "register" || r.Query("org.matrix.msc3824.action") == "register" {
		q.Set("action", "register")
	}
	v := &visit{w: w, r: r.HTTP, api: a}
	return v.goTo(a.base + ssoPath + "?" + q.Encode())
}

// harmful are schemes at which browsers run or show what the address holds.
var harmful = []string{"javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source", "jar"}

// backTo parses where a client wants somebody to come back to.
func backTo(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || len(address) > 2000 || u.Scheme == "" || u.User != nil || slices.Contains(harmful, strings.ToLower(u.Scheme)) {
		return nil, false
	}
	if (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// ssoView is what is shown before a client gets a login token.
type ssoView struct {
	To      string // whom it is for
	SignOut string
}

// showSSO asks whether somebody wants to sign in to a client.
func (a *API) showSSO(v *visit) error {
	to, ok := backTo(v.r.URL.Query().Get("redirectUrl"))
	if !ok {
		return v.gone(http.StatusBadRequest)
	}
	if v.user == "" {
		if v.r.URL.Query().Get("action") == "register" {
			return v.goToSignIn(signUpPath, "")
		}
		return v.goToSignIn(signInPath, "")
	}
	name := to.Host
	if to.Scheme != "https" && to.Scheme != "http" || name == "" {
		name = to.Scheme + ":"
	}
	return v.page(http.StatusOK, "sso", view{
		Title: v.said.SSOTitle, Data: ssoView{To: name, SignOut: withNext(signOutPath, v.here())}, target: to.String(),
	})
}

// decideSSO is its form.
func (a *API) decideSSO(v *visit) error {
	to, ok := backTo(v.r.URL.Query().Get("redirectUrl"))
	if !ok || v.user == "" {
		return a.showSSO(v)
	}
	if v.field("decision") != "allow" {
		return v.done(v.said.DeniedTitle, v.said.Denied)
	}
	token, err := a.accounts.LoginTokenFor(v.r.Context(), v.user)
	if err != nil {
		return err
	}
	q := to.Query()
	q.Set("loginToken", token)
	to.RawQuery = q.Encode()
	return v.goTo(to.String())
}
