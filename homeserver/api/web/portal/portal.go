// Package portal is the pages on which people sign in, open an account, let a
// program use it, and look after it. They are plain HTML without scripts, load
// nothing from anywhere, and work on old phones, with a keyboard, and read
// aloud.
//
// Who is signed in is told by a cookie. Whatever changes something is sent by
// a form that only pages of this server can fill in (see guard.go).
package portal

import (
	"net/http"
	"net/url"
	"slices"

	"plenum/homeserver/account"
	"plenum/homeserver/oauth"
	"plenum/internal/httpx"
)

// The paths of the pages.
const (
	signInPath   = oauth.AccountPath + "/sign-in"
	signUpPath   = oauth.AccountPath + "/sign-up"
	signOutPath  = oauth.AccountPath + "/sign-out"
	namePath     = oauth.AccountPath + "/name"
	devicesPath  = oauth.AccountPath + "/devices"
	devicePath   = oauth.AccountPath + "/device"
	allPath      = oauth.AccountPath + "/devices/all"
	passwordPath = oauth.AccountPath + "/password"
	resetPath    = oauth.AccountPath + "/reset"
	closePath    = oauth.AccountPath + "/close"
	ssoPath      = "/_plenum/sso"
	ssoRedirect  = "/_matrix/client/v3/login/sso/redirect"
)

const spec = "client-server-api#"

// maxForm is how many bytes a form may send.
const maxForm = 16 << 10

// API serves the pages.
type API struct {
	server   *oauth.Server
	accounts *account.Accounts
	name     string // of this server
	base     string // public address, without a slash at the end
	secure   bool   // the public address is https
	origins  *http.CrossOriginProtection
}

// New returns the pages of a server that people reach at publicURL.
func New(server *oauth.Server, accounts *account.Accounts, publicURL string) *API {
	a := &API{server: server, accounts: accounts, name: accounts.ServerName(), base: publicURL, origins: http.NewCrossOriginProtection()}
	if u, err := url.Parse(publicURL); err == nil {
		a.secure = u.Scheme == "https"
		// Behind a web server, the host that is asked for may be another one.
		_ = a.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host) // else only the host that is asked for counts
	}
	return a
}

// Routes lists the pages.
func (a *API) Routes() []httpx.Route {
	return slices.Concat(
		a.page(oauth.AuthorizePath, spec+"authorisation-code-flow", httpx.RateDefault, a.showConsent, a.decideConsent),
		a.page(oauth.LinkPath, spec+"device-authorisation-flow", httpx.RateLogin, a.showLink, a.submitLink),
		a.page(ssoPath, spec+"client-login-via-sso", httpx.RateDefault, a.showSSO, a.decideSSO),
		a.page(oauth.AccountPath, spec+"oauth-20-account-management", httpx.RateDefault, a.showHome, nil),
		a.page(signInPath, "", httpx.RateLogin, a.showSignIn, a.signIn),
		a.page(signUpPath, spec+"user-registration", httpx.RateRegister, a.showSignUp, a.signUp),
		a.page(signOutPath, "", httpx.RateDefault, nil, a.signOut),
		a.page(namePath, "", httpx.RateDefault, a.showName, a.setName),
		a.page(devicesPath, "", httpx.RateDefault, a.showDevices, nil),
		a.page(devicePath, "", httpx.RateDefault, a.showDevice, a.endDevice),
		a.page(allPath, "", httpx.RateDefault, a.showAll, a.endAll),
		a.page(passwordPath, "", httpx.RateLogin, a.showPassword, a.setPassword),
		a.page(resetPath, spec+"oauth-authentication", httpx.RateLogin, a.showReset, a.allowReset),
		a.page(closePath, "", httpx.RateLogin, a.showClose, a.close),
		[]httpx.Route{
			httpx.Raw(http.MethodGet, ssoRedirect, httpx.Anyone, spec+"get_matrixclientv3loginssoredirect", httpx.RateDefault, a.redirectToSSO),
			httpx.Raw(http.MethodGet, ssoRedirect+"/{idpId}", httpx.Anyone, spec+"get_matrixclientv3loginssoredirectidpid", httpx.RateDefault, a.redirectToSSO),
		},
	)
}

// page makes the routes of a page: show answers GET, submit its form. Looking
// at a page costs less than sending its form, so only that is limited more.
func (a *API) page(path, spec string, rate httpx.Rate, show, submit func(*visit) error) []httpx.Route {
	var all []httpx.Route
	if show != nil {
		all = append(all, httpx.Raw(http.MethodGet, path, httpx.Anyone, spec, httpx.RateDefault, a.visited(show)))
	}
	if submit != nil {
		all = append(all, httpx.Raw(http.MethodPost, path, httpx.Anyone, spec, rate, a.submitted(submit)).Limit(maxForm))
	}
	return all
}
