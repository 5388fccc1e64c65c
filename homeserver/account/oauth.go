package account

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Check completes d, and refuses what cannot be stored.
func (d *NewDevice) Check() error { return d.check() }

// Admit begins a session of user on a device that was checked, in tx. It is
// for other ways to sign in; who uses it has made sure that it is user.
func (a *Accounts) Admit(ctx context.Context, tx *storage.Tx, user id.UserID, d NewDevice) (Session, error) {
	acc, ok, err := a.store.Account(ctx, tx, user)
	if err != nil {
		return Session{}, err
	}
	if !ok {
		return Session{}, matrix.Errorf(matrix.NotFound, "There is no such account.")
	}
	return a.admit(ctx, tx, acc, d)
}

// EndIn ends the session of user on a device, in tx.
func (a *Accounts) EndIn(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) error {
	return a.signOut(ctx, tx, user, []id.DeviceID{device})
}

// byOAuth reports whether the session of p was begun by OAuth 2.0. It is told
// from memory.
func (a *Accounts) byOAuth(ctx context.Context, p matrix.Principal) (bool, error) {
	if p.User == "" || p.Device == "" {
		return false, nil
	}
	all, err := a.store.KnownDevices(ctx, p.User)
	if err != nil {
		return false, err
	}
	for _, d := range all {
		if d.ID == p.Device {
			return d.Client != "", nil
		}
	}
	return false, nil
}

// RefreshFor is Refresh for an OAuth 2.0 client: the session must be one that
// it has begun. When an old token is shown again, the session is over, with
// its device: the client cannot sign in on it once more. The error is
// M_UNKNOWN_TOKEN or M_USER_LOCKED when there are no tokens.
//
// Spec: client-server-api#refresh-token-grant
func (a *Accounts) RefreshFor(ctx context.Context, client, token string) (s Session, err error) {
	defer matrix.Wrap(&err, "refresh for a client")
	return a.refresh(ctx, token, client)
}

// Revoke ends the session of an access token or a refresh token, with its
// device. A token that is not known is no error.
//
// Spec: client-server-api#token-revocation
func (a *Accounts) Revoke(ctx context.Context, token string) (err error) {
	defer matrix.Wrap(&err, "revoke")
	if family, ok := openRefresh(token); ok {
		return a.store.Write(ctx, func(tx *storage.Tx) error {
			h, ok, err := a.store.Holder(ctx, tx, accounts.HashOf(family))
			if err != nil || !ok {
				return err
			}
			return a.signOut(ctx, tx, h.User, []id.DeviceID{h.Device})
		})
	}
	if _, ok := openToken(accessToken, token); !ok {
		return nil
	}
	t, err := a.store.Token(ctx, accounts.HashOf(token))
	if err != nil || t == nil {
		return err
	}
	user, device := t.Account().User, t.Device
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.signOut(ctx, tx, user, []id.DeviceID{device})
	})
}
