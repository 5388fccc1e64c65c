package devicekeys

import (
	"context"
	"encoding/json"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// OneTimeKey is a key that is given out once, or a fallback key.
type OneTimeKey struct {
	Algorithm string
	ID        string // without the algorithm
	JSON      json.RawMessage
}

// AddOneTime stores a one-time key behind those that are there.
func AddOneTime(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, k OneTimeKey) error {
	return tx.Exec(ctx, `INSERT INTO one_time_key (user_id, device_id, algorithm, key_id, seq, json) VALUES ($1, $2, $3, $4, $5, $6)`,
		user, device, k.Algorithm, k.ID, tx.Position(), []byte(k.JSON))
}

// OneTime returns the one-time keys of a device that have one of ids.
func OneTime(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, ids []string) ([]OneTimeKey, error) {
	return storage.Select[OneTimeKey](ctx, tx, `SELECT algorithm, key_id, json FROM one_time_key
		WHERE user_id = $1 AND device_id = $2 AND key_id {in $3}`, user, device, storage.List(ids))
}

// TakeOneTime removes the oldest one-time key of an algorithm and returns it,
// false when there is none.
func TakeOneTime(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, algorithm string) (OneTimeKey, bool, error) {
	return storage.One[OneTimeKey](ctx, tx, `DELETE FROM one_time_key WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 AND key_id =
		(SELECT key_id FROM one_time_key WHERE user_id = $1 AND device_id = $2 AND algorithm = $3 ORDER BY seq LIMIT 1)
		RETURNING algorithm, key_id, json`, user, device, algorithm)
}

// SetFallback stores the fallback key of an algorithm, unused, in place of the one before.
func SetFallback(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, k OneTimeKey) error {
	return tx.Exec(ctx, `INSERT INTO fallback_key (user_id, device_id, algorithm, key_id, json, used) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, json = excluded.json, used = 0`,
		user, device, k.Algorithm, k.ID, []byte(k.JSON))
}

// UseFallback returns the fallback key of an algorithm and marks it as used,
// false when there is none.
func UseFallback(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, algorithm string) (OneTimeKey, bool, error) {
	return storage.One[OneTimeKey](ctx, tx, `UPDATE fallback_key SET used = 1 WHERE user_id = $1 AND device_id = $2 AND algorithm = $3
		RETURNING algorithm, key_id, json`, user, device, algorithm)
}

// Count is how many one-time keys of an algorithm there are.
type Count struct {
	Algorithm string
	Count     int
}

// Counts returns how many one-time keys a device has.
func Counts(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) ([]Count, error) {
	return storage.Select[Count](ctx, tx, `SELECT algorithm, count(*) FROM one_time_key WHERE user_id = $1 AND device_id = $2
		GROUP BY algorithm ORDER BY algorithm`, user, device)
}

// UnusedFallbacks returns the algorithms of a device whose fallback key is unused.
func UnusedFallbacks(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) ([]string, error) {
	return storage.Select[string](ctx, tx, `SELECT algorithm FROM fallback_key WHERE user_id = $1 AND device_id = $2 AND used = 0 ORDER BY algorithm`, user, device)
}

// Restored puts the keys in order after the database was restored from a
// backup: one-time keys may have been given out since, so that they go, and
// fallback keys may have been replaced, so that devices are asked for new
// ones. As everybody may know newer keys than we do, all are said to have
// changed at pos.
func Restored(ctx context.Context, tx *storage.Tx, pos matrix.Position) error {
	return errors.Join(
		tx.Exec(ctx, `DELETE FROM one_time_key`),
		tx.Exec(ctx, `UPDATE fallback_key SET used = 1`),
		tx.Exec(ctx, `UPDATE device_list SET pos = $1`, pos),
		tx.Exec(ctx, `UPDATE device_change SET prev = pos, pos = $1`, pos),
		tx.Exec(ctx, `UPDATE remote_list SET stale = 1`))
}
