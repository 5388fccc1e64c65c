package account

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

// local returns an account of this server that is not closed.
func (a *Accounts) local(ctx context.Context, user id.UserID) (accounts.Account, error) {
	if !a.store.IsLocal(user) {
		return accounts.Account{}, matrix.Errorf(matrix.InvalidParam, "This user is not of this server.")
	}
	acc, ok, err := a.store.Known(ctx, user)
	if err == nil && (!ok || acc.Deactivated) {
		err = errNoAccount()
	}
	return acc, err
}

func errNoAccount() error {
	return matrix.Errorf(matrix.NotFound, "There is no such account.")
}

// subject returns the account that an administrator asks about.
//
// Spec: client-server-api#get_matrixclientv1adminlockuserid
func (a *Accounts) subject(ctx context.Context, p matrix.Principal, user id.UserID) (accounts.Account, error) {
	if !p.Admin {
		return accounts.Account{}, matrix.Errorf(matrix.Forbidden, "Only administrators can do this.")
	}
	acc, err := a.local(ctx, user)
	if err == nil && acc.Admin {
		err = matrix.Errorf(matrix.Forbidden, "This is an administrator.")
	}
	return acc, err
}

// IsLocked reports whether an account is locked, to administrators.
func (a *Accounts) IsLocked(ctx context.Context, p matrix.Principal, user id.UserID) (bool, error) {
	acc, err := a.subject(ctx, p, user)
	return acc.Locked, err
}

// SetLocked locks an account or opens it again. A locked account keeps its
// sessions, and can do nothing with them but end them.
//
// Spec: client-server-api#put_matrixclientv1adminlockuserid
func (a *Accounts) SetLocked(ctx context.Context, p matrix.Principal, user id.UserID, on bool) error {
	if _, err := a.subject(ctx, p, user); err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		tx.Wake(rooms.UserTopic(user)) // requests of theirs that wait are to end
		return a.store.SetLocked(ctx, tx, user, on)
	})
}

// IsSuspended reports whether an account is suspended, to administrators.
func (a *Accounts) IsSuspended(ctx context.Context, p matrix.Principal, user id.UserID) (bool, error) {
	acc, err := a.subject(ctx, p, user)
	return acc.Suspended, err
}

// SetSuspended suspends an account or lifts that. A suspended account can read
// and leave, and not write.
//
// Spec: client-server-api#put_matrixclientv1adminsuspenduserid
func (a *Accounts) SetSuspended(ctx context.Context, p matrix.Principal, user id.UserID, on bool) error {
	if _, err := a.subject(ctx, p, user); err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error { return a.store.SetSuspended(ctx, tx, user, on) })
}

// SetAdmin gives an account the rights of an administrator or takes them.
func (a *Accounts) SetAdmin(ctx context.Context, user id.UserID, on bool) error {
	if _, err := a.local(ctx, user); err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error { return a.store.SetAdmin(ctx, tx, user, on) })
}

// List returns up to limit accounts after a name, by name, closed ones too.
func (a *Accounts) List(ctx context.Context, after id.UserID, limit int) ([]accounts.Account, error) {
	return a.store.List(ctx, after, limit)
}

// Whois returns the devices of an account, to administrators and to itself.
//
// Spec: client-server-api#get_matrixclientv3adminwhoisuserid
func (a *Accounts) Whois(ctx context.Context, p matrix.Principal, user id.UserID) ([]accounts.Device, error) {
	if !p.Admin && p.User != user {
		return nil, matrix.Errorf(matrix.Forbidden, "Only administrators can look up others.")
	}
	if _, err := a.local(ctx, user); err != nil {
		return nil, err
	}
	return a.store.Devices(ctx, user)
}

// Account returns an account of this server that is open. The error is
// M_NOT_FOUND when there is none.
func (a *Accounts) Account(ctx context.Context, user id.UserID) (accounts.Account, error) {
	return a.local(ctx, user)
}
