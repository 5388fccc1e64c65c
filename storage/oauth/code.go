package oauth

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Code is what somebody has allowed a program in a browser.
type Code struct {
	Client      string
	RedirectURI string
	Challenge   string // of PKCE
	Scope       string
	Device      id.DeviceID
	User        id.UserID
	Used        bool
}

const (
	addCode = `INSERT INTO oauth_code (hash, client_id, redirect_uri, challenge, scope, device_id, user_id, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	codeOf  = `SELECT client_id, redirect_uri, challenge, scope, device_id, user_id, used FROM oauth_code WHERE hash = $1 AND expires > $2`
	useCode = `UPDATE oauth_code SET used = 1 WHERE hash = $1`
)

// AddCode stores what somebody has allowed until expiresMS.
func (s *Store) AddCode(ctx context.Context, h Hash, c Code, expiresMS int64) (err error) {
	defer matrix.Wrap(&err, "add OAuth code")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return tx.Exec(ctx, addCode, h, c.Client, c.RedirectURI, c.Challenge, c.Scope, c.Device, c.User, expiresMS)
	})
}

// Code returns what a code stands for, and false when there is no such code
// now. One that was used is returned until it expires.
func (s *Store) Code(ctx context.Context, tx *storage.Tx, h Hash) (Code, bool, error) {
	return storage.One[Code](ctx, tx, codeOf, h, s.nowMS())
}

// UseCode marks a code as used.
func (s *Store) UseCode(ctx context.Context, tx *storage.Tx, h Hash) error {
	return tx.Exec(ctx, useCode, h)
}
