package account

import (
	"context"
	"encoding/json"
	"time"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// LoginByPassword signs somebody in who knows the password of an account. name
// is the whole user id or its first part.
//
// Spec: client-server-api#legacy-login
func (a *Accounts) LoginByPassword(ctx context.Context, name, password string, d NewDevice) (s Session, err error) {
	defer matrix.Wrap(&err, "log in by password")
	if err := d.check(); err != nil {
		return s, err
	}
	user, ok := a.findUser(name)
	if !ok {
		user = ""
	}
	acc, ok, err := a.verify(ctx, user, password)
	if err != nil {
		return s, err
	}
	if !ok {
		return s, matrix.Errorf(matrix.Forbidden, "The name or the password is wrong.")
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		// What was verified may have changed while it was.
		now, ok, err := a.store.Account(ctx, tx, user)
		if err != nil {
			return err
		}
		if !ok || now.PasswordPos != acc.PasswordPos {
			return matrix.Errorf(matrix.Forbidden, "The name or the password is wrong.")
		}
		s, err = a.admit(ctx, tx, now, d)
		return err
	})
	return s, err
}

// admit signs in to an account unless it is locked or closed.
func (a *Accounts) admit(ctx context.Context, tx *storage.Tx, acc accounts.Account, d NewDevice) (Session, error) {
	switch {
	case acc.Locked:
		return Session{}, errLocked()
	case acc.Deactivated:
		return Session{}, matrix.Errorf(matrix.UserDeactivated, "This account has been closed.")
	}
	return a.signIn(ctx, tx, acc.User, d)
}

// NewLoginToken makes a token with which another device can sign in once, for
// who gives the password again.
//
// Spec: client-server-api#post_matrixclientv1loginget_token
func (a *Accounts) NewLoginToken(ctx context.Context, p matrix.Principal, auth json.RawMessage) (token string, life time.Duration, err error) {
	defer matrix.Wrap(&err, "make a login token")
	grant, err := a.Reauthenticate(ctx, p, "make a login token", "", auth)
	if err != nil {
		return "", 0, err
	}
	token, life = newToken(loginToken, nil), a.opt.Life.Login
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.store.AddShort(ctx, tx, accounts.ForLogin, accounts.HashOf(token), p.User, a.opt.Now().Add(life).UnixMilli())
	})
	if err != nil {
		return "", 0, err
	}
	grant.Spend()
	return token, life, nil
}

// LoginByToken signs in with a token of NewLoginToken.
//
// Spec: client-server-api#token-based-login
func (a *Accounts) LoginByToken(ctx context.Context, token string, d NewDevice) (s Session, err error) {
	defer matrix.Wrap(&err, "log in by token")
	if err := d.check(); err != nil {
		return s, err
	}
	if _, ok := openToken(loginToken, token); !ok {
		return s, errLoginToken()
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		user, ok, err := a.store.TakeShort(ctx, tx, accounts.ForLogin, accounts.HashOf(token))
		if err != nil {
			return err
		}
		acc, known, err := a.store.Account(ctx, tx, user)
		if err != nil {
			return err
		}
		if !ok || !known {
			return errLoginToken()
		}
		s, err = a.admit(ctx, tx, acc, d)
		return err
	})
	return s, err
}

func errLoginToken() error {
	return matrix.Errorf(matrix.Forbidden, "The login token is unknown, used or has expired.")
}
