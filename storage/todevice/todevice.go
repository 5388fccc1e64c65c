// Package todevice is all SQL about messages from device to device.
package todevice

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Message is one that waits for its device.
type Message struct {
	Pos  matrix.Position
	JSON json.RawMessage // as sync gives it out
}

// Add queues a message for a device and returns its position.
func Add(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, raw json.RawMessage) (matrix.Position, error) {
	pos := tx.Position()
	return pos, tx.Exec(ctx, `INSERT INTO to_device (pos, user_id, device_id, json) VALUES ($1, $2, $3, $4)`, pos, user, device, []byte(raw))
}

// Between returns up to limit messages for a device with after < position <= upto, in order.
func Between(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, after, upto matrix.Position, limit int) ([]Message, error) {
	return storage.Select[Message](ctx, tx, `SELECT pos, json FROM to_device
		WHERE user_id = $1 AND device_id = $2 AND pos > $3 AND pos <= $4 ORDER BY pos LIMIT $5`, user, device, after, upto, limit)
}

// Extent is what waits for a device.
type Extent struct {
	Count       int64
	First, Last matrix.Position // 0 when nothing waits
}

// Waiting returns how much waits for a device.
func Waiting(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) (Extent, error) {
	e, _, err := storage.One[Extent](ctx, tx, `SELECT count(*), coalesce(min(pos), 0), coalesce(max(pos), 0) FROM to_device
		WHERE user_id = $1 AND device_id = $2`, user, device)
	return e, err
}

// DeleteUpTo removes the messages for a device up to a position.
func DeleteUpTo(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, upto matrix.Position) error {
	return tx.Exec(ctx, `DELETE FROM to_device WHERE user_id = $1 AND device_id = $2 AND pos <= $3`, user, device, upto)
}

// DeleteDevices removes what waits for devices of user, and their transaction ids.
func DeleteDevices(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	if err := tx.Exec(ctx, `DELETE FROM to_device WHERE user_id = $1 AND device_id {in $2}`, user, storage.List(devices)); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM to_device_txn WHERE user_id = $1 AND device_id {in $2}`, user, storage.List(devices))
}

// Once notes a sender's transaction id and reports whether it is new.
func Once(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, txn string, ts int64) (bool, error) {
	_, fresh, err := storage.One[int64](ctx, tx, `INSERT INTO to_device_txn (user_id, device_id, txn, ts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, device_id, txn) DO NOTHING RETURNING ts`, user, device, txn, ts)
	return fresh, err
}

// PruneTxns forgets the transaction ids used before ts (milliseconds).
func PruneTxns(ctx context.Context, tx *storage.Tx, ts int64) error {
	return tx.Exec(ctx, `DELETE FROM to_device_txn WHERE ts < $1`, ts)
}

// Recipient is the device that a message is for.
type Recipient struct {
	Pos    matrix.Position
	User   id.UserID
	Device id.DeviceID
}

// Recipients returns which devices the messages with after < position <= upto
// are for, in order and at most limit.
func Recipients(ctx context.Context, tx *storage.Tx, after, upto matrix.Position, limit int) ([]Recipient, error) {
	return storage.Select[Recipient](ctx, tx, `SELECT pos, user_id, device_id FROM to_device
		WHERE pos > $1 AND pos <= $2 ORDER BY pos LIMIT $3`, after, upto, limit)
}

// At returns the messages at positions, in order.
func At(ctx context.Context, tx *storage.Tx, positions []matrix.Position) ([]Message, error) {
	return storage.Select[Message](ctx, tx, `SELECT pos, json FROM to_device WHERE pos {in $1} ORDER BY pos`, storage.List(positions))
}
