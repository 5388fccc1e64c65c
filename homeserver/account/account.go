package account

import (
	"context"
	"log/slog"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account/uia"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

// Rooms is what accounts ask of rooms. *rooms.Rooms implements it.
type Rooms interface {
	// SetProfile shows the profile of user in their rooms.
	SetProfile(ctx context.Context, user id.UserID) error
	MembershipsOf(ctx context.Context, user id.UserID) ([]rooms.Membership, error)
	Leave(ctx context.Context, p matrix.Principal, c rooms.MemberChange) error
	SentBy(ctx context.Context, user id.UserID, room id.RoomID, after matrix.Position, limit int) ([]*rooms.Event, error)
	Redact(ctx context.Context, p matrix.Principal, q rooms.Redaction) (id.EventID, error)
	ShareRoom(ctx context.Context, a, b id.UserID) (bool, error)
	// InOpenRoom reports whether user is in a room that everybody may join or read.
	InOpenRoom(ctx context.Context, user id.UserID) (bool, error)
	// Knows reports whether another server has to do with user.
	Knows(ctx context.Context, server string, user id.UserID) (bool, error)
}

// Hooks are what other packages do when devices or accounts go.
type Hooks struct {
	// DevicesGone functions run in the transaction that signs devices out, so
	// that nothing of them stays behind: pushers, keys, messages to them.
	DevicesGone []func(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error
	// DevicesNamed functions run in the transaction that gives devices names.
	DevicesNamed []func(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error
	// Gone functions run after an account was closed. With erase they also
	// remove what the account has stored. They run again after a failure or a
	// crash, so what is gone already is no error.
	Gone []func(ctx context.Context, user id.UserID, erase bool) error
}

// Accounts are the accounts of this server. It is safe for concurrent use.
type Accounts struct {
	store   *accounts.Store
	rooms   Rooms
	hooks   Hooks
	opt     Options
	log     *slog.Logger
	hasher  *hasher
	guesses *guesses
	nonces  *nonces
	uia     *uia.Engine
	resets  *resets
}

// New returns the accounts in store. The caller runs Run.
func New(store *accounts.Store, rooms Rooms, hooks Hooks, opt Options, log *slog.Logger) *Accounts {
	opt = opt.withDefaults()
	a := &Accounts{
		store: store, rooms: rooms, hooks: hooks, opt: opt, log: log,
		hasher:  newHasher(opt.Passwords),
		guesses: newGuesses(opt.WrongPasswords, opt.Now),
		nonces:  newNonces(opt.Now),
		resets:  newResets(opt.Now),
	}
	a.uia = uia.New(uia.Options{Now: opt.Now, Stages: map[string]uia.Stage{
		uia.Password:          a.passwordStage,
		uia.Dummy:             dummyStage,
		uia.RegistrationToken: a.registrationTokenStage,
		uia.Terms:             dummyStage, // to submit it is to accept
		uia.OAuth:             a.resetStage,
		uia.CrossSigningReset: a.resetStage,
	}})
	return a
}

// UIA is the engine that knows the sessions of user-interactive
// authentication, for the pages that stand in for a client.
func (a *Accounts) UIA() *uia.Engine { return a.uia }

// ServerName returns the name of this server.
func (a *Accounts) ServerName() string { return a.opt.ServerName }

// Terms returns what people accept before they get an account.
func (a *Accounts) Terms() []Policy { return a.opt.Terms }
