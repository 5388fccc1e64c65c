package session

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// The ways to log in.
const (
	byPassword   = "m.login.password"
	byToken      = "m.login.token"
	bySSO        = "m.login.sso"
	byAppservice = "m.login.application_service"
)

// loginFlow is one way to log in.
//
// Spec: client-server-api#get_matrixclientv3login
type loginFlow struct {
	Type           string     `json:"type"`
	GetToken       bool       `json:"get_login_token,omitempty"`
	Providers      []provider `json:"identity_providers,omitempty"`
	OAuthAware     bool       `json:"oauth_aware_preferred,omitempty"`
	OAuthAwareToBe bool       `json:"org.matrix.msc3824.delegated_oidc_compatibility,omitempty"` // its name before
}

// provider is who knows people who log in by single sign-on: this server.
type provider struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type loginFlowsResponse struct {
	Flows []loginFlow `json:"flows"`
}

// loginFlows is GET /login.
func (a *API) loginFlows(context.Context, *httpx.Request[httpx.None]) (loginFlowsResponse, error) {
	all := []loginFlow{{Type: byPassword}, {Type: byToken, GetToken: true}, {Type: byAppservice}}
	if a.accounts.HasPages() {
		all = append(all, loginFlow{
			Type: bySSO, Providers: []provider{{account.ThisServer, a.accounts.ServerName()}}, OAuthAware: true, OAuthAwareToBe: true,
		})
	}
	return loginFlowsResponse{all}, nil
}

// newDevice is what login and register say about the device.
type newDevice struct {
	ID      id.DeviceID `json:"device_id"`
	Name    string      `json:"initial_device_display_name"`
	Refresh bool        `json:"refresh_token"`
}

func (d newDevice) device() account.NewDevice {
	return account.NewDevice{ID: d.ID, Name: d.Name, Renewable: d.Refresh}
}

type loginRequest struct {
	Type string `json:"type"`
	account.Named
	Password string `json:"password"`
	Token    string `json:"token"`
	newDevice
}

// tokensResponse are the tokens in answers.
type tokensResponse struct {
	AccessToken  string `json:"access_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresInMS  int64  `json:"expires_in_ms,omitempty"`
}

func tokens(t account.Tokens) tokensResponse {
	return tokensResponse{t.Access, t.Refresh, t.Life.Milliseconds()}
}

type sessionResponse struct {
	UserID     id.UserID   `json:"user_id"`
	DeviceID   id.DeviceID `json:"device_id,omitempty"`
	HomeServer string      `json:"home_server"` // older clients look for it
	tokensResponse
}

func (a *API) session(s account.Session) sessionResponse {
	return sessionResponse{s.User, s.Device, a.accounts.ServerName(), tokens(s.Tokens)}
}

// login is POST /login.
func (a *API) login(ctx context.Context, r *httpx.Request[loginRequest]) (sessionResponse, error) {
	var s account.Session
	var err error
	switch r.Body.Type {
	case byPassword:
		s, err = a.loginByPassword(ctx, r.Body)
	case byToken:
		s, err = a.accounts.LoginByToken(ctx, r.Body.Token, r.Body.device())
	case byAppservice:
		s, err = a.loginGhost(ctx, r)
	default:
		err = matrix.Errorf(matrix.Unknown, "One cannot log in in this way.")
	}
	return a.session(s), err
}

func (a *API) loginByPassword(ctx context.Context, b loginRequest) (account.Session, error) {
	name, ok := b.AccountName()
	switch {
	case ok:
		return a.accounts.LoginByPassword(ctx, name, b.Password, b.device())
	case b.Identifier.Type == "" || b.Identifier.Type == "m.id.user":
		return account.Session{}, matrix.Errorf(matrix.MissingParam, "The name of the account is missing.")
	}
	return account.Session{}, matrix.Errorf(matrix.Forbidden, "This server knows people by their user id only.")
}

type loginTokenResponse struct {
	Token       string `json:"login_token"`
	ExpiresInMS int64  `json:"expires_in_ms"`
}

// authRequest is a request that asks for user-interactive authentication.
type authRequest struct {
	Auth json.RawMessage `json:"auth"`
}

// loginToken is POST /login/get_token.
func (a *API) loginToken(ctx context.Context, r *httpx.Request[authRequest]) (loginTokenResponse, error) {
	token, life, err := a.accounts.NewLoginToken(ctx, r.Principal, r.Body.Auth)
	return loginTokenResponse{token, life.Milliseconds()}, err
}

type refreshRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// refresh is POST /refresh.
func (a *API) refresh(ctx context.Context, r *httpx.Request[refreshRequest]) (tokensResponse, error) {
	if r.Body.RefreshToken == "" {
		return tokensResponse{}, matrix.Errorf(matrix.MissingParam, "The refresh_token is missing.")
	}
	t, err := a.accounts.Refresh(ctx, r.Body.RefreshToken)
	return tokens(t), err
}

// logout is POST /logout.
func (a *API) logout(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.accounts.Logout(ctx, r.Principal)
}

// logoutAll is POST /logout/all.
func (a *API) logoutAll(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, a.accounts.LogoutAll(ctx, r.Principal)
}
