// Package oauth is all SQL about signing in by OAuth 2.0: the programs that
// have registered, what people have allowed them, and the browsers in which
// people are signed in to the pages of this server.
//
// The sessions that come of it are ordinary devices: see storage/accounts.
// Secrets are stored as hashes only.
package oauth

import (
	"context"
	"crypto/sha256"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Hash stands for a secret that is not stored itself.
type Hash [sha256.Size]byte

// HashOf returns the hash under which secret is stored.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Store reads and writes the tables. It is safe for concurrent use.
type Store struct {
	db  *storage.DB
	now func() time.Time
}

// New returns the tables of db. now may be nil.
func New(db *storage.DB, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db, now}
}

// Write runs fn in a write transaction.
func (s *Store) Write(ctx context.Context, fn func(*storage.Tx) error) error {
	return s.db.Write(ctx, fn)
}

func (s *Store) nowMS() int64 { return s.now().UnixMilli() }

// Gone removes what is stored of an account that was closed.
func (s *Store) Gone(ctx context.Context, user id.UserID) (err error) {
	defer matrix.Wrap(&err, "forget OAuth grants of %s", user)
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, sql := range []string{
			`DELETE FROM oauth_code WHERE user_id = $1`,
			`DELETE FROM oauth_device_code WHERE user_id = $1`,
			`DELETE FROM browser WHERE user_id = $1`,
		} {
			if err := tx.Exec(ctx, sql, user); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tidy removes what has expired, and programs that have not registered since
// unusedMS and that nobody is signed in with.
func (s *Store) Tidy(ctx context.Context, unusedMS int64) (err error) {
	defer matrix.Wrap(&err, "tidy OAuth grants")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, sql := range []string{
			`DELETE FROM oauth_code WHERE expires <= $1`,
			`DELETE FROM oauth_device_code WHERE expires <= $1`,
			`DELETE FROM browser WHERE expires <= $1`,
		} {
			if err := tx.Exec(ctx, sql, s.nowMS()); err != nil {
				return err
			}
		}
		return tx.Exec(ctx, dropUnused, unusedMS)
	})
}
