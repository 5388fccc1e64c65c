package devicekeys

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// DeviceKey is the identity keys of a device.
type DeviceKey struct {
	Device id.DeviceID
	JSON   json.RawMessage // as uploaded
}

// Usage says what a cross-signing key is for.
type Usage string

// The cross-signing keys of a user.
//
// Spec: client-server-api#cross-signing
const (
	Master      Usage = "master"
	SelfSigning Usage = "self_signing"
	UserSigning Usage = "user_signing"
)

// CrossSigningKey is one of a user.
type CrossSigningKey struct {
	Usage Usage
	Key   string // the public key
	JSON  json.RawMessage
}

// Signature is one that came later than the key it is on.
type Signature struct {
	Target    string // device id, or public key of a cross-signing key
	Signer    id.UserID
	KeyID     string
	Signature string
}

// SetDevice stores the identity keys of a device.
func SetDevice(ctx context.Context, tx *storage.Tx, user id.UserID, k DeviceKey) error {
	return tx.Exec(ctx, `INSERT INTO device_key (user_id, device_id, json) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, device_id) DO UPDATE SET json = excluded.json`, user, k.Device, []byte(k.JSON))
}

// Devices returns the identity keys of a user's devices.
func Devices(ctx context.Context, tx *storage.Tx, user id.UserID) ([]DeviceKey, error) {
	return storage.Select[DeviceKey](ctx, tx, `SELECT device_id, json FROM device_key WHERE user_id = $1 ORDER BY device_id`, user)
}

// SetCrossSigning stores a cross-signing key in place of the one before.
func SetCrossSigning(ctx context.Context, tx *storage.Tx, user id.UserID, k CrossSigningKey) error {
	return tx.Exec(ctx, `INSERT INTO cross_signing_key (user_id, usage, key, json) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, usage) DO UPDATE SET key = excluded.key, json = excluded.json`, user, k.Usage, k.Key, []byte(k.JSON))
}

// DropCrossSigning removes the cross-signing keys of user, and the signatures
// that they made on keys of the same user.
func DropCrossSigning(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	if err := tx.Exec(ctx, `DELETE FROM key_signature WHERE user_id = $1 AND signer = $1`, user); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM cross_signing_key WHERE user_id = $1`, user)
}

// CrossSigning returns the cross-signing keys of a user.
func CrossSigning(ctx context.Context, tx *storage.Tx, user id.UserID) ([]CrossSigningKey, error) {
	return storage.Select[CrossSigningKey](ctx, tx, `SELECT usage, key, json FROM cross_signing_key WHERE user_id = $1`, user)
}

// AddSignature stores a signature on a key of user and returns its position.
func AddSignature(ctx context.Context, tx *storage.Tx, user id.UserID, s Signature) (matrix.Position, error) {
	pos := tx.Position()
	return pos, tx.Exec(ctx, `INSERT INTO key_signature (user_id, target, signer, key_id, signature, pos) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, target, signer, key_id) DO UPDATE SET signature = excluded.signature, pos = excluded.pos`,
		user, s.Target, s.Signer, s.KeyID, s.Signature, pos)
}

// Signatures returns the signatures on keys of user.
func Signatures(ctx context.Context, tx *storage.Tx, user id.UserID) ([]Signature, error) {
	return storage.Select[Signature](ctx, tx, `SELECT target, signer, key_id, signature FROM key_signature WHERE user_id = $1 ORDER BY target, signer, key_id`, user)
}

// DropSignatures removes the signatures on a key of user that is replaced.
func DropSignatures(ctx context.Context, tx *storage.Tx, user id.UserID, target string) error {
	return tx.Exec(ctx, `DELETE FROM key_signature WHERE user_id = $1 AND target = $2`, user, target)
}

// Changed notes that keys or devices of user changed, and returns where.
func Changed(ctx context.Context, tx *storage.Tx, user id.UserID) (matrix.Position, error) {
	pos := tx.Position()
	return pos, tx.Exec(ctx, `INSERT INTO device_list (user_id, pos) VALUES ($1, $2)
		ON CONFLICT (user_id) DO UPDATE SET pos = excluded.pos`, user, pos)
}

// Change says when the keys or devices of a user last changed.
type Change struct {
	User id.UserID
	Pos  matrix.Position
}

// AllChanges calls fn for every user whose keys ever changed.
func AllChanges(ctx context.Context, tx *storage.Tx, fn func(Change) error) error {
	return storage.Each(ctx, tx, fn, `SELECT user_id, pos FROM device_list`)
}

// Verification says when a user last signed a key of another.
type Verification struct {
	Signer, User id.UserID
	Pos          matrix.Position
}

// AllVerifications calls fn for every pair of users of whom one signed a key of the other.
func AllVerifications(ctx context.Context, tx *storage.Tx, fn func(Verification) error) error {
	return storage.Each(ctx, tx, fn, `SELECT signer, user_id, max(pos) FROM key_signature WHERE signer <> user_id GROUP BY signer, user_id`)
}

// DeleteDevices removes every key of devices of user.
func DeleteDevices(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	for _, sql := range []string{
		`DELETE FROM device_key WHERE user_id = $1 AND device_id {in $2}`,
		`DELETE FROM one_time_key WHERE user_id = $1 AND device_id {in $2}`,
		`DELETE FROM fallback_key WHERE user_id = $1 AND device_id {in $2}`,
		`DELETE FROM key_signature WHERE user_id = $1 AND target {in $2}`,
	} {
		if err := tx.Exec(ctx, sql, user, storage.List(devices)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteUser removes the cross-signing keys of user and the signatures that
// user made and got.
func DeleteUser(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	if err := tx.Exec(ctx, `DELETE FROM cross_signing_key WHERE user_id = $1`, user); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM key_signature WHERE user_id = $1 OR signer = $1`, user)
}
