package push

import (
	"context"
	"encoding/json"
	"net/http"

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
func (a *API) setPusher(ctx context.Context, r *httpx.Request[pusherRequest]) (*httpx.Answer, error) {
	if r.Body.Kind == nil {
		return nil, matrix.Errorf(matrix.MissingParam, "Missing parameters: kind")
	}
	if err := json.Unmarshal(r.Body.Kind, &r.Body.Pusher.Kind); err != nil {
		return nil, matrix.Errorf(matrix.BadJSON, "kind must be a string or null.")
	}
	if err := a.push.SetPusher(ctx, r.Principal, r.Body.Pusher, r.Body.Append); err != nil {
		return nil, err
	}
	if a.push.IsWaiting(r.Principal.User, r.Body.AppID, r.Body.Key) {
		return &httpx.Answer{Status: http.StatusCreated}, nil // it has to be activated
	}
	return &httpx.Answer{}, nil
}

type ackRequest struct {
	AppID string `json:"app_id"`
	Token string `json:"ack_token"`
}

// ack is POST /pushers/ack.
func (a *API) ack(ctx context.Context, r *httpx.Request[ackRequest]) (httpx.None, error) {
	if r.Body.AppID == "" || r.Body.Token == "" {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "Missing parameters: app_id and ack_token")
	}
	return httpx.None{}, a.push.Activate(ctx, r.Principal, r.Body.AppID, r.Body.Token)
}
