package oauth

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Browser is one in which somebody is signed in.
type Browser struct {
	User        id.UserID
	PasswordPos matrix.Position // of the account when they signed in
}

const browserOf = `SELECT user_id, password_pos FROM browser WHERE hash = $1 AND expires > $2`

// AddBrowser stores that somebody is signed in until expiresMS.
func (s *Store) AddBrowser(ctx context.Context, tx *storage.Tx, h Hash, b Browser, expiresMS int64) error {
	return tx.Exec(ctx, `INSERT INTO browser (hash, user_id, password_pos, expires) VALUES ($1, $2, $3, $4)`, h, b.User, b.PasswordPos, expiresMS)
}

// Browser returns who is signed in, and false when nobody is now.
func (s *Store) Browser(ctx context.Context, h Hash) (b Browser, ok bool, err error) {
	defer matrix.Wrap(&err, "browser")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		b, ok, err = storage.One[Browser](ctx, tx, browserOf, h, s.nowMS())
		return err
	})
	return b, ok, err
}

// DropBrowser signs somebody out of a browser.
func (s *Store) DropBrowser(ctx context.Context, h Hash) (err error) {
	defer matrix.Wrap(&err, "sign out of a browser")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return tx.Exec(ctx, `DELETE FROM browser WHERE hash = $1`, h)
	})
}
