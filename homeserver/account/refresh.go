package account

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Refresh gives the session of a refresh token its next tokens. The old
// refresh token stays good until one of the new ones is used, in case that the
// answer is lost. Who shows it later is taken for a thief, or has been robbed:
// the session ends for both, and its owner signs in again on the device.
//
// Spec: client-server-api#refreshing-access-tokens
func (a *Accounts) Refresh(ctx context.Context, token string) (t Tokens, err error) {
	defer matrix.Wrap(&err, "refresh")
	s, err := a.refresh(ctx, token, "")
	return s.Tokens, err
}

// refresh gives a session its next tokens. It must have been begun by an OAuth
// 2.0 client, or without one when client is empty: a token that was got in one
// way is not good for the other.
func (a *Accounts) refresh(ctx context.Context, token, client string) (s Session, err error) {
	family, ok := openRefresh(token)
	if !ok {
		return s, errUnknownToken()
	}
	fresh, pair := a.newTokens([]byte(family))
	var outcome error // of a write that is committed nevertheless
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		outcome = nil
		holder, ok, err := a.store.Holder(ctx, tx, pair.Family)
		if err != nil || !ok || holder.Client != client {
			outcome = errUnknownToken()
			return err
		}
		s = Session{holder.User, holder.Device, fresh}
		acc, _, err := a.store.Account(ctx, tx, holder.User)
		if err != nil || acc.Locked {
			outcome = errLocked()
			return err
		}
		ok, err = a.store.Rotate(ctx, tx, holder, accounts.HashOf(token), pair)
		if err != nil || ok {
			return err
		}
		outcome = errExpired()
		if client != "" {
			return a.signOut(ctx, tx, holder.User, []id.DeviceID{holder.Device})
		}
		return a.store.Expire(ctx, tx, holder.User, holder.Device)
	})
	if err == nil {
		err = outcome
	}
	if err != nil {
		return Session{}, err
	}
	return s, nil
}
