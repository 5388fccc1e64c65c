// Package session is the client-server API of accounts and sessions:
// registering, signing in and out, devices, passwords. What is allowed is
// decided by homeserver/account; here is how it travels.
package session

import (
	"net/http"
	"slices"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
)

const (
	v1       = "/_matrix/client/v1"
	v3       = "/_matrix/client/v3"
	unstable = "/_matrix/client/unstable"

	spec = "client-server-api#"
)

// API serves accounts and sessions to clients.
type API struct {
	accounts *account.Accounts
}

// New returns the API over a.
func New(a *account.Accounts) *API { return &API{accounts: a} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return slices.Concat(a.loginRoutes(), a.registerRoutes(), a.accountRoutes(), a.deviceRoutes(), a.contactRoutes(), a.adminRoutes(), a.pageRoutes(), a.sharedRoutes())
}

func (a *API) loginRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v3+"/login", httpx.Anyone, spec+"get_matrixclientv3login", httpx.RateDefault, a.loginFlows),
		httpx.Post(v3+"/login", httpx.AnyoneOrAppservice, spec+"post_matrixclientv3login", httpx.RateLogin, a.login),
		httpx.Post(v1+"/login/get_token", httpx.User, spec+"post_matrixclientv1loginget_token", httpx.RateLogin, a.loginToken).
			Also(unstable + "/org.matrix.msc3882/login/token"),
		httpx.Post(v3+"/refresh", httpx.Anyone, spec+"post_matrixclientv3refresh", httpx.RateDefault, a.refresh),
		httpx.Post(v3+"/logout", httpx.UserEvenLocked, spec+"post_matrixclientv3logout", httpx.RateDefault, a.logout),
		httpx.Post(v3+"/logout/all", httpx.UserEvenLocked, spec+"post_matrixclientv3logoutall", httpx.RateDefault, a.logoutAll),
	}
}

func (a *API) registerRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Post(v3+"/register", httpx.AnyoneOrAppservice, spec+"post_matrixclientv3register", httpx.RateRegister, a.register),
		httpx.Get(v3+"/register/available", httpx.Anyone, spec+"get_matrixclientv3registeravailable", httpx.RateRegister, a.available),
		httpx.Get(v1+"/register/m.login.registration_token/validity", httpx.Anyone, spec+"get_matrixclientv1registermloginregistration_tokenvalidity", httpx.RateRegister, a.tokenValidity),
	}
}

func (a *API) accountRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v3+"/account/whoami", httpx.User, spec+"get_matrixclientv3accountwhoami", httpx.RateDefault, a.whoami),
		httpx.Post(v3+"/account/password", httpx.Optional, spec+"post_matrixclientv3accountpassword", httpx.RateLogin, a.changePassword),
		httpx.Post(v3+"/account/deactivate", httpx.Optional, spec+"post_matrixclientv3accountdeactivate", httpx.RateLogin, a.deactivate),
		httpx.Post(v3+"/user/{userId}/openid/request_token", httpx.User, spec+"post_matrixclientv3useruseridopenidrequest_token", httpx.RateDefault, a.openIDToken),
	}
}

func (a *API) deviceRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v3+"/devices", httpx.User, spec+"get_matrixclientv3devices", httpx.RateDefault, a.devices),
		httpx.Get(v3+"/devices/{deviceId}", httpx.User, spec+"get_matrixclientv3devicesdeviceid", httpx.RateDefault, a.device),
		httpx.Put(v3+"/devices/{deviceId}", httpx.User, spec+"put_matrixclientv3devicesdeviceid", httpx.RateDefault, a.putDevice),
		httpx.Delete(v3+"/devices/{deviceId}", httpx.User, spec+"delete_matrixclientv3devicesdeviceid", httpx.RateLogin, a.deleteDevice),
		httpx.Post(v3+"/delete_devices", httpx.User, spec+"post_matrixclientv3delete_devices", httpx.RateLogin, a.deleteDevices),
	}
}

