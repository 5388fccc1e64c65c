package accounts

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Purpose is what a short-lived token is for.
type Purpose int

// The purposes.
const (
	ForLogin  Purpose = 1 // signs in once
	ForOpenID Purpose = 2 // tells a service who somebody is
)

// AddShort stores a token of user for a purpose until expiresMS.
func (s *Store) AddShort(ctx context.Context, tx *storage.Tx, p Purpose, h Hash, user id.UserID, expiresMS int64) error {
	return tx.Exec(ctx, `INSERT INTO short_token (hash, kind, user_id, expires) VALUES ($1, $2, $3, $4)`, h, p, user, expiresMS)
}

// Short returns whose token for a purpose it is, and false when there is no
// such token now.
func (s *Store) Short(ctx context.Context, p Purpose, h Hash) (user id.UserID, ok bool, err error) {
	defer matrix.Wrap(&err, "short-lived token")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		user, ok, err = storage.One[id.UserID](ctx, tx, `SELECT user_id FROM short_token WHERE hash = $1 AND kind = $2 AND expires > $3`, h, p, s.opt.Now().UnixMilli())
		return err
	})
	return user, ok, err
}

// TakeShort is Short for a token that can be used once: it removes the token.
func (s *Store) TakeShort(ctx context.Context, tx *storage.Tx, p Purpose, h Hash) (id.UserID, bool, error) {
	return storage.One[id.UserID](ctx, tx, `DELETE FROM short_token WHERE hash = $1 AND kind = $2 AND expires > $3 RETURNING user_id`, h, p, s.opt.Now().UnixMilli())
}

// Tidy removes short-lived tokens that have expired.
func (s *Store) Tidy(ctx context.Context) (err error) {
	defer matrix.Wrap(&err, "tidy tokens")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return tx.Exec(ctx, `DELETE FROM short_token WHERE expires <= $1`, s.opt.Now().UnixMilli())
	})
}
