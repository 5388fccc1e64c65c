package accounts

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Account is one account of this server.
type Account struct {
	User        id.UserID
	Password    *string         // hash; nil: nobody gets in by a password, and always in memory
	PasswordPos matrix.Position // at which it was changed last; 0: never
	Admin       bool
	Locked      bool // may do nothing but log out
	Suspended   bool // may read and leave, not write
	Deactivated bool // is closed for ever
	CreatedMS   int64
}

const (
	accountColumns = `SELECT user_id, password, password_pos, admin, locked, suspended, deactivated, created FROM account `
	accountOf      = accountColumns + `WHERE user_id = $1`
	accountsAfter  = accountColumns + `WHERE user_id > $1 ORDER BY user_id LIMIT $2`
	addAccount     = `INSERT INTO account (user_id, password, admin, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO NOTHING RETURNING created`
)

// Account returns an account as it is in tx, and false when there is none.
func (s *Store) Account(ctx context.Context, tx *storage.Tx, user id.UserID) (Account, bool, error) {
	return storage.One[Account](ctx, tx, accountOf, user)
}

// Read returns an account as it is in the database, and false when there is
// none. Known is faster.
func (s *Store) Read(ctx context.Context, user id.UserID) (acc Account, ok bool, err error) {
	defer matrix.Wrap(&err, "account %s", user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		acc, ok, err = s.Account(ctx, tx, user)
		return err
	})
	return acc, ok, err
}

// List returns up to limit accounts after a name, by name.
func (s *Store) List(ctx context.Context, after id.UserID, limit int) (all []Account, err error) {
	defer matrix.Wrap(&err, "list accounts")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err = storage.Select[Account](ctx, tx, accountsAfter, after, limit)
		return err
	})
	return all, err
}

// Any reports whether there is, or ever was, an account.
func (s *Store) Any(ctx context.Context, tx *storage.Tx) (bool, error) {
	_, ok, err := storage.One[int64](ctx, tx, `SELECT 1 FROM account LIMIT 1`)
	if ok || err != nil {
		return ok, err
	}
	_, ok, err = storage.One[int64](ctx, tx, `SELECT 1 FROM account_erased LIMIT 1`)
	return ok, err
}

// Create opens an account. The error is ErrTaken when the name is not free.
func (s *Store) Create(ctx context.Context, tx *storage.Tx, acc Account) error {
	_, erased, err := storage.One[int64](ctx, tx, `SELECT 1 FROM account_erased WHERE hash = $1`, HashOf(string(acc.User)))
	if err != nil {
		return err
	}
	if erased {
		return ErrTaken
	}
	s.changed(tx, acc.User)
	_, ok, err := storage.One[int64](ctx, tx, addAccount, acc.User, acc.Password, acc.Admin, acc.CreatedMS)
	if err == nil && !ok {
		err = ErrTaken
	}
	return err
}

// SetPassword stores the hash of a new password; nil for none. A closed account
// gets none.
func (s *Store) SetPassword(ctx context.Context, tx *storage.Tx, user id.UserID, hash *string) error {
	return tx.Exec(ctx, `UPDATE account SET password = $1, password_pos = $2 WHERE user_id = $3 AND deactivated = 0`, hash, tx.Position(), user)
}

// ReplacePassword stores another hash of the same password, unless the
// password has changed meanwhile.
func (s *Store) ReplacePassword(ctx context.Context, tx *storage.Tx, user id.UserID, old, hash string) error {
	return tx.Exec(ctx, `UPDATE account SET password = $1 WHERE user_id = $2 AND password = $3`, hash, user, old)
}

// SetAdmin gives or takes the rights of an administrator.
func (s *Store) SetAdmin(ctx context.Context, tx *storage.Tx, user id.UserID, on bool) error {
	s.changed(tx, user)
	return tx.Exec(ctx, `UPDATE account SET admin = $1 WHERE user_id = $2`, on, user)
}

// SetLocked locks an account or opens it again.
func (s *Store) SetLocked(ctx context.Context, tx *storage.Tx, user id.UserID, on bool) error {
	s.changed(tx, user)
	return tx.Exec(ctx, `UPDATE account SET locked = $1 WHERE user_id = $2`, on, user)
}

// SetSuspended suspends an account or lifts that.
func (s *Store) SetSuspended(ctx context.Context, tx *storage.Tx, user id.UserID, on bool) error {
	s.changed(tx, user)
	return tx.Exec(ctx, `UPDATE account SET suspended = $1 WHERE user_id = $2`, on, user)
}

// AcceptTerms notes the version of a policy under which an account was opened.
func (s *Store) AcceptTerms(ctx context.Context, tx *storage.Tx, user id.UserID, policy, version string) error {
	return tx.Exec(ctx, `INSERT INTO account_terms (user_id, policy, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, user, policy, version)
}
