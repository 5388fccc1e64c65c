// Package serverkeys is the server-server API of signing keys: those of this
// server, and what it knows of others'.
package serverkeys

import (
	"context"
	"encoding/json"

	"plenum/homeserver/peers/keyring"
	"plenum/internal/httpx"
)

// API serves keys to other servers. They need no signature to ask: with the
// keys they check ours.
type API struct {
	ring *keyring.Ring
}

// New returns the API over a ring.
func New(ring *keyring.Ring) *API { return &API{ring} }

const spec = "server-server-api#"

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Get("/_matrix/key/v2/server/{keyId?}", httpx.Anyone, spec+"get_matrixkeyv2server", httpx.RateDefault, a.own),
		httpx.Post("/_matrix/key/v2/query", httpx.Anyone, spec+"post_matrixkeyv2query", httpx.RateDefault, a.query),
		httpx.Get("/_matrix/key/v2/query/{serverName}/{keyId?}", httpx.Anyone, spec+"get_matrixkeyv2queryservername", httpx.RateDefault, a.queryOne),
	}
}

// own is GET /_matrix/key/v2/server.
func (a *API) own(context.Context, *httpx.Request[httpx.None]) (httpx.JSON, error) {
	keys, err := a.ring.Own()
	return httpx.JSON(keys), err
}

type queryRequest struct {
	Servers map[string]map[string]struct {
		ValidUntil int64 `json:"minimum_valid_until_ts"`
	} `json:"server_keys"`
}

type queryResponse struct {
	Keys []json.RawMessage `json:"server_keys"`
}

// query is POST /_matrix/key/v2/query.
func (a *API) query(ctx context.Context, r *httpx.Request[queryRequest]) (queryResponse, error) {
	wanted := make(map[string]map[string]int64, len(r.Body.Servers))
	for server, keys := range r.Body.Servers {
		wanted[server] = make(map[string]int64, len(keys))
		for key, criteria := range keys {
			wanted[server][key] = criteria.ValidUntil
		}
	}
	found, err := a.ring.Known(ctx, wanted)
	return queryResponse{found}, err
}

// queryOne is GET /_matrix/key/v2/query/{serverName}.
func (a *API) queryOne(ctx context.Context, r *httpx.Request[httpx.None]) (queryResponse, error) {
	until, err := r.QueryInt("minimum_valid_until_ts", 0)
	if err != nil {
		return queryResponse{}, err
	}
	found, err := a.ring.Known(ctx, map[string]map[string]int64{r.Path("serverName"): {r.Path("keyId"): int64(until)}})
	return queryResponse{found}, err
}
