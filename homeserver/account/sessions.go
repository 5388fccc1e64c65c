package account

import (
	"context"
	"slices"

	"plenum/internal/matrix"
	"plenum/storage/accounts"
)

// Sessions looks after the sessions of requests that wait for a long time,
// which were let in when they came.
type Sessions struct{ Store *accounts.Store }

// Check returns the error with which a request of p would be refused by now,
// because its device was signed out or the account locked. It is told from
// memory.
func (s Sessions) Check(ctx context.Context, p matrix.Principal) error {
	if p.Device == "" || p.Appservice != "" {
		return nil // who has no session cannot lose it
	}
	acc, ok, err := s.Store.Known(ctx, p.User)
	switch {
	case err != nil:
		return err
	case !ok:
		return errUnknownToken()
	case acc.Locked:
		return errLocked()
	}
	all, err := s.Store.KnownDevices(ctx, p.User)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(d accounts.Device) bool { return d.ID == p.Device }) {
		return errUnknownToken()
	}
	return nil
}
