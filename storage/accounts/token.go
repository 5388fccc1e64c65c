package accounts

import (
	"context"
	"sync/atomic"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Token is an access token with whom it speaks for. It is shared: callers do
// not change it.
type Token struct {
	Device    id.DeviceID
	ExpiresMS int64 // 0: never

	hash       Hash
	owner      *entry
	generation int64
	unproven   atomic.Bool  // the client has not shown yet that it got it
	seen       atomic.Int64 // day since 1970 on which the device was used last
}

// Account returns the account that the token speaks for.
func (t *Token) Account() *Account { return &t.owner.Account }

// tokenRow is an access token with its device.
type tokenRow struct {
	Hash       Hash
	Device     id.DeviceID
	Generation int64
	ExpiresMS  *int64
	Proven     int64  // generation that the client has shown to have
	LastSeen   *int64 // ms
}

const (
	tokensOf = `SELECT t.hash, t.device_id, t.generation, t.expires, d.generation, d.last_seen
		FROM access_token t JOIN device d ON d.user_id = t.user_id AND d.device_id = t.device_id
		WHERE t.user_id = $1`
	tokenOwner = `SELECT user_id FROM access_token WHERE hash = $1`
)

func newToken(owner *entry, row tokenRow) *Token {
	t := &Token{Device: row.Device, hash: row.Hash, owner: owner, generation: row.Generation}
	if row.ExpiresMS != nil {
		t.ExpiresMS = *row.ExpiresMS
	}
	if row.LastSeen != nil {
		t.seen.Store(*row.LastSeen / day)
	}
	t.unproven.Store(row.Generation > row.Proven)
	return t
}

// Cached returns the access token with a hash if it is in memory, else nil.
func (s *Store) Cached(h Hash) *Token { return s.hot.token(h) }

// Token returns the access token with a hash, nil when there is none.
func (s *Store) Token(ctx context.Context, h Hash) (t *Token, err error) {
	if t := s.hot.token(h); t != nil {
		return t, nil
	}
	defer matrix.Wrap(&err, "access token")
	var e *entry
	moment := s.hot.moment()
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		user, ok, err := storage.One[id.UserID](ctx, tx, tokenOwner, h)
		if err != nil || !ok {
			return err
		}
		e, err = s.read(ctx, tx, user)
		return err
	})
	if err != nil || e == nil {
		return nil, err
	}
	s.hot.put(e, moment)
	for _, t := range e.tokens {
		if t.hash == h {
			return t, nil
		}
	}
	return nil, nil
}

// day is the precision of the time at which a device was last seen.
const day = int64(24 * time.Hour / time.Millisecond)

// Used notes that a client has used a token. It does not wait for the
// database: should the note be lost in a crash, the next use makes it again.
func (s *Store) Used(t *Token, now time.Time) {
	t.owner.touch(now.Unix())
	if t.unproven.Load() && t.unproven.CompareAndSwap(true, false) {
		s.db.Submit(func(tx *storage.Tx) error {
			ctx := context.Background()
			_, ok, err := storage.One[id.UserID](ctx, tx, tokenOwner, t.hash)
			if err != nil || !ok { // the session has ended since
				return err
			}
			return s.prove(ctx, tx, t.owner.User, t.Device, t.generation)
		})
	}
	if !s.opt.LastSeen {
		return
	}
	today := now.UnixMilli() / day
	if was := t.seen.Load(); was < today && t.seen.CompareAndSwap(was, today) {
		s.db.Submit(func(tx *storage.Tx) error {
			return tx.Exec(context.Background(), `UPDATE device SET last_seen = $1 WHERE user_id = $2 AND device_id = $3`, today*day, t.owner.User, t.Device)
		})
	}
}
