package accounts

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Dehydrated is a device without a session: it collects messages until a
// client that holds the key to Data brings it back to life.
type Dehydrated struct {
	ID   id.DeviceID
	Data json.RawMessage
}

const (
	dehydratedOf = `SELECT device_id, dehydrated FROM device WHERE user_id = $1 AND dehydrated IS NOT NULL`
	dehydrate    = `INSERT INTO device (user_id, device_id, name, dehydrated) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING RETURNING device_id`
)

// Dehydrated returns the dehydrated device of user, and false when there is none.
func (s *Store) Dehydrated(ctx context.Context, tx *storage.Tx, user id.UserID) (Dehydrated, bool, error) {
	return storage.One[Dehydrated](ctx, tx, dehydratedOf, user)
}

// Dehydrate adds a dehydrated device to those of user, who has none. It
// reports false when there is another device with that id.
func (s *Store) Dehydrate(ctx context.Context, tx *storage.Tx, user id.UserID, d Dehydrated, name string) (bool, error) {
	s.changed(tx, user)
	_, ok, err := storage.One[id.DeviceID](ctx, tx, dehydrate, user, d.ID, name, []byte(d.Data))
	return ok, err
}

// ReadDehydrated is Dehydrated in a transaction of its own.
func (s *Store) ReadDehydrated(ctx context.Context, user id.UserID) (d Dehydrated, ok bool, err error) {
	defer matrix.Wrap(&err, "dehydrated device of %s", user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		d, ok, err = s.Dehydrated(ctx, tx, user)
		return err
	})
	return d, ok, err
}
