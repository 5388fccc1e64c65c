package server

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/httpx"
)

// devices is GET /user/devices/{userId}.
func (a *API) devices(ctx context.Context, r *httpx.Request[httpx.None]) (*e2ee.UserDevices, error) {
	return a.keys.UserDevices(ctx, r.Origin, id.UserID(r.Path("userId")))
}

type queryKeysRequest struct {
	Keys map[id.UserID][]id.DeviceID `json:"device_keys"`
}

// queryKeys is POST /user/keys/query.
func (a *API) queryKeys(ctx context.Context, r *httpx.Request[queryKeysRequest]) (*e2ee.ServedKeys, error) {
	return a.keys.QueryKeys(ctx, r.Origin, r.Body.Keys)
}

type claimKeysRequest struct {
	Keys e2ee.Claims `json:"one_time_keys"`
}

type claimKeysResponse struct {
	Keys e2ee.Claimed `json:"one_time_keys"`
}

// claimKeys is POST /user/keys/claim.
func (a *API) claimKeys(ctx context.Context, r *httpx.Request[claimKeysRequest]) (claimKeysResponse, error) {
	keys, err := a.keys.ClaimKeys(ctx, r.Origin, r.Body.Keys)
	return claimKeysResponse{keys}, err
}
