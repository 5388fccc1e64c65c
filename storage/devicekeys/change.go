package devicekeys

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// CrossSigningChange stands in the place of a device for the cross-signing
// keys of its user.
const CrossSigningChange id.DeviceID = ""

// DeviceChange says when a device last changed.
type DeviceChange struct {
	User   id.UserID
	Device id.DeviceID // or CrossSigningChange
	Pos    matrix.Position
	Prev   matrix.Position // of the change of a device of the same user before it; 0: it is the first
}

// PutDeviceChange notes that a device of user changed at pos, or the
// cross-signing keys.
func PutDeviceChange(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, pos matrix.Position) error {
	prev, err := Stream(ctx, tx, user)
	if err != nil {
		return err
	}
	return tx.Exec(ctx, `INSERT INTO device_change (user_id, device_id, pos, prev) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, device_id) DO UPDATE SET pos = excluded.pos, prev = excluded.prev`, user, device, pos, prev)
}

// Stream returns when a device of user last changed, 0 for never. Other servers
// know it as the stream id of the device list.
func Stream(ctx context.Context, tx *storage.Tx, user id.UserID) (matrix.Position, error) {
	pos, _, err := storage.One[matrix.Position](ctx, tx, `SELECT coalesce(max(pos), 0) FROM device_change WHERE user_id = $1 AND device_id <> ''`, user)
	return pos, err
}

const changeColumns = `SELECT user_id, device_id, pos, prev FROM device_change `

// DeviceChanges returns up to limit changes of all users after a position, in order.
func DeviceChanges(ctx context.Context, tx *storage.Tx, after matrix.Position, limit int) ([]DeviceChange, error) {
	return storage.Select[DeviceChange](ctx, tx, changeColumns+`WHERE pos > $1 ORDER BY pos LIMIT $2`, after, limit)
}

// DeviceChangesOf returns the changes of a user after a position, in order.
func DeviceChangesOf(ctx context.Context, tx *storage.Tx, user id.UserID, after matrix.Position) ([]DeviceChange, error) {
	return storage.Select[DeviceChange](ctx, tx, changeColumns+`WHERE user_id = $1 AND pos > $2 ORDER BY pos`, user, after)
}
