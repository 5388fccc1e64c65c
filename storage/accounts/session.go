package accounts

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

// maxUnproven is how many pairs of tokens may be made with one refresh token
// before the client shows that it got one of them.
const maxUnproven = 3

// Pair is the tokens that a client gets together. The zero Family and Refresh
// stand for no refresh token.
type Pair struct {
	Access    Hash
	ExpiresMS int64 // of the access token; 0: never
	Family    Hash  // what all refresh tokens of the session share
	Refresh   Hash
}

// Holder is whose refresh token it is.
type Holder struct {
	User       id.UserID
	Device     id.DeviceID
	Generation int64
	Client     string // of OAuth 2.0 that has begun the session; empty: another way was taken
}

const (
	putDevice = `INSERT INTO device (user_id, device_id, name, family, generation) VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (user_id, device_id) DO UPDATE SET family = excluded.family, generation = 0, dehydrated = NULL, client = ''`
	addAccess  = `INSERT INTO access_token (hash, user_id, device_id, generation, expires) VALUES ($1, $2, $3, $4, $5)`
	addRefresh = `INSERT INTO refresh_token (hash, user_id, device_id, generation) VALUES ($1, $2, $3, $4)`
	holderOf   = `SELECT user_id, device_id, generation, client FROM device WHERE family = $1`
)

// SignIn begins a session on a device with the first tokens. The tokens that
// the device had before end; a device that exists keeps its name.
func (s *Store) SignIn(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, name string, p Pair) error {
	s.changed(tx, user)
	if err := dropTokens(ctx, tx, user, []id.DeviceID{device}); err != nil {
		return err
	}
	var family *Hash
	if p.Refresh != (Hash{}) {
		family = &p.Family
	}
	if err := tx.Exec(ctx, putDevice, user, device, name, family); err != nil {
		return err
	}
	return addPair(ctx, tx, Holder{User: user, Device: device}, p)
}

func addPair(ctx context.Context, tx *storage.Tx, h Holder, p Pair) error {
	var expires *int64
	if p.ExpiresMS != 0 {
		expires = &p.ExpiresMS
	}
	if err := tx.Exec(ctx, addAccess, p.Access, h.User, h.Device, h.Generation, expires); err != nil {
		return err
	}
	if p.Refresh == (Hash{}) {
		return nil
	}
	return tx.Exec(ctx, addRefresh, p.Refresh, h.User, h.Device, h.Generation)
}

// Holder returns the session that a family of refresh tokens belongs to, and
// false when there is none.
func (s *Store) Holder(ctx context.Context, tx *storage.Tx, family Hash) (Holder, bool, error) {
	return storage.One[Holder](ctx, tx, holderOf, family)
}

const (
	refreshGeneration = `SELECT generation FROM refresh_token WHERE hash = $1 AND user_id = $2 AND device_id = $3`
	countRefresh      = `SELECT COUNT(*) FROM refresh_token WHERE user_id = $1 AND device_id = $2 AND generation = $3`
)

// Rotate gives the session of h its next pair of tokens for an old refresh
// token. It returns false when the old one is no longer good: somebody has
// used a token that came after it.
//
// The old one stays good until then, so that a client which did not get the
// answer can ask again.
//
// Spec: client-server-api#refreshing-access-tokens
func (s *Store) Rotate(ctx context.Context, tx *storage.Tx, h Holder, old Hash, next Pair) (bool, error) {
	generation, ok, err := storage.One[int64](ctx, tx, refreshGeneration, old, h.User, h.Device)
	if err != nil || !ok {
		return false, err
	}
	s.changed(tx, h.User)
	if generation > h.Generation {
		if err := s.prove(ctx, tx, h.User, h.Device, generation); err != nil {
			return false, err
		}
	}
	h.Generation = generation + 1
	n, _, err := storage.One[int64](ctx, tx, countRefresh, h.User, h.Device, h.Generation)
	if err != nil {
		return false, err
	}
	if n >= maxUnproven {
		if err := dropGeneration(ctx, tx, h); err != nil {
			return false, err
		}
	}
	return true, addPair(ctx, tx, h, next)
}

// dropGeneration removes the tokens of one generation.
func dropGeneration(ctx context.Context, tx *storage.Tx, h Holder) error {
	if err := tx.Exec(ctx, `DELETE FROM refresh_token WHERE user_id = $1 AND device_id = $2 AND generation = $3`, h.User, h.Device, h.Generation); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM access_token WHERE user_id = $1 AND device_id = $2 AND generation = $3`, h.User, h.Device, h.Generation)
}

// prove notes that the client has the tokens of a generation. That ends the
// refresh tokens before it, and all but the newest of the access tokens
// before it: requests with that one may still be on their way.
func (s *Store) prove(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, generation int64) error {
	s.changed(tx, user)
	for _, sql := range []string{
		`UPDATE device SET generation = $3 WHERE user_id = $1 AND device_id = $2 AND generation < $3`,
		`DELETE FROM refresh_token WHERE user_id = $1 AND device_id = $2 AND generation < $3`,
		`DELETE FROM access_token WHERE user_id = $1 AND device_id = $2 AND generation < $3 - 1`,
	} {
		if err := tx.Exec(ctx, sql, user, device, generation); err != nil {
			return err
		}
	}
	return nil
}
