package account

import (
	"context"
	"encoding/json"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
	"plenum/storage"
)

// PasswordChange asks for another password.
type PasswordChange struct {
	New         string
	KeepDevices bool            // do not sign out the other devices
	Auth        json.RawMessage // of user-interactive authentication
}

// ChangePassword changes the password of who asks, or of whoever gives the old
// one. The session that asks stays.
//
// Spec: client-server-api#post_matrixclientv3accountpassword
func (a *Accounts) ChangePassword(ctx context.Context, p matrix.Principal, c PasswordChange) (err error) {
	defer matrix.Wrap(&err, "change password")
	if err := a.checkPassword(c.New); err != nil {
		return err
	}
	grant, err := a.Reauthenticate(ctx, p, "change password", strconv.FormatBool(c.KeepDevices), c.Auth)
	if err != nil {
		return err
	}
	err = a.setPassword(ctx, id.UserID(grant.Proof(uia.Password)), p.Device, c)
	if err == nil {
		grant.Spend()
	}
	return err
}

// ResetPassword gives an account a new password, for an administrator, and
// signs out all its devices unless it is said otherwise.
func (a *Accounts) ResetPassword(ctx context.Context, user id.UserID, c PasswordChange) (err error) {
	defer matrix.Wrap(&err, "reset password")
	if err := a.checkPassword(c.New); err != nil {
		return err
	}
	if _, err := a.local(ctx, user); err != nil {
		return err
	}
	return a.setPassword(ctx, user, "", c)
}

// setPassword sets a password that was checked, and signs out all devices but
// one unless it is said otherwise.
func (a *Accounts) setPassword(ctx context.Context, user id.UserID, device id.DeviceID, c PasswordChange) error {
	hash, err := a.hasher.hash(ctx, c.New)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		if err := a.store.SetPassword(ctx, tx, user, &hash); err != nil {
			return err
		}
		if c.KeepDevices {
			return nil
		}
		return a.signOutAll(ctx, tx, user, device)
	})
}
