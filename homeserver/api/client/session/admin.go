package session

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// lockState is whether an account is locked.
type lockState struct {
	Locked *bool `json:"locked"`
}

// isLocked is GET /admin/lock/{userId}.
func (a *API) isLocked(ctx context.Context, r *httpx.Request[httpx.None]) (lockState, error) {
	on, err := a.accounts.IsLocked(ctx, r.Principal, id.UserID(r.Path("userId")))
	return lockState{&on}, err
}

// setLocked is PUT /admin/lock/{userId}.
func (a *API) setLocked(ctx context.Context, r *httpx.Request[lockState]) (lockState, error) {
	if r.Body.Locked == nil {
		return lockState{}, matrix.Errorf(matrix.MissingParam, "The member locked is missing.")
	}
	return r.Body, a.accounts.SetLocked(ctx, r.Principal, id.UserID(r.Path("userId")), *r.Body.Locked)
}

// suspendState is whether an account is suspended.
type suspendState struct {
	Suspended *bool `json:"suspended"`
}

// isSuspended is GET /admin/suspend/{userId}.
func (a *API) isSuspended(ctx context.Context, r *httpx.Request[httpx.None]) (suspendState, error) {
	on, err := a.accounts.IsSuspended(ctx, r.Principal, id.UserID(r.Path("userId")))
	return suspendState{&on}, err
}

// setSuspended is PUT /admin/suspend/{userId}.
func (a *API) setSuspended(ctx context.Context, r *httpx.Request[suspendState]) (suspendState, error) {
	if r.Body.Suspended == nil {
		return suspendState{}, matrix.Errorf(matrix.MissingParam, "The member suspended is missing.")
	}
	return r.Body, a.accounts.SetSuspended(ctx, r.Principal, id.UserID(r.Path("userId")), *r.Body.Suspended)
}

// whoisResponse says which devices somebody has. From where they are used is
// not known, so there are no connections.
type whoisResponse struct {
	UserID  id.UserID                   `json:"user_id"`
	Devices map[id.DeviceID]whoisDevice `json:"devices"`
}

type whoisDevice struct {
	Sessions []whoisSession `json:"sessions"`
}

type whoisSession struct {
	Connections []struct{} `json:"connections"`
}

// whois is GET /admin/whois/{userId}.
func (a *API) whois(ctx context.Context, r *httpx.Request[httpx.None]) (whoisResponse, error) {
	resp := whoisResponse{UserID: id.UserID(r.Path("userId")), Devices: map[id.DeviceID]whoisDevice{}}
	all, err := a.accounts.Whois(ctx, r.Principal, resp.UserID)
	for _, d := range all {
		resp.Devices[d.ID] = whoisDevice{[]whoisSession{{Connections: []struct{}{}}}}
	}
	return resp, err
}
