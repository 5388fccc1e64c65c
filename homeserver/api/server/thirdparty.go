package server

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// exchangeInvite is PUT /exchange_third_party_invite/{roomId}: somebody has
// found out which account an invitation by mail address is for.
func (a *API) exchangeInvite(ctx context.Context, r *httpx.Request[json.RawMessage]) (httpx.None, error) {
	room := id.RoomID(r.Path("roomId"))
	if err := a.mayTalk(ctx, room, r.Origin); err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.rooms.ExchangeThirdPartyInvite(ctx, r.Origin, room, r.Body)
}

type onBindRequest struct {
	MXID    id.UserID         `json:"mxid"`
	Invites []json.RawMessage `json:"invites"`
}

// onBind is PUT /3pid/onbind, by which identity servers tell which account an
// address belongs to. Nobody here can be invited by an address, as this server
// uses no identity servers: whoever they are, they are not believed.
func (a *API) onBind(_ context.Context, r *httpx.Request[onBindRequest]) (httpx.None, error) {
	if r.Body.MXID == "" {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "mxid is missing.")
	}
	return httpx.None{}, matrix.Errorf(matrix.Forbidden, "This server does not work with identity servers.")
}

// policySign is POST /_matrix/policy/v1/sign. No room has this server for its
// policy server.
//
// Spec: server-server-api#post_matrixpolicyv1sign
func (a *API) policySign(context.Context, *httpx.Request[json.RawMessage]) (httpx.None, error) {
	return httpx.None{}, matrix.Errorf(matrix.NotFound, "This server is not the policy server of any room.")
}
