package push

import (
	"context"
	"encoding/json"

	"plenum/homeserver/push"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

type pushersResponse struct {
	Pushers []push.Pusher `json:"pushers"`
}

// pushers is GET /pushers.
func (a *API) pushers(ctx context.Context, r *httpx.Request[httpx.None]) (pushersResponse, error) {
	list, err := a.push.Pushers(ctx, r.Principal.User)
	return pushersResponse{list}, err
}

type pusherRequest struct {
	push.Pusher
	Kind   json.RawMessage `json:"kind"` // null is not the same as nothing
	Append bool            `json:"append"`
}

// setPusher is POST /pushers/set.
func (a *API) setPusher(ctx context.Context, r *httpx.Request[pusherRequest]) (httpx.None, error) {
	if r.Body.Kind == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "Missing parameters: kind")
	}
	if err := json.Unmarshal(r.Body.Kind, &r.Body.Pusher.Kind); err != nil {
		return httpx.None{}, matrix.Errorf(matrix.BadJSON, "kind must be a string or null.")
	}
	return httpx.None{}, a.push.SetPusher(ctx, r.Principal, r.Body.Pusher, r.Body.Append)
}
