package session

import (
	"context"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// This server keeps no e-mail addresses and no phone numbers of people, and
// speaks to no identity servers. Its answers are those that the specification
// has for that.

type contactsResponse struct {
	ThreePIDs []struct{} `json:"threepids"`
}

// contacts is GET /account/3pid.
func (a *API) contacts(context.Context, *httpx.Request[httpx.None]) (contactsResponse, error) {
	return contactsResponse{[]struct{}{}}, nil
}

// noContact answers whatever would add an address or send something to one.
func (a *API) noContact(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) {
	return httpx.None{}, matrix.Errorf(matrix.ThreePIDDenied, "This server keeps no e-mail addresses and phone numbers.")
}

// unbound is POST /account/3pid/delete and /account/3pid/unbind.
func (a *API) unbound(context.Context, *httpx.Request[httpx.None]) (unbindResponse, error) {
	return unbindResponse{"no-support"}, nil
}
