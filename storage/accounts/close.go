package accounts

import (
	"context"
	"maps"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

// Close ends an account for ever: nobody gets in any more, and the name stays
// taken. Devices are to be signed out before.
func (s *Store) Close(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	if err := s.SetPassword(ctx, tx, user, nil); err != nil {
		return err
	}
	s.changed(tx, user)
	for _, sql := range []string{
		`UPDATE account SET deactivated = 1, admin = 0, locked = 0, suspended = 0 WHERE user_id = $1`,
		`DELETE FROM short_token WHERE user_id = $1`,
		`DELETE FROM account_task WHERE user_id = $1`,
	} {
		if err := tx.Exec(ctx, sql, user); err != nil {
			return err
		}
	}
	return nil
}

// Erase removes what is left of a closed account. Of the name stays a hash, so
// that nobody takes it again.
func (s *Store) Erase(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	h := HashOf(string(user))
	for _, sql := range []string{
		`DELETE FROM account WHERE user_id = $1`,
		`DELETE FROM account_terms WHERE user_id = $1`,
		`DELETE FROM profile_field WHERE user_id = $1`,
	} {
		if err := tx.Exec(ctx, sql, user); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { // one after the other, like all commits
		more := maps.Clone(*s.erased.Load())
		more[h] = struct{}{}
		s.erased.Store(&more)
		s.hot.forget(user)
	})
	return tx.Exec(ctx, `INSERT INTO account_erased (hash) VALUES ($1) ON CONFLICT DO NOTHING`, h)
}

// IsErased reports whether user had an account that was erased. As long as
// nobody was, it costs nothing.
func (s *Store) IsErased(user id.UserID) bool {
	erased := *s.erased.Load()
	if len(erased) == 0 {
		return false
	}
	_, ok := erased[HashOf(string(user))]
	return ok
}
