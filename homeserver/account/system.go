package account

import (
	"context"
	"encoding/json"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// OpenSystem makes sure that the account exists that speaks for the server,
// and shows it under a name. Nobody can sign in to it: it has no password.
func (a *Accounts) OpenSystem(ctx context.Context, name string) (_ id.UserID, err error) {
	defer matrix.Wrap(&err, "open the account of the server")
	user := a.opt.System
	acc, ok, err := a.store.Read(ctx, user)
	if err != nil {
		return "", err
	}
	devices, err := a.store.KnownDevices(ctx, user)
	if err != nil {
		return "", err
	}
	if ok && (acc.Password != nil || acc.Deactivated || len(devices) > 0) {
		return "", matrix.Errorf(matrix.UserInUse, "%s belongs to somebody. Choose another name in the settings.", user)
	}
	shown, _, err := a.store.MemberProfile(ctx, user)
	if err != nil || ok && shown == name {
		return user, err
	}
	value, err := json.Marshal(name)
	if err != nil {
		return "", err
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		err := a.store.Create(ctx, tx, accounts.Account{User: user, CreatedMS: a.opt.Now().UnixMilli()})
		if err != nil && !errors.Is(err, accounts.ErrTaken) {
			return err
		}
		if err := a.store.SetProfileField(ctx, tx, user, accounts.DisplayName, value); err != nil {
			return err
		}
		return a.store.AddTask(ctx, tx, user, accounts.ShowProfile)
	})
	return user, err
}

// IsPerson reports whether user has, or could have, an account of somebody,
// as opposed to one of the server or of an application service.
func (a *Accounts) IsPerson(user id.UserID) bool {
	return user != a.opt.System && !a.opt.Exclusive(user)
}

// CheckOpen returns M_NOT_FOUND unless user has an account here that is open.
func (a *Accounts) CheckOpen(ctx context.Context, user id.UserID) error {
	_, err := a.local(ctx, user)
	return err
}
