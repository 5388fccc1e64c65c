package keys

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type crossSigningRequest struct {
	Master      json.RawMessage `json:"master_key"`
	SelfSigning json.RawMessage `json:"self_signing_key"`
	UserSigning json.RawMessage `json:"user_signing_key"`
	Auth        json.RawMessage `json:"auth"`
}

// crossSigning is POST /keys/device_signing/upload.
func (a *API) crossSigning(ctx context.Context, r *httpx.Request[crossSigningRequest]) (httpx.None, error) {
	c := e2ee.CrossSigning{Master: r.Body.Master, SelfSigning: r.Body.SelfSigning, UserSigning: r.Body.UserSigning}
	needed, err := a.keys.NeedsAuth(ctx, r.Principal.User, c)
	if err != nil {
		return httpx.None{}, err
	}
	if !needed || r.Principal.Appservice != "" {
		return httpx.None{}, a.keys.SetCrossSigning(ctx, r.Principal.User, c)
	}
	grant, err := a.accounts.Reauthenticate(ctx, r.Principal, account.ReplaceKeys, "", r.Body.Auth)
	if err != nil {
		return httpx.None{}, err
	}
	if err := a.keys.SetCrossSigning(ctx, r.Principal.User, c); err != nil {
		return httpx.None{}, err
	}
	grant.Spend()
	return httpx.None{}, nil
}

type signaturesResponse struct {
	Failures map[id.UserID]map[string]failure `json:"failures"`
}

type failure struct {
	Code matrix.Code `json:"errcode"`
	Text string      `json:"error"`
}

// signatures is POST /keys/signatures/upload.
func (a *API) signatures(ctx context.Context, r *httpx.Request[e2ee.Signed]) (signaturesResponse, error) {
	refused, err := a.keys.Sign(ctx, r.Principal, r.Body)
	out := signaturesResponse{map[id.UserID]map[string]failure{}}
	for user, keys := range refused {
		out.Failures[user] = map[string]failure{}
		for key, why := range keys {
			out.Failures[user][key] = failure{why.Code, why.Text}
		}
	}
	return out, err
}
