package accounts

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// ErrTaken is returned for a name that an account has or had.
var ErrTaken = errors.New("the name is taken")

// Hash stands for a token or a name that is not stored itself.
type Hash [sha256.Size]byte

// HashOf returns the hash under which secret is stored.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Options are the settings of a Store. A zero field means its default.
type Options struct {
	ServerName string           // of this server; required
	InMemory   int              // accounts kept ready; 20,000
	LastSeen   bool             // note the day on which a device was used last
	Now        func() time.Time // time.Now
}

// Store reads and writes the tables of accounts. It is safe for concurrent use.
type Store struct {
	db  *storage.DB
	opt Options
	hot *hot

	erased atomic.Pointer[map[Hash]struct{}] // never changes: another takes its place
}

// New returns the accounts of db.
func New(ctx context.Context, db *storage.DB, opt Options) (_ *Store, err error) {
	defer matrix.Wrap(&err, "open accounts")
	if opt.InMemory <= 0 {
		opt.InMemory = 20_000
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Store{db: db, opt: opt, hot: newHot(opt.InMemory)}
	erased := map[Hash]struct{}{}
	err = db.Read(ctx, func(tx *storage.Tx) error {
		return storage.Each(ctx, tx, func(h Hash) error {
			erased[h] = struct{}{}
			return nil
		}, `SELECT hash FROM account_erased`)
	})
	s.erased.Store(&erased)
	return s, err
}

// IsLocal reports whether user, if there is one, has an account here.
func (s *Store) IsLocal(user id.UserID) bool {
	host := s.opt.ServerName
	n := len(user) - len(host)
	return n > 1 && user[n-1] == ':' && string(user[n:]) == host && user[0] == '@'
}

// Write runs fn in a write transaction.
func (s *Store) Write(ctx context.Context, fn func(*storage.Tx) error) error {
	return s.db.Write(ctx, fn)
}

// changed drops user from memory when tx is committed.
func (s *Store) changed(tx *storage.Tx, user id.UserID) {
	tx.OnCommit(func() { s.hot.forget(user) })
}
