// Package keys is the client-server API of the keys for end-to-end
// encryption: upload, query, claim, changes, cross-signing.
package keys

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/homeserver/account"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	path = "/_matrix/client/v3/keys"
	spec = "client-server-api#"
)

// API serves keys.
type API struct {
	keys     *e2ee.Keys
	accounts *account.Accounts
}

// New returns the API over k. Accounts say who somebody is before keys are
// replaced.
func New(k *e2ee.Keys, a *account.Accounts) *API { return &API{keys: k, accounts: a} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Post(path+"/upload", httpx.User, spec+"post_matrixclientv3keysupload", httpx.RateDefault, a.upload),
		httpx.Post(path+"/query", httpx.User, spec+"post_matrixclientv3keysquery", httpx.RateDefault, a.query),
		httpx.Post(path+"/claim", httpx.User, spec+"post_matrixclientv3keysclaim", httpx.RateDefault, a.claim),
		httpx.Get(path+"/changes", httpx.User, spec+"get_matrixclientv3keyschanges", httpx.RateDefault, a.changes),
		httpx.Post(path+"/device_signing/upload", httpx.User, spec+"post_matrixclientv3keysdevice_signingupload", httpx.RateDefault, a.crossSigning).
			Also("/_matrix/client/unstable/keys/device_signing/upload"),
		httpx.Post(path+"/signatures/upload", httpx.User, spec+"post_matrixclientv3keyssignaturesupload", httpx.RateDefault, a.signatures).
			Also("/_matrix/client/unstable/keys/signatures/upload"),
	}
}

type uploadRequest struct {
	Device      json.RawMessage            `json:"device_keys"`
	OneTime     map[string]json.RawMessage `json:"one_time_keys"`
	Fallback    map[string]json.RawMessage `json:"fallback_keys"`
	OldFallback map[string]json.RawMessage `json:"org.matrix.msc2732.fallback_keys"`
}

type uploadResponse struct {
	Counts map[string]int `json:"one_time_key_counts"`
}

// upload is POST /keys/upload.
func (a *API) upload(ctx context.Context, r *httpx.Request[uploadRequest]) (uploadResponse, error) {
	u := e2ee.Upload{Device: r.Body.Device, OneTime: r.Body.OneTime, Fallback: r.Body.Fallback}
	if u.Fallback == nil {
		u.Fallback = r.Body.OldFallback
	}
	left, err := a.keys.Upload(ctx, r.Principal, u)
	if err != nil {
		return uploadResponse{}, err
	}
	return uploadResponse{left.OneTime}, nil
}

type queryRequest struct {
	Devices map[id.UserID][]id.DeviceID `json:"device_keys"`
}

type queryResponse struct {
	Devices     map[id.UserID]map[id.DeviceID]json.RawMessage `json:"device_keys"`
	Master      map[id.UserID]json.RawMessage                 `json:"master_keys"`
	SelfSigning map[id.UserID]json.RawMessage                 `json:"self_signing_keys"`
	UserSigning map[id.UserID]json.RawMessage                 `json:"user_signing_keys"`
	Failures    map[string]struct{}                           `json:"failures"`
}

// query is POST /keys/query.
func (a *API) query(ctx context.Context, r *httpx.Request[queryRequest]) (queryResponse, error) {
	f, err := a.keys.Query(ctx, r.Principal, r.Body.Devices)
	if err != nil {
		return queryResponse{}, err
	}
	return queryResponse{Devices: f.Devices, Master: f.Master, SelfSigning: f.SelfSigning, UserSigning: f.UserSigning, Failures: f.Failures}, nil
}

type claimRequest struct {
	Keys e2ee.Claims `json:"one_time_keys"`
}

type claimResponse struct {
	Keys     e2ee.Claimed        `json:"one_time_keys"`
	Failures map[string]struct{} `json:"failures"`
}

// claim is POST /keys/claim.
func (a *API) claim(ctx context.Context, r *httpx.Request[claimRequest]) (claimResponse, error) {
	if r.Body.Keys == nil {
		return claimResponse{}, matrix.Errorf(matrix.MissingParam, "one_time_keys is missing.")
	}
	keys, failures, err := a.keys.Claim(ctx, r.Principal, r.Body.Keys)
	return claimResponse{keys, failures}, err
}

type changesResponse struct {
	Changed []id.UserID `json:"changed"`
	Left    []id.UserID `json:"left"`
}

// changes is GET /keys/changes.
func (a *API) changes(ctx context.Context, r *httpx.Request[httpx.None]) (changesResponse, error) {
	var span [2]rooms.Token
	for i, name := range []string{"from", "to"} {
		if r.Query(name) == "" {
			return changesResponse{}, matrix.Errorf(matrix.MissingParam, "%s is missing.", name)
		}
		var err error
		if span[i], err = rooms.ParseToken(r.Query(name)); err != nil {
			return changesResponse{}, err
		}
	}
	changed, left, err := a.keys.Changes(ctx, r.Principal.User, span[0].Pos, span[1].Pos)
	return changesResponse{append([]id.UserID{}, changed...), append([]id.UserID{}, left...)}, err
}
