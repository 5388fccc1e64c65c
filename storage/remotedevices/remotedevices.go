// Package remotedevices is all SQL about the devices of users of other servers.
package remotedevices

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// List is what is known of a user's devices as a whole.
type List struct {
	Stream      int64           // of the newest change that is in here; 0: unknown
	Pos         matrix.Position // when they were asked for
	Stale       int16           // 1: they have changed since
	Master      json.RawMessage // nil: none
	SelfSigning json.RawMessage
}

// Device is a device of a user.
type Device struct {
	ID   id.DeviceID
	Name string // "" when it has none
	Keys json.RawMessage
}

// Read returns what is known of a user, false when that is nothing.
func Read(ctx context.Context, tx *storage.Tx, user id.UserID) (List, bool, error) {
	return storage.One[List](ctx, tx, `SELECT stream, pos, stale, master, self_signing FROM remote_list WHERE user_id = $1`, user)
}

// Devices returns the devices of a user.
func Devices(ctx context.Context, tx *storage.Tx, user id.UserID) ([]Device, error) {
	return storage.Select[Device](ctx, tx, `SELECT device_id, name, keys FROM remote_device WHERE user_id = $1 ORDER BY device_id`, user)
}

// Put stores what is known of a user, without the devices.
func Put(ctx context.Context, tx *storage.Tx, user id.UserID, l List) error {
	return tx.Exec(ctx, `INSERT INTO remote_list (user_id, stream, pos, stale, master, self_signing) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id) DO UPDATE SET stream = excluded.stream, pos = excluded.pos, stale = excluded.stale,
		master = excluded.master, self_signing = excluded.self_signing`, user, l.Stream, l.Pos, l.Stale, []byte(l.Master), []byte(l.SelfSigning))
}

// PutDevice stores a device of a user.
func PutDevice(ctx context.Context, tx *storage.Tx, user id.UserID, d Device) error {
	return tx.Exec(ctx, `INSERT INTO remote_device (user_id, device_id, name, keys) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, device_id) DO UPDATE SET name = excluded.name, keys = excluded.keys`, user, d.ID, d.Name, []byte(d.Keys))
}

// DeleteDevice removes a device of a user.
func DeleteDevice(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) error {
	return tx.Exec(ctx, `DELETE FROM remote_device WHERE user_id = $1 AND device_id = $2`, user, device)
}

// DeleteDevices removes the devices of a user.
func DeleteDevices(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM remote_device WHERE user_id = $1`, user)
}

// Forget removes all that is known of users.
func Forget(ctx context.Context, tx *storage.Tx, users []id.UserID) error {
	list := storage.List(users)
	if err := tx.Exec(ctx, `DELETE FROM remote_list WHERE user_id {in $1}`, list); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM remote_device WHERE user_id {in $1}`, list)
}
