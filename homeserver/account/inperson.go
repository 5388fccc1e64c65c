package account

import (
	"cmp"
	"context"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// What people do with their account in a browser, on the pages of this server.
// There is no client in between, so there are no stages to go through.

// Prove returns the account of whoever knows its password, unless it is locked
// or closed. name is the whole user id or its first part.
func (a *Accounts) Prove(ctx context.Context, name, password string) (acc accounts.Account, err error) {
	defer matrix.Wrap(&err, "prove who it is")
	user, ok := a.findUser(name)
	if !ok {
		user = ""
	}
	acc, ok, err = a.verify(ctx, user, password)
	switch {
	case err != nil:
		return accounts.Account{}, err
	case !ok:
		return accounts.Account{}, matrix.Errorf(matrix.Forbidden, "The name or the password is wrong.")
	case acc.Locked:
		return accounts.Account{}, errLocked()
	case acc.Deactivated:
		return accounts.Account{}, matrix.Errorf(matrix.UserDeactivated, "This account has been closed.")
	}
	return acc, nil
}

// Open returns an account that somebody may use now, and false when it is
// locked, closed, or not there.
func (a *Accounts) Open(ctx context.Context, user id.UserID) (acc accounts.Account, ok bool, err error) {
	acc, ok, err = a.store.Read(ctx, user)
	return acc, ok && !acc.Locked && !acc.Deactivated, err
}

// WhoCanRegister says who may open an account.
func (a *Accounts) WhoCanRegister() Mode { return a.opt.Registration }

// SignUp is what somebody types who wants an account.
type SignUp struct {
	Name, Password string
	Token          string // of registration, where one is needed
	Accepts        bool   // the terms, where there are any
}

// SignUp opens an account for whoever asks, as far as the server lets them.
// M_UNAUTHORIZED is about the registration token, M_MISSING_PARAM about the
// terms.
func (a *Accounts) SignUp(ctx context.Context, n SignUp) (_ id.UserID, err error) {
	defer matrix.Wrap(&err, "sign up")
	if a.opt.Registration == Closed {
		return "", errRegistrationClosed()
	}
	if len(a.opt.Terms) > 0 && !n.Accepts {
		return "", matrix.Errorf(matrix.MissingParam, "An account needs your agreement to the terms.")
	}
	byToken := a.opt.Registration == ByToken
	if byToken { // before a password is hashed: the page is open to anybody
		ok, err := a.IsValidRegistrationToken(ctx, n.Token)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", errBadToken()
		}
	}
	if n.Name == "" {
		return "", matrix.Errorf(matrix.InvalidUsername, "The name is empty.")
	}
	if _, err := a.available(ctx, n.Name); err != nil {
		return "", err
	}
	s, err := a.open(ctx, newAccount{Name: n.Name, Password: n.Password}, func(tx *storage.Tx, user id.UserID) (Session, error) {
		if byToken {
			if ok, err := a.store.UseRegistrationToken(ctx, tx, n.Token); err != nil || !ok {
				return Session{}, cmp.Or(err, errTokenUsedUp)
			}
		}
		return Session{User: user}, a.acceptTerms(ctx, tx, user)
	})
	if errors.Is(err, errTokenUsedUp) {
		err = errBadToken()
	}
	return s.User, err
}

func errBadToken() error {
	return matrix.Errorf(matrix.Unauthorized, "This registration token is not valid, or not any more.")
}

// DevicesOf returns the devices of user.
func (a *Accounts) DevicesOf(ctx context.Context, user id.UserID) ([]accounts.Device, error) {
	return a.store.Devices(ctx, user)
}

// SignOutOf ends the sessions of user on devices.
func (a *Accounts) SignOutOf(ctx context.Context, user id.UserID, devices ...id.DeviceID) (err error) {
	defer matrix.Wrap(&err, "sign out of devices")
	return a.store.Write(ctx, func(tx *storage.Tx) error { return a.signOut(ctx, tx, user, devices) })
}

// SignOutEverywhere ends all sessions of user.
func (a *Accounts) SignOutEverywhere(ctx context.Context, user id.UserID) (err error) {
	defer matrix.Wrap(&err, "sign out everywhere")
	return a.store.Write(ctx, func(tx *storage.Tx) error { return a.signOutAll(ctx, tx, user, "") })
}

// NewPassword changes the password of user, who gives the old one.
func (a *Accounts) NewPassword(ctx context.Context, user id.UserID, old string, c PasswordChange) (err error) {
	defer matrix.Wrap(&err, "change password")
	if err := a.checkPassword(c.New); err != nil {
		return err
	}
	if _, err := a.Prove(ctx, string(user), old); err != nil {
		return err
	}
	return a.setPassword(ctx, user, "", c)
}

// CloseOwn closes the account of user, who gives the password.
func (a *Accounts) CloseOwn(ctx context.Context, user id.UserID, password string, how Closing) (err error) {
	defer matrix.Wrap(&err, "close own account")
	if _, err := a.Prove(ctx, string(user), password); err != nil {
		return err
	}
	return a.close(ctx, user, how)
}

// LoginTokenFor makes a token with which a client signs in once as user. The
// caller has made sure that it is user who wants that.
func (a *Accounts) LoginTokenFor(ctx context.Context, user id.UserID) (token string, err error) {
	defer matrix.Wrap(&err, "make a login token")
	token = newToken(loginToken, nil)
	return token, a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.store.AddShort(ctx, tx, accounts.ForLogin, accounts.HashOf(token), user, a.opt.Now().Add(a.opt.Life.Login).UnixMilli())
	})
}

// MinPassword is how many characters a password must have.
func (a *Accounts) MinPassword() int { return a.opt.Passwords.MinLength }

// ThisServer names this server among those who know people, for clients that
// sign in on its pages without knowing OAuth 2.0.
const ThisServer = "plenum"

// HasPages reports whether people can sign in on pages of this server.
func (a *Accounts) HasPages() bool { return a.opt.ResetPage != "" }
