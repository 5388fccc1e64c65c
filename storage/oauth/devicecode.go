package oauth

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// State is what was decided about a DeviceCode.
type State int

// The states.
const (
	Pending State = 0
	Allowed State = 1
	Denied  State = 2
)

// DeviceCode is what a program without a browser waits for.
type DeviceCode struct {
	Client    string
	Scope     string
	Device    id.DeviceID
	State     State
	User      id.UserID // who has allowed it
	ExpiresMS int64
}

const (
	deviceCodeColumns = `SELECT client_id, scope, device_id, state, user_id, expires FROM oauth_device_code `
	deviceCodeOf      = deviceCodeColumns + `WHERE hash = $1`
	deviceCodeByUser  = deviceCodeColumns + `WHERE user_code = $1 AND state = 0 AND expires > $2`
	addDeviceCode     = `INSERT INTO oauth_device_code (hash, user_code, client_id, scope, device_id, expires) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING RETURNING expires`
	decideDeviceCode = `UPDATE oauth_device_code SET state = $2, user_id = $3
		WHERE user_code = $1 AND state = 0 AND expires > $4 RETURNING expires`
)

// AddDeviceCode stores that a program waits. It reports false when the code
// for people is taken, or when most wait already.
func (s *Store) AddDeviceCode(ctx context.Context, h, userCode Hash, c DeviceCode, most int64) (ok bool, err error) {
	defer matrix.Wrap(&err, "add device code")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		ok = false
		n, _, err := storage.One[int64](ctx, tx, `SELECT COUNT(*) FROM oauth_device_code WHERE expires > $1`, s.nowMS())
		if err != nil || n >= most {
			return err
		}
		_, ok, err = storage.One[int64](ctx, tx, addDeviceCode, h, userCode, c.Client, c.Scope, c.Device, c.ExpiresMS)
		return err
	})
	return ok, err
}

// DeviceCode returns what a program waits for, expired or not.
func (s *Store) DeviceCode(ctx context.Context, tx *storage.Tx, h Hash) (DeviceCode, bool, error) {
	return storage.One[DeviceCode](ctx, tx, deviceCodeOf, h)
}

// ReadDeviceCode is DeviceCode in a transaction of its own.
func (s *Store) ReadDeviceCode(ctx context.Context, h Hash) (c DeviceCode, ok bool, err error) {
	defer matrix.Wrap(&err, "device code")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		c, ok, err = s.DeviceCode(ctx, tx, h)
		return err
	})
	return c, ok, err
}

// WaitingFor returns the program that waits for somebody to type a code.
func (s *Store) WaitingFor(ctx context.Context, userCode Hash) (c DeviceCode, ok bool, err error) {
	defer matrix.Wrap(&err, "code that was typed")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		c, ok, err = storage.One[DeviceCode](ctx, tx, deviceCodeByUser, userCode, s.nowMS())
		return err
	})
	return c, ok, err
}

// Decide notes what user has decided about the program that waits for a code.
// It reports false when none waits for it any more.
func (s *Store) Decide(ctx context.Context, userCode Hash, state State, user id.UserID) (ok bool, err error) {
	defer matrix.Wrap(&err, "decide about a device code")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		_, ok, err = storage.One[int64](ctx, tx, decideDeviceCode, userCode, state, user, s.nowMS())
		return err
	})
	return ok, err
}

// DropDeviceCode removes a code that has done its work.
func (s *Store) DropDeviceCode(ctx context.Context, tx *storage.Tx, h Hash) error {
	return tx.Exec(ctx, `DELETE FROM oauth_device_code WHERE hash = $1`, h)
}
