package accounts

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Device is one device of an account.
type Device struct {
	ID         id.DeviceID
	Name       string // empty when it has none
	LastSeenMS *int64 // start of the day; nil when not known
	Client     string // id of the OAuth 2.0 client that signed in; empty: another way was taken
}

const (
	deviceColumns = `SELECT device_id, name, last_seen, client FROM device WHERE user_id = $1 `
	devicesOf     = deviceColumns + `ORDER BY device_id`
	deviceOf      = deviceColumns + `AND device_id = $2`
	renameDevice  = `UPDATE device SET name = $3 WHERE user_id = $1 AND device_id = $2 RETURNING name`
)

// Devices returns the devices of user by id.
func (s *Store) Devices(ctx context.Context, user id.UserID) (all []Device, err error) {
	defer matrix.Wrap(&err, "devices of %s", user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err = storage.Select[Device](ctx, tx, devicesOf, user)
		return err
	})
	return all, err
}

// KnownDevices is Devices from memory. It does not say when they were seen
// last. The slice is shared: callers do not change it.
func (s *Store) KnownDevices(ctx context.Context, user id.UserID) ([]Device, error) {
	e, err := s.known(ctx, user)
	if err != nil || e == nil {
		return nil, err
	}
	return e.devices, nil
}

// Device returns a device of user, and false when there is none.
func (s *Store) Device(ctx context.Context, user id.UserID, device id.DeviceID) (d Device, ok bool, err error) {
	defer matrix.Wrap(&err, "device %s of %s", device, user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		d, ok, err = storage.One[Device](ctx, tx, deviceOf, user, device)
		return err
	})
	return d, ok, err
}

// Rename names a device. It reports whether there is one.
func (s *Store) Rename(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, name string) (bool, error) {
	s.changed(tx, user)
	_, ok, err := storage.One[string](ctx, tx, renameDevice, user, device, name)
	return ok, err
}

// SetClient notes the OAuth 2.0 client that has begun the session on a device.
func (s *Store) SetClient(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, client string) error {
	s.changed(tx, user)
	return tx.Exec(ctx, `UPDATE device SET client = $3 WHERE user_id = $1 AND device_id = $2`, user, device, client)
}

// SignOut ends the sessions on devices of user, with all their tokens, and
// returns those of them that there were.
func (s *Store) SignOut(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) ([]id.DeviceID, error) {
	s.changed(tx, user)
	gone, err := storage.Select[id.DeviceID](ctx, tx, `DELETE FROM device WHERE user_id = $1 AND device_id {in $2} RETURNING device_id`, user, storage.List(devices))
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	return gone, dropTokens(ctx, tx, user, gone)
}

// SignOutAll ends the sessions on all devices of user but one, which may be
// "", and returns them. A dehydrated device, which has none, stays: it is for
// the time when there is no other.
func (s *Store) SignOutAll(ctx context.Context, tx *storage.Tx, user id.UserID, but id.DeviceID) ([]id.DeviceID, error) {
	all, err := storage.Select[id.DeviceID](ctx, tx, `SELECT device_id FROM device WHERE user_id = $1 AND device_id <> $2 AND dehydrated IS NULL`, user, but)
	if err != nil {
		return nil, err
	}
	return s.SignOut(ctx, tx, user, all)
}

// Expire ends the tokens of a session and leaves the device: whoever holds
// them has to sign in on it again.
func (s *Store) Expire(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) error {
	s.changed(tx, user)
	if err := tx.Exec(ctx, `UPDATE device SET family = NULL WHERE user_id = $1 AND device_id = $2`, user, device); err != nil {
		return err
	}
	return dropTokens(ctx, tx, user, []id.DeviceID{device})
}

// dropTokens removes the tokens of devices.
func dropTokens(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	list := storage.List(devices)
	if err := tx.Exec(ctx, `DELETE FROM access_token WHERE user_id = $1 AND device_id {in $2}`, user, list); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM refresh_token WHERE user_id = $1 AND device_id {in $2}`, user, list)
}

// PutDevice makes a device without a session unless user has it already, and
// names it unless name is "". It reports whether it made one.
func (s *Store) PutDevice(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, name string) (made bool, err error) {
	s.changed(tx, user)
	_, made, err = storage.One[string](ctx, tx, `INSERT INTO device (user_id, device_id, name) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, device_id) DO NOTHING RETURNING name`, user, device, name)
	if err != nil || made || name == "" {
		return made, err
	}
	_, err = s.Rename(ctx, tx, user, device, name)
	return false, err
}
