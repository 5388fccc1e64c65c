package server

import (
	"context"

	"plenum/homeserver/inbound"
	"plenum/internal/httpx"
)

type sendResponse struct {
	PDUs inbound.Results `json:"pdus"`
}

// send is PUT /send/{txnId}.
func (a *API) send(ctx context.Context, r *httpx.Request[inbound.Transaction]) (sendResponse, error) {
	results, err := a.inbound.Transaction(ctx, r.Origin, r.Path("txnId"), r.Body)
	return sendResponse{results}, err
}
