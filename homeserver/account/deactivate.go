package account

import (
	"context"
	"encoding/json"
	"fmt"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Closing says how an account is closed.
type Closing struct {
	Erase  bool // what it has stored, and its name
	Redact bool // what it has sent, in the rooms that it is in
}

// Deactivate closes the account of who asks, or of whoever gives its password.
//
// Spec: client-server-api#post_matrixclientv3accountdeactivate
func (a *Accounts) Deactivate(ctx context.Context, p matrix.Principal, how Closing, auth json.RawMessage) (err error) {
	defer matrix.Wrap(&err, "deactivate account")
	grant, err := a.Reauthenticate(ctx, p, "deactivate account", fmt.Sprint(how), auth)
	if err != nil {
		return err
	}
	err = a.close(ctx, id.UserID(grant.Proof(uia.Password)), how)
	if err == nil {
		grant.Spend()
	}
	return err
}

// Close closes an account for an administrator. One that is closed already can
// still be erased.
func (a *Accounts) Close(ctx context.Context, user id.UserID, how Closing) (err error) {
	defer matrix.Wrap(&err, "close account")
	acc, err := a.local(ctx, user)
	if err != nil && !(acc.Deactivated && how.Erase) {
		return err
	}
	return a.close(ctx, user, how)
}

// close ends all sessions at once. That the account leaves its rooms and that
// others remove what it has stored is left to Run.
func (a *Accounts) close(ctx context.Context, user id.UserID, how Closing) error {
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		if err := a.signOutAll(ctx, tx, user, ""); err != nil {
			return err
		}
		if d, ok, err := a.store.Dehydrated(ctx, tx, user); err != nil {
			return err
		} else if ok {
			if err := a.signOut(ctx, tx, user, []id.DeviceID{d.ID}); err != nil {
				return err
			}
		}
		if err := a.store.Close(ctx, tx, user); err != nil {
			return err
		}
		if how.Redact {
			if err := a.store.AddTask(ctx, tx, user, accounts.Redact); err != nil {
				return err
			}
		}
		if !how.Erase {
			return a.store.AddTask(ctx, tx, user, accounts.Depart)
		}
		if err := a.store.ClearProfile(ctx, tx, user); err != nil {
			return err
		}
		return a.store.AddTask(ctx, tx, user, accounts.Forget)
	})
}
