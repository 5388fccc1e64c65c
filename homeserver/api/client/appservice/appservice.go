// Package appservice is the client-server API of application services and of
// the foreign networks that they lead to.
package appservice

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/appservice"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	v1   = "/_matrix/client/v1"
	v3   = "/_matrix/client/v3"
	spec = "client-server-api#"
)

// API serves application services, and networks to clients.
type API struct {
	registry *appservice.Registry
	networks appservice.Networks
}

// New returns the API.
func New(r *appservice.Registry, n appservice.Networks) *API { return &API{registry: r, networks: n} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		third = v3 + "/thirdparty"
		of    = "application-service-api#"
	)
	return []httpx.Route{
		httpx.Post(v1+"/appservice/{appserviceId}/ping", httpx.Appservice, of+"post_matrixclientv1appserviceappserviceidping", httpx.RateDefault, a.ping).
			Also("/_matrix/client/unstable/fi.mau.msc2659/appservice/{appserviceId}/ping"),
		httpx.Put(v3+"/directory/list/appservice/{networkId}/{roomId}", httpx.Appservice, of+"put_matrixclientv3directorylistappservicenetworkidroomid", httpx.RateDefault, a.listRoom),
		httpx.Get(third+"/protocols", httpx.User, spec+"get_matrixclientv3thirdpartyprotocols", httpx.RateDefault, a.protocols),
		httpx.Get(third+"/protocol/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartyprotocolprotocol", httpx.RateDefault, a.protocol),
		httpx.Get(third+"/location", httpx.User, spec+"get_matrixclientv3thirdpartylocation", httpx.RateDefault, a.location),
		httpx.Get(third+"/location/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartylocationprotocol", httpx.RateDefault, a.find("location")),
		httpx.Get(third+"/user", httpx.User, spec+"get_matrixclientv3thirdpartyuser", httpx.RateDefault, a.user),
		httpx.Get(third+"/user/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartyuserprotocol", httpx.RateDefault, a.find("user")),
	}
}

type pingRequest struct {
	Txn string `json:"transaction_id"`
}

type pingResponse struct {
	DurationMS int64 `json:"duration_ms"`
}

// ping is POST /appservice/{appserviceId}/ping.
func (a *API) ping(ctx context.Context, r *httpx.Request[pingRequest]) (pingResponse, error) {
	took, err := a.registry.Ping(ctx, r.Principal, r.Path("appserviceId"), r.Body.Txn)
	return pingResponse{took.Milliseconds()}, err
}

type listRequest struct {
	Visibility string `json:"visibility"`
}

// listRoom is PUT /directory/list/appservice/{networkId}/{roomId}.
func (a *API) listRoom(ctx context.Context, r *httpx.Request[listRequest]) (httpx.None, error) {
	if v := r.Body.Visibility; v != "public" && v != "private" {
		return httpx.None{}, matrix.Errorf(matrix.InvalidParam, "The visibility of a room is public or private.")
	}
	return httpx.None{}, a.networks.ListRoom(ctx, r.Principal, r.Path("networkId"), id.RoomID(r.Path("roomId")), r.Body.Visibility == "public")
}

// protocols is GET /thirdparty/protocols.
func (a *API) protocols(ctx context.Context, _ *httpx.Request[httpx.None]) (map[string]json.RawMessage, error) {
	return a.registry.Protocols(ctx), nil
}

// protocol is GET /thirdparty/protocol/{protocol}.
func (a *API) protocol(ctx context.Context, r *httpx.Request[httpx.None]) (json.RawMessage, error) {
	return a.registry.Protocol(ctx, r.Path("protocol"))
}

// location is GET /thirdparty/location.
func (a *API) location(ctx context.Context, r *httpx.Request[httpx.None]) (json.RawMessage, error) {
	return a.registry.FindLocation(ctx, r.Query("alias"))
}

// user is GET /thirdparty/user.
func (a *API) user(ctx context.Context, r *httpx.Request[httpx.None]) (json.RawMessage, error) {
	return a.registry.FindUser(ctx, r.Query("userid"))
}

// find is GET /thirdparty/{kind}/{protocol}, whose parameters are those of the
// network.
func (a *API) find(kind string) func(context.Context, *httpx.Request[httpx.None]) (json.RawMessage, error) {
	return func(ctx context.Context, r *httpx.Request[httpx.None]) (json.RawMessage, error) {
		fields := maps.Clone(r.HTTP.URL.Query())
		fields.Del("access_token")
		return a.registry.Find(ctx, kind, r.Path("protocol"), url.Values(fields))
	}
}
