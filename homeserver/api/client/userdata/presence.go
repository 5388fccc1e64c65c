package userdata

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
)

func (a *API) presenceRoutes() []httpx.Route {
	const status = v3 + "/presence/{userId}/status"
	return []httpx.Route{
		httpx.Get(status, httpx.User, spec+"get_matrixclientv3presenceuseridstatus", httpx.RateDefault, a.presence),
		httpx.Put(status, httpx.User, spec+"put_matrixclientv3presenceuseridstatus", httpx.RateDefault, a.setPresence),
	}
}

// presence is GET /presence/{userId}/status.
func (a *API) presence(ctx context.Context, r *httpx.Request[httpx.None]) (userdata.Presence, error) {
	return a.data.Presence(ctx, r.Principal, id.UserID(r.Path("userId")))
}

type presenceRequest struct {
	State  string  `json:"presence"`
	Status *string `json:"status_msg"`
}

// setPresence is PUT /presence/{userId}/status.
func (a *API) setPresence(_ context.Context, r *httpx.Request[presenceRequest]) (httpx.None, error) {
	if _, err := own(r); err != nil {
		return httpx.None{}, err
	}
	return httpx.None{}, a.data.SetPresence(r.Principal, r.Body.State, r.Body.Status)
}
