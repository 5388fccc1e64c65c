package session

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type whoamiResponse struct {
	UserID   id.UserID   `json:"user_id"`
	DeviceID id.DeviceID `json:"device_id,omitempty"`
	IsGuest  bool        `json:"is_guest"`
}

// whoami is GET /account/whoami.
func (a *API) whoami(_ context.Context, r *httpx.Request[httpx.None]) (whoamiResponse, error) {
	return whoamiResponse{UserID: r.Principal.User, DeviceID: r.Principal.Device}, nil
}

type passwordRequest struct {
	New           string `json:"new_password"`
	LogoutDevices *bool  `json:"logout_devices"` // true when it is not there
	authRequest
}

// changePassword is POST /account/password.
func (a *API) changePassword(ctx context.Context, r *httpx.Request[passwordRequest]) (httpx.None, error) {
	return httpx.None{}, a.accounts.ChangePassword(ctx, r.Principal, account.PasswordChange{
		New: r.Body.New, KeepDevices: r.Body.LogoutDevices != nil && !*r.Body.LogoutDevices, Auth: r.Body.Auth,
	})
}

type deactivateRequest struct {
	Erase  bool `json:"erase"`
	Redact bool `json:"plenum.redact"` // ours: take back what was sent
	authRequest
}

type unbindResponse struct {
	Result string `json:"id_server_unbind_result"`
}

// deactivate is POST /account/deactivate.
func (a *API) deactivate(ctx context.Context, r *httpx.Request[deactivateRequest]) (unbindResponse, error) {
	err := a.accounts.Deactivate(ctx, r.Principal, account.Closing{Erase: r.Body.Erase, Redact: r.Body.Redact}, r.Body.Auth)
	return unbindResponse{"success"}, err // there is nothing to unbind
}

type openIDResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ServerName  string `json:"matrix_server_name"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// openIDToken is POST /user/{userId}/openid/request_token.
func (a *API) openIDToken(ctx context.Context, r *httpx.Request[httpx.None]) (openIDResponse, error) {
	if id.UserID(r.Path("userId")) != r.Principal.User {
		return openIDResponse{}, matrix.Errorf(matrix.Forbidden, "You can get such tokens for yourself only.")
	}
	token, life, err := a.accounts.NewOpenIDToken(ctx, r.Principal)
	return openIDResponse{token, "Bearer", a.accounts.ServerName(), int64(life.Seconds())}, err
}
