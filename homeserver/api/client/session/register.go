package session

import (
	"context"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type registerRequest struct {
	Type     string `json:"type"` // only application services give one
	Username string `json:"username"`
	Password string `json:"password"`
	NoLogin  bool   `json:"inhibit_login"`
	newDevice
	authRequest
}

// register is POST /register.
func (a *API) register(ctx context.Context, r *httpx.Request[registerRequest]) (sessionResponse, error) {
	switch kind := r.Query("kind"); {
	case kind == "guest":
		return sessionResponse{}, matrix.Errorf(matrix.GuestAccessForbidden, "There are no guests on this server.")
	case kind != "" && kind != "user":
		return sessionResponse{}, matrix.Errorf(matrix.InvalidParam, "There is no such kind of account.")
	case r.Body.Type == byAppservice:
		s, err := a.registerGhost(ctx, r)
		return a.session(s), err
	}
	s, err := a.accounts.Register(ctx, account.Registration{
		Name: r.Body.Username, Password: r.Body.Password, Device: r.Body.device(),
		NoLogin: r.Body.NoLogin, Auth: r.Body.Auth,
	})
	return a.session(s), err
}

type availableResponse struct {
	Available bool `json:"available"`
}

// available is GET /register/available.
func (a *API) available(ctx context.Context, r *httpx.Request[httpx.None]) (availableResponse, error) {
	if !r.HasQuery("username") {
		return availableResponse{}, matrix.Errorf(matrix.MissingParam, "The username is missing.")
	}
	err := a.accounts.Available(ctx, r.Query("username"))
	return availableResponse{err == nil}, err
}

type validityResponse struct {
	Valid bool `json:"valid"`
}

// tokenValidity is GET /register/m.login.registration_token/validity.
func (a *API) tokenValidity(ctx context.Context, r *httpx.Request[httpx.None]) (validityResponse, error) {
	if !r.HasQuery("token") {
		return validityResponse{}, matrix.Errorf(matrix.MissingParam, "The token is missing.")
	}
	ok, err := a.accounts.IsValidRegistrationToken(ctx, r.Query("token"))
	return validityResponse{ok}, err
}
