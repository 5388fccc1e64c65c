package account

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

// NewDevice is what a client says about the device that it signs in on.
type NewDevice struct {
	ID        id.DeviceID // empty: one is made up
	Name      string      // for a device that is new
	Renewable bool        // the client can renew access tokens
	Client    string      // id of the OAuth 2.0 client that signs in; empty: another way is taken
}

// Session is what a client gets when it has signed in.
type Session struct {
	User   id.UserID
	Device id.DeviceID
	Tokens
}

// Tokens are what a client shows from now on.
type Tokens struct {
	Access  string
	Refresh string        // renews Access; empty when that is not needed
	Life    time.Duration // of Access; 0: for ever
}

const (
	maxDeviceID   = 255 // bytes
	maxDeviceName = 255 // bytes
	newDeviceID   = 10  // letters
)

// check completes d, and refuses what cannot be stored.
func (d *NewDevice) check() error {
	if d.ID == "" {
		d.ID = id.DeviceID(rand.Text()[:newDeviceID])
	}
	if len(d.ID) > maxDeviceID || !isPlain(string(d.ID)) {
		return matrix.Errorf(matrix.InvalidParam, "The device_id is too long or not plain text.")
	}
	if !isPlain(d.Name) {
		return matrix.Errorf(matrix.InvalidParam, "The name of the device is not plain text.")
	}
	for len(d.Name) > maxDeviceName { // it names itself, so it need not be refused
		_, n := utf8.DecodeLastRuneInString(d.Name)
		d.Name = d.Name[:len(d.Name)-n]
	}
	return nil
}

// isPlain reports whether s is text that can be stored.
func isPlain(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// newTokens makes tokens, and what is stored of them. family is that of the
// session's refresh tokens; nil when the client does not renew tokens.
func (a *Accounts) newTokens(family []byte) (Tokens, accounts.Pair) {
	t := Tokens{Access: newToken(accessToken, nil), Life: a.opt.Life.Plain}
	p := accounts.Pair{Access: accounts.HashOf(t.Access)}
	if family != nil {
		t.Refresh, t.Life = newToken(refreshToken, family), a.opt.Life.Access
		p.Family, p.Refresh = accounts.HashOf(string(family)), accounts.HashOf(t.Refresh)
	}
	if t.Life > 0 {
		p.ExpiresMS = a.opt.Now().Add(t.Life).UnixMilli()
	}
	return t, p
}

// signIn begins a session of user on a device, which is complete already. It
// ends the one that the device had.
//
// Spec: client-server-api#relationship-between-access-tokens-and-devices
func (a *Accounts) signIn(ctx context.Context, tx *storage.Tx, user id.UserID, d NewDevice) (Session, error) {
	var family []byte
	if d.Renewable {
		family = newFamily()
	}
	tokens, pair := a.newTokens(family)
	if err := a.store.SignIn(ctx, tx, user, d.ID, d.Name, pair); err != nil {
		return Session{}, err
	}
	if d.Client != "" {
		if err := a.store.SetClient(ctx, tx, user, d.ID, d.Client); err != nil {
			return Session{}, err
		}
	}
	return Session{user, d.ID, tokens}, nil
}

// signOut ends the sessions of user on devices, with whatever others keep of
// them. signOutAll does so for all devices but one, which may be "".
func (a *Accounts) signOut(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	gone, err := a.store.SignOut(ctx, tx, user, devices)
	if err != nil {
		return err
	}
	return a.devicesGone(ctx, tx, user, gone)
}

func (a *Accounts) signOutAll(ctx context.Context, tx *storage.Tx, user id.UserID, but id.DeviceID) error {
	gone, err := a.store.SignOutAll(ctx, tx, user, but)
	if err != nil {
		return err
	}
	return a.devicesGone(ctx, tx, user, gone)
}

func (a *Accounts) devicesGone(ctx context.Context, tx *storage.Tx, user id.UserID, gone []id.DeviceID) error {
	if len(gone) == 0 {
		return nil
	}
	tx.Wake(rooms.UserTopic(user)) // requests of theirs that wait are to end
	for _, hook := range a.hooks.DevicesGone {
		if err := hook(ctx, tx, user, gone); err != nil {
			return err
		}
	}
	return nil
}

// Logout ends the session that asks.
//
// Spec: client-server-api#post_matrixclientv3logout
func (a *Accounts) Logout(ctx context.Context, p matrix.Principal) (err error) {
	defer matrix.Wrap(&err, "log out")
	if p.Device == "" {
		return nil // an application service, which has no session
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.signOut(ctx, tx, p.User, []id.DeviceID{p.Device})
	})
}

// LogoutAll ends all sessions of who asks.
//
// Spec: client-server-api#post_matrixclientv3logoutall
func (a *Accounts) LogoutAll(ctx context.Context, p matrix.Principal) (err error) {
	defer matrix.Wrap(&err, "log out everywhere")
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.signOutAll(ctx, tx, p.User, "")
	})
}
