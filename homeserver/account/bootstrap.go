package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// bootstrapKey is where the one-time token for the first account is kept. It
// protects nothing but an empty server, so it is kept as it is: the link that
// was printed first stays good over a restart.
const bootstrapKey = "accounts.bootstrap"

// Bootstrap returns the token with which the first account can be opened, and
// "" when there are, or ever were, accounts. It is the same each time.
func (a *Accounts) Bootstrap(ctx context.Context) (token string, err error) {
	defer matrix.Wrap(&err, "bootstrap token")
	fresh := rand.Text()
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		token = ""
		any, err := a.store.Any(ctx, tx)
		if err != nil || any {
			return err
		}
		var ok bool
		if token, ok, err = storage.Meta(ctx, tx, bootstrapKey); err != nil || ok && token != "" {
			return err
		}
		token = fresh
		return storage.SetMeta(ctx, tx, bootstrapKey, token)
	})
	return token, err
}

// First opens the first account, for whoever has the token of Bootstrap.
type First struct{ accounts *Accounts }

// First returns what the page of the first account needs.
func (a *Accounts) First() First { return First{a} }

// Invited reports whether the first account can be opened with token.
func (f First) Invited(ctx context.Context, token string) (bool, error) {
	want, err := f.accounts.Bootstrap(ctx)
	return err == nil && want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1, err
}

// Create opens the first account, that of an administrator. The error is
// M_NOT_FOUND when token is not valid, or not any more.
func (f First) Create(ctx context.Context, token, name, password string) (_ id.UserID, err error) {
	defer matrix.Wrap(&err, "create first account")
	// Looked at before a password is hashed: the page is open to anybody.
	if ok, err := f.Invited(ctx, token); err != nil || !ok {
		return "", cmp.Or(err, errBootstrap())
	}
	n := newAccount{Name: name, Password: password, Admin: true, First: true}
	s, err := f.accounts.open(ctx, n, func(tx *storage.Tx, user id.UserID) (Session, error) {
		return Session{User: user}, storage.SetMeta(ctx, tx, bootstrapKey, "")
	})
	return s.User, err
}

func errBootstrap() error {
	return matrix.Errorf(matrix.NotFound, "This link is not valid, or not any more.")
}
