package session

import (
	"context"

	"plenum/homeserver/account"
	"plenum/internal/httpx"
)

type nonceResponse struct {
	Nonce string `json:"nonce"`
}

// nonce is GET /_synapse/admin/v1/register.
func (a *API) nonce(context.Context, *httpx.Request[httpx.None]) (nonceResponse, error) {
	return nonceResponse{a.accounts.Nonce()}, nil
}

type sharedRequest struct {
	Nonce       string `json:"nonce"`
	Username    string `json:"username"`
	DisplayName string `json:"displayname"`
	Password    string `json:"password"`
	Admin       bool   `json:"admin"`
	UserType    string `json:"user_type"`
	MAC         string `json:"mac"`
}

// registerShared is POST /_synapse/admin/v1/register.
func (a *API) registerShared(ctx context.Context, r *httpx.Request[sharedRequest]) (sessionResponse, error) {
	b := r.Body
	s, err := a.accounts.RegisterShared(ctx, account.SharedRegistration{
		Nonce: b.Nonce, Name: b.Username, Password: b.Password, DisplayName: b.DisplayName,
		Admin: b.Admin, UserType: b.UserType, MAC: b.MAC,
	})
	return a.session(s), err
}
