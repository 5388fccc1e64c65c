package account

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
)

// maxDevicesAtOnce is how many devices one request may delete.
const maxDevicesAtOnce = 1000

// Devices returns the devices of who asks.
//
// Spec: client-server-api#get_matrixclientv3devices
func (a *Accounts) Devices(ctx context.Context, p matrix.Principal) ([]accounts.Device, error) {
	return a.store.Devices(ctx, p.User)
}

// Device returns one of the devices of who asks.
//
// Spec: client-server-api#get_matrixclientv3devicesdeviceid
func (a *Accounts) Device(ctx context.Context, p matrix.Principal, device id.DeviceID) (accounts.Device, error) {
	d, ok, err := a.store.Device(ctx, p.User, device)
	if err == nil && !ok {
		err = errNoDevice()
	}
	return d, err
}

// RenameDevice names one of the devices of who asks.
//
// Spec: client-server-api#put_matrixclientv3devicesdeviceid
func (a *Accounts) RenameDevice(ctx context.Context, p matrix.Principal, device id.DeviceID, name string) (err error) {
	defer matrix.Wrap(&err, "rename device")
	if len(name) > maxDeviceName || !isPlain(name) {
		return matrix.Errorf(matrix.InvalidParam, "The name of the device is too long or not plain text.")
	}
	return a.store.Write(ctx, func(tx *storage.Tx) error {
		ok, err := a.store.Rename(ctx, tx, p.User, device, name)
		if err == nil && !ok {
			err = errNoDevice()
		}
		for _, hook := range a.hooks.DevicesNamed {
			if err == nil {
				err = hook(ctx, tx, p.User, []id.DeviceID{device})
			}
		}
		return err
	})
}

func errNoDevice() error {
	return matrix.Errorf(matrix.NotFound, "You have no such device.")
}

// DeleteDevices ends the sessions on devices of who asks, who has to give the
// password again. Devices that are gone already are no error.
//
// Spec: client-server-api#post_matrixclientv3delete_devices
func (a *Accounts) DeleteDevices(ctx context.Context, p matrix.Principal, devices []id.DeviceID, auth json.RawMessage) (err error) {
	defer matrix.Wrap(&err, "delete devices")
	if len(devices) > maxDevicesAtOnce {
		return matrix.Errorf(matrix.InvalidParam, "These are too many devices for one request.")
	}
	spend := func() {}
	if p.Appservice == "" {
		grant, err := a.Reauthenticate(ctx, p, "delete devices", subjectOf(devices), auth)
		if err != nil {
			return err
		}
		spend = grant.Spend
	}
	err = a.store.Write(ctx, func(tx *storage.Tx) error {
		return a.signOut(ctx, tx, p.User, devices)
	})
	if err == nil {
		spend()
	}
	return err
}

// subjectOf names devices in whatever order.
func subjectOf(devices []id.DeviceID) string {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = string(d)
	}
	slices.Sort(names)
	return strings.Join(names, "\x00")
}
