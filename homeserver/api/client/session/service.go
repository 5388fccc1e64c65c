package session

import (
	"context"
	"net/http"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// loginGhost is POST /login of an application service.
//
// Spec: client-server-api#appservice-login
func (a *API) loginGhost(ctx context.Context, r *httpx.Request[loginRequest]) (account.Session, error) {
	name, ok := r.Body.AccountName()
	switch {
	case r.Principal.Appservice == "":
		return account.Session{}, errNoService(r.HTTP.Header.Get("Authorization") != "")
	case !ok:
		return account.Session{}, matrix.Errorf(matrix.MissingParam, "The name of the account is missing.")
	}
	return a.accounts.LoginGhost(ctx, r.Principal, account.Ghost{Name: name, Device: r.Body.device()})
}

// registerGhost is POST /register of an application service.
//
// Spec: application-service-api#server-admin-style-permissions
func (a *API) registerGhost(ctx context.Context, r *httpx.Request[registerRequest]) (account.Session, error) {
	switch {
	case r.Principal.Appservice == "":
		return account.Session{}, errNoService(r.HTTP.Header.Get("Authorization") != "")
	case r.Body.Username == "":
		return account.Session{}, matrix.Errorf(matrix.MissingParam, "The username is missing.")
	}
	return a.accounts.RegisterGhost(ctx, r.Principal, account.Ghost{Name: r.Body.Username, Device: r.Body.device(), NoLogin: r.Body.NoLogin})
}

// putGhostDevice is PUT /devices/{deviceId} of an application service, which
// makes the device that it names.
//
// Spec: application-service-api#device-management
func (a *API) putGhostDevice(ctx context.Context, p matrix.Principal, d account.NewDevice) (*httpx.Answer, error) {
	made, err := a.accounts.PutDevice(ctx, p, d)
	if made {
		return &httpx.Answer{Status: http.StatusCreated}, err
	}
	return &httpx.Answer{}, err
}

// errNoService refuses what only application services do.
func errNoService(hasToken bool) error {
	if !hasToken {
		return matrix.Errorf(matrix.MissingToken, "This is for application services, with their token.")
	}
	return matrix.Errorf(matrix.UnknownToken, "No application service has this token.")
}