func (a *API) contactRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v3+"/account/3pid", httpx.User, spec+"get_matrixclientv3account3pid", httpx.RateDefault, a.contacts),
		httpx.Post(v3+"/account/3pid", httpx.User, spec+"post_matrixclientv3account3pid", httpx.RateDefault, a.noContact),
		httpx.Post(v3+"/account/3pid/add", httpx.User, spec+"post_matrixclientv3account3pidadd", httpx.RateDefault, a.noContact),
		httpx.Post(v3+"/account/3pid/bind", httpx.User, spec+"post_matrixclientv3account3pidbind", httpx.RateDefault, a.noContact),
		httpx.Post(v3+"/account/3pid/delete", httpx.User, spec+"post_matrixclientv3account3piddelete", httpx.RateDefault, a.unbound),
		httpx.Post(v3+"/account/3pid/unbind", httpx.User, spec+"post_matrixclientv3account3pidunbind", httpx.RateDefault, a.unbound),
		httpx.Post(v3+"/account/3pid/email/requestToken", httpx.Anyone, spec+"post_matrixclientv3account3pidemailrequesttoken", httpx.RateRegister, a.noContact),
		httpx.Post(v3+"/account/3pid/msisdn/requestToken", httpx.Anyone, spec+"post_matrixclientv3account3pidmsisdnrequesttoken", httpx.RateRegister, a.noContact),
		httpx.Post(v3+"/account/password/email/requestToken", httpx.Anyone, spec+"post_matrixclientv3accountpasswordemailrequesttoken", httpx.RateRegister, a.noContact),
		httpx.Post(v3+"/account/password/msisdn/requestToken", httpx.Anyone, spec+"post_matrixclientv3accountpasswordmsisdnrequesttoken", httpx.RateRegister, a.noContact),
		httpx.Post(v3+"/register/email/requestToken", httpx.Anyone, spec+"post_matrixclientv3registeremailrequesttoken", httpx.RateRegister, a.noContact),
		httpx.Post(v3+"/register/msisdn/requestToken", httpx.Anyone, spec+"post_matrixclientv3registermsisdnrequesttoken", httpx.RateRegister, a.noContact),
	}
}

func (a *API) adminRoutes() []httpx.Route {
	const (
		lock    = v1 + "/admin/lock/{userId}"
		suspend = v1 + "/admin/suspend/{userId}"
		early   = unstable + "/uk.timedout.msc4323/admin/"
	)
	return []httpx.Route{
		httpx.Get(lock, httpx.Admin, spec+"get_matrixclientv1adminlockuserid", httpx.RateAdmin, a.isLocked).Also(early + "lock/{userId}"),
		httpx.Put(lock, httpx.Admin, spec+"put_matrixclientv1adminlockuserid", httpx.RateAdmin, a.setLocked).Also(early + "lock/{userId}"),
		httpx.Get(suspend, httpx.Admin, spec+"get_matrixclientv1adminsuspenduserid", httpx.RateAdmin, a.isSuspended).Also(early + "suspend/{userId}"),
		httpx.Put(suspend, httpx.Admin, spec+"put_matrixclientv1adminsuspenduserid", httpx.RateAdmin, a.setSuspended).Also(early + "suspend/{userId}"),
		httpx.Get(v3+"/admin/whois/{userId}", httpx.User, spec+"get_matrixclientv3adminwhoisuserid", httpx.RateAdmin, a.whois),
	}
}

func (a *API) pageRoutes() []httpx.Route {
	const (
		stage = v3 + "/auth/{authType}/fallback/web"
		login = "/_matrix/static/client/login/"
	)
	return []httpx.Route{
		httpx.Raw(http.MethodGet, stage, httpx.Anyone, spec+"fallback", httpx.RateLogin, a.showStage),
		httpx.Raw(http.MethodPost, stage, httpx.Anyone, spec+"fallback", httpx.RateLogin, a.submitStage).Limit(maxForm),
		httpx.Raw(http.MethodGet, login, httpx.Anyone, spec+"login-fallback", httpx.RateDefault, a.showLogin),
	}
}

// sharedRoutes are for programs that open accounts, in the way in which they
// do it on Synapse. They are served only where that is set up.
func (a *API) sharedRoutes() []httpx.Route {
	if !a.accounts.HasSharedSecret() {
		return nil
	}
	const path = "/_synapse/admin/v1/register"
	return []httpx.Route{
		httpx.Get(path, httpx.Anyone, "", httpx.RateRegister, a.nonce),
		httpx.Post(path, httpx.Anyone, "", httpx.RateRegister, a.registerShared),
	}
}
