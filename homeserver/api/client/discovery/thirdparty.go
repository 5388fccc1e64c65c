package discovery

import (
	"context"
	"encoding/json"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// thirdPartyRoutes are the endpoints about networks that bridges lead to.
// There are none.
//
// Spec: client-server-api#third-party-networks
func thirdPartyRoutes() []httpx.Route {
	const path = v3 + "/thirdparty"
	return []httpx.Route{
		httpx.Get(path+"/protocols", httpx.User, spec+"get_matrixclientv3thirdpartyprotocols", httpx.RateDefault, none("{}")),
		httpx.Get(path+"/protocol/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartyprotocolprotocol", httpx.RateDefault, noProtocol),
		httpx.Get(path+"/location", httpx.User, spec+"get_matrixclientv3thirdpartylocation", httpx.RateDefault, none("[]")),
		httpx.Get(path+"/location/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartylocationprotocol", httpx.RateDefault, noProtocol),
		httpx.Get(path+"/user", httpx.User, spec+"get_matrixclientv3thirdpartyuser", httpx.RateDefault, none("[]")),
		httpx.Get(path+"/user/{protocol}", httpx.User, spec+"get_matrixclientv3thirdpartyuserprotocol", httpx.RateDefault, noProtocol),
	}
}

// none answers that there is nothing, in the form that the endpoint has.
func none(nothing string) func(context.Context, *httpx.Request[httpx.None]) (json.RawMessage, error) {
	return func(context.Context, *httpx.Request[httpx.None]) (json.RawMessage, error) {
		return json.RawMessage(nothing), nil
	}
}

func noProtocol(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, matrix.Errorf(matrix.NotFound, "No bridge of this server leads there.")
}
