package e2ee

import (
	"context"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee/todevice"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/devicekeys"
)

const (
	maxDehydrated = 256 << 10 // bytes of a dehydrated device
	maxName       = 255       // bytes of the id or the name of a device
	eventsAtOnce  = 100       // messages in one answer, at most
)

// Dehydrated are devices that users have put away: each collects messages
// while its owner has no other device, and gives them to the next one, which
// finds the key to it in the secret storage. A user has one at most.
//
// Spec: MSC3814
type Dehydrated struct {
	db     *storage.DB
	keys   *Keys
	mail   *todevice.Sender
	people *accounts.Store
}

// NewDehydrated returns the dehydrated devices among people's.
func NewDehydrated(db *storage.DB, k *Keys, mail *todevice.Sender, people *accounts.Store) *Dehydrated {
	return &Dehydrated{db: db, keys: k, mail: mail, people: people}
}

// Device is a device that is to be put away.
type Device struct {
	ID   id.DeviceID
	Name string
	Data json.RawMessage // the device itself, which only its owner can read
	Keys Upload
}

func (d *Device) check() error {
	if d.ID == "" || len(d.ID) > maxName || !utf8.ValidString(string(d.ID)) {
		return matrix.Errorf(matrix.InvalidParam, "device_id is missing or too long.")
	}
	if len(d.Name) > maxName || !utf8.ValidString(d.Name) {
		return matrix.Errorf(matrix.InvalidParam, "The name of the device is too long.")
	}
	if gjson.GetBytes(d.Data, "algorithm").Type != gjson.String {
		return matrix.Errorf(matrix.BadJSON, "device_data is an object with an algorithm.")
	}
	if len(d.Data) > maxDehydrated {
		return matrix.Errorf(matrix.TooLarge, "device_data has at most %d bytes.", maxDehydrated)
	}
	if !present(d.Keys.Device) {
		return matrix.Errorf(matrix.MissingParam, "device_keys is missing.")
	}
	return nil
}

// Put puts a device away, with its keys, in place of the one before.
func (d *Dehydrated) Put(ctx context.Context, user id.UserID, dev Device) (err error) {
	defer matrix.Wrap(&err, "dehydrate a device")
	if err := dev.check(); err != nil {
		return err
	}
	identity, err := checkDevice(matrix.Principal{User: user, Device: dev.ID}, dev.Keys.Device)
	if err != nil {
		return err
	}
	oneTime, err := parseOneTime(dev.Keys.OneTime)
	if err != nil {
		return err
	}
	fallback, err := parseOneTime(dev.Keys.Fallback)
	if err != nil {
		return err
	}
	return d.keys.write(ctx, user, func(tx *storage.Tx) error {
		if _, err := d.drop(ctx, tx, user); err != nil {
			return err
		}
		ok, err := d.people.Dehydrate(ctx, tx, user, accounts.Dehydrated{ID: dev.ID, Data: dev.Data}, dev.Name)
		if err != nil {
			return err
		}
		if !ok {
			return matrix.Errorf(matrix.InvalidParam, "You have another device with that id.")
		}
		if err := devicekeys.SetDevice(ctx, tx, user, devicekeys.DeviceKey{Device: dev.ID, JSON: identity}); err != nil {
			return err
		}
		_, err = d.keys.storeOneTime(ctx, tx, deviceKey{user, dev.ID}, oneTime, fallback)
		return err
	}, dev.ID)
}

// Get returns the dehydrated device of user.
func (d *Dehydrated) Get(ctx context.Context, user id.UserID) (id.DeviceID, json.RawMessage, error) {
	dev, ok, err := d.people.ReadDehydrated(ctx, user)
	if err == nil && !ok {
		err = errNotDehydrated()
	}
	return dev.ID, dev.Data, err
}

// Delete removes the dehydrated device of user with all that waits for it.
func (d *Dehydrated) Delete(ctx context.Context, user id.UserID) (gone id.DeviceID, err error) {
	err = d.db.Write(ctx, func(tx *storage.Tx) error {
		gone, err = d.drop(ctx, tx, user)
		if err == nil && gone == "" {
			err = errNotDehydrated()
		}
		return err
	})
	return gone, err
}

func errNotDehydrated() error {
	return matrix.Errorf(matrix.NotFound, "You have no dehydrated device.")
}

// drop removes the dehydrated device of user, and returns "" when there is none.
func (d *Dehydrated) drop(ctx context.Context, tx *storage.Tx, user id.UserID) (id.DeviceID, error) {
	dev, ok, err := d.people.Dehydrated(ctx, tx, user)
	if err != nil || !ok {
		return "", err
	}
	gone := []id.DeviceID{dev.ID}
	if _, err := d.people.SignOut(ctx, tx, user, gone); err != nil {
		return "", err
	}
	if err := d.keys.DevicesGone(ctx, tx, user, gone); err != nil {
		return "", err
	}
	return dev.ID, d.mail.DevicesGone(ctx, tx, user, gone)
}

// Events returns messages that wait for the dehydrated device of user, and
// the token for those that come after them. They stay: should the device that
// reads them be lost, too, another can begin anew.
func (d *Dehydrated) Events(ctx context.Context, user id.UserID, device id.DeviceID, from string, limit int) ([]json.RawMessage, string, error) {
	dev, ok, err := d.people.ReadDehydrated(ctx, user)
	if err != nil {
		return nil, "", err
	}
	if !ok || dev.ID != device {
		return nil, "", matrix.Errorf(matrix.Forbidden, "This is not your dehydrated device.")
	}
	var after matrix.Position
	if from != "" {
		n, err := strconv.ParseInt(from, 10, 64)
		if err != nil || n < 0 {
			return nil, "", matrix.Errorf(matrix.InvalidParam, "This is not a token of this server.")
		}
		after = matrix.Position(n)
	}
	msgs, end, err := d.mail.Pending(ctx, user, device, after, d.db.Committed(), min(max(limit, 1), eventsAtOnce))
	events := make([]json.RawMessage, len(msgs))
	for i, m := range msgs {
		events[i] = m.JSON
	}
	return events, strconv.FormatInt(int64(max(after, end)), 10), err
}
