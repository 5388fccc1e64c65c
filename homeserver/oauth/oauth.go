// Package oauth lets programs sign people in by OAuth 2.0: the person meets
// pages of this server in a browser, and the program gets the tokens of an
// ordinary device. Password and account stay between person and server.
//
// What travels (the words of requests, errors and addresses, PKCE, which
// redirect addresses a registered program may use) is left to zitadel/oidc;
// how it is decided and kept is here. Nothing is stored for a request before
// somebody has agreed to it: until then all of it is in the address of the
// page, and is checked anew each time.
//
// Spec: client-server-api#oauth-20-api
package oauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/storage"
	"plenum/storage/accounts"
	store "plenum/storage/oauth"
)

// Accounts is what is asked of accounts. *account.Accounts implements it.
type Accounts interface {
	Prove(ctx context.Context, name, password string) (accounts.Account, error)
	Open(ctx context.Context, user id.UserID) (accounts.Account, bool, error)
	Admit(ctx context.Context, tx *storage.Tx, user id.UserID, d account.NewDevice) (account.Session, error)
	EndIn(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) error
	RefreshFor(ctx context.Context, client, token string) (account.Session, error)
}

// Options are the settings of a Server. A zero field means its default.
type Options struct {
	Clients     int              // programs that may be registered at a time; 10,000
	Waiting     int              // programs without a browser that may wait at a time; 10,000
	Unused      time.Duration    // after which a program is forgotten that nobody is signed in with; 7 days
	CodeLife    time.Duration    // until which a program has to fetch its tokens; 5 minutes
	WaitingLife time.Duration    // of a code that people type; 20 minutes
	Interval    time.Duration    // at which a program without a browser may ask; 5 seconds
	BrowserLife time.Duration    // after which people sign in to the pages again; 12 hours
	Now         func() time.Time // time.Now
}

func (o Options) withDefaults() Options {
	o.Clients = cmp.Or(o.Clients, 10_000)
	o.Waiting = cmp.Or(o.Waiting, 10_000)
	o.Unused = cmp.Or(o.Unused, 7*24*time.Hour)
	o.CodeLife = cmp.Or(o.CodeLife, 5*time.Minute)
	o.WaitingLife = cmp.Or(o.WaitingLife, 20*time.Minute)
	o.Interval = cmp.Or(o.Interval, 5*time.Second)
	o.BrowserLife = cmp.Or(o.BrowserLife, 12*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Server is the authorization server. It is safe for concurrent use.
type Server struct {
	store    *store.Store
	accounts Accounts
	opt      Options
	log      *slog.Logger
	polls    *polls
}

// New returns the authorization server over db. The caller runs Run.
func New(db *storage.DB, accounts Accounts, opt Options, log *slog.Logger) *Server {
	opt = opt.withDefaults()
	return &Server{
		store: store.New(db, opt.Now), accounts: accounts, opt: opt, log: log,
		polls: newPolls(opt.Interval, opt.Now),
	}
}

// tidyEvery is how often what has expired is removed.
const tidyEvery = time.Hour

// Run removes what has expired, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
				s.log.LogAttrs(ctx, slog.LevelError, "expired OAuth grants not removed", slog.Any("err", err))
			}
		}
	}
}

func (s *Server) tidy(ctx context.Context) error {
	return s.store.Tidy(ctx, s.opt.Now().Add(-s.opt.Unused).UnixMilli())
}

// Gone removes what is stored of an account that was closed.
func (s *Server) Gone(ctx context.Context, user id.UserID, _ bool) error {
	return s.store.Gone(ctx, user)
}

// secretBytes is how long the codes and the secrets of browsers are.
const secretBytes = 32

// newSecret makes what nobody can guess.
func newSecret() string {
	raw := make([]byte, secretBytes)
	rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
