// Package todevice is the client-server API of messages from device to device.
package todevice

import (
	"context"

	"plenum/e2ee/todevice"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// bodyLimit lets a client hand a room's key to a few thousand devices at once.
const bodyLimit = 8 << 20

// API takes in messages.
type API struct {
	sender *todevice.Sender
}

// New returns the API over s.
func New(s *todevice.Sender) *API { return &API{sender: s} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	return []httpx.Route{
		httpx.Put("/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", httpx.User,
			"client-server-api#put_matrixclientv3sendtodeviceeventtypetxnid", httpx.RateMessage, a.send).Limit(bodyLimit),
	}
}

type sendRequest struct {
	Messages todevice.Messages `json:"messages"`
}

// send is PUT /sendToDevice/{eventType}/{txnId}.
func (a *API) send(ctx context.Context, r *httpx.Request[sendRequest]) (httpx.None, error) {
	if r.Body.Messages == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "messages is missing.")
	}
	return httpx.None{}, a.sender.Send(ctx, r.Principal, r.Path("eventType"), r.Path("txnId"), r.Body.Messages)
}
