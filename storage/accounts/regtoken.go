package accounts

import (
	"context"

	"plenum/internal/matrix"
	"plenum/storage"
)

// RegistrationToken lets people open an account.
type RegistrationToken struct {
	Token       string
	Note        string // for administrators
	UsesAllowed *int64 // nil: any number
	Used        int64
	CreatedMS   int64
	ExpiresMS   *int64 // nil: never
}

const (
	registrationTokenColumns = `SELECT token, note, uses_allowed, used, created, expires FROM registration_token `
	usableToken              = `token = $1 AND (uses_allowed IS NULL OR used < uses_allowed) AND (expires IS NULL OR expires > $2)`
	addRegistrationToken     = `INSERT INTO registration_token (token, note, uses_allowed, created, expires) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (token) DO NOTHING RETURNING token`
	useRegistrationToken = `UPDATE registration_token SET used = used + 1 WHERE ` + usableToken + ` RETURNING used`
)

// AddRegistrationToken stores a new registration token. It reports whether
// there was none of that name.
func (s *Store) AddRegistrationToken(ctx context.Context, t RegistrationToken) (added bool, err error) {
	defer matrix.Wrap(&err, "add registration token")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		_, added, err = storage.One[string](ctx, tx, addRegistrationToken, t.Token, t.Note, t.UsesAllowed, t.CreatedMS, t.ExpiresMS)
		return err
	})
	return added, err
}

// RegistrationTokens returns all registration tokens, used and expired ones
// too, the oldest first.
func (s *Store) RegistrationTokens(ctx context.Context) (all []RegistrationToken, err error) {
	defer matrix.Wrap(&err, "registration tokens")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err = storage.Select[RegistrationToken](ctx, tx, registrationTokenColumns+`ORDER BY created, token`)
		return err
	})
	return all, err
}

// RemoveRegistrationToken removes a registration token. It reports whether
// there was one.
func (s *Store) RemoveRegistrationToken(ctx context.Context, token string) (found bool, err error) {
	defer matrix.Wrap(&err, "remove registration token")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		_, found, err = storage.One[string](ctx, tx, `DELETE FROM registration_token WHERE token = $1 RETURNING token`, token)
		return err
	})
	return found, err
}

// IsUsable reports whether somebody can open an account with a registration
// token now.
func (s *Store) IsUsable(ctx context.Context, token string) (ok bool, err error) {
	defer matrix.Wrap(&err, "registration token")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		_, ok, err = storage.One[int64](ctx, tx, `SELECT used FROM registration_token WHERE `+usableToken, token, s.opt.Now().UnixMilli())
		return err
	})
	return ok, err
}

// UseRegistrationToken counts a use of a registration token. It reports
// whether it could be used.
func (s *Store) UseRegistrationToken(ctx context.Context, tx *storage.Tx, token string) (bool, error) {
	_, ok, err := storage.One[int64](ctx, tx, useRegistrationToken, token, s.opt.Now().UnixMilli())
	return ok, err
}
