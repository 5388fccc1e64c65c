package accounts

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

// Names of profile fields with a meaning of their own.
const (
	DisplayName = "displayname"
	AvatarURL   = "avatar_url"
	TimeZone    = "m.tz"
)

// Profile is what an account shows of itself: JSON values by name. It is
// shared: callers do not change it.
type Profile map[string]json.RawMessage

// Text returns a field that is a string, and "" when it is missing or
// something else.
func (p Profile) Text(name string) string {
	var s string
	if raw, ok := p[name]; !ok || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Size returns how many bytes the profile has as a JSON object.
func (p Profile) Size() int {
	n := len(`{}`)
	for name, value := range p {
		n += len(`"":,`) + len(name) + len(value)
	}
	return n
}

// field is one row of a profile.
type field struct {
	Name  string
	Value []byte
}

const (
	profileOf = `SELECT name, value FROM profile_field WHERE user_id = $1`
	putField  = `INSERT INTO profile_field (user_id, name, value) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value`
)

func readProfile(ctx context.Context, tx *storage.Tx, user id.UserID) (Profile, error) {
	rows, err := storage.Select[field](ctx, tx, profileOf, user)
	if err != nil {
		return nil, err
	}
	p := make(Profile, len(rows))
	for _, row := range rows {
		p[row.Name] = row.Value
	}
	return p, nil
}

// Profile returns the profile of an account, and false when there is no such
// account.
func (s *Store) Profile(ctx context.Context, user id.UserID) (Profile, bool, error) {
	e, err := s.known(ctx, user)
	if err != nil || e == nil {
		return nil, false, err
	}
	return e.profile, true, nil
}

// ProfileIn returns the profile of an account as it is in tx.
func (s *Store) ProfileIn(ctx context.Context, tx *storage.Tx, user id.UserID) (Profile, error) {
	return readProfile(ctx, tx, user)
}

// MemberProfile returns what the member events of user show.
func (s *Store) MemberProfile(ctx context.Context, user id.UserID) (displayname, avatarURL string, err error) {
	e, err := s.known(ctx, user)
	if err != nil || e == nil {
		return "", "", err
	}
	return e.displayName, e.avatarURL, nil
}

// SetProfileField stores a field of a profile; nil removes it.
func (s *Store) SetProfileField(ctx context.Context, tx *storage.Tx, user id.UserID, name string, value json.RawMessage) error {
	s.changed(tx, user)
	if value == nil {
		return tx.Exec(ctx, `DELETE FROM profile_field WHERE user_id = $1 AND name = $2`, user, name)
	}
	return tx.Exec(ctx, putField, user, name, []byte(value))
}

// ClearProfile removes all fields of a profile.
func (s *Store) ClearProfile(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	s.changed(tx, user)
	return tx.Exec(ctx, `DELETE FROM profile_field WHERE user_id = $1`, user)
}
