package homeserver

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/storage/accounts"
)

// devices tells e2ee which devices people have.
type devices struct{ people *accounts.Store }

// DeviceIDs implements todevice.Devices.
func (d devices) DeviceIDs(ctx context.Context, user id.UserID) ([]id.DeviceID, error) {
	all, err := d.people.KnownDevices(ctx, user)
	ids := make([]id.DeviceID, len(all))
	for i, device := range all {
		ids[i] = device.ID
	}
	return ids, err
}

// DeviceNames implements e2ee.Devices.
func (d devices) DeviceNames(ctx context.Context, user id.UserID) (map[id.DeviceID]string, error) {
	all, err := d.people.KnownDevices(ctx, user)
	names := make(map[id.DeviceID]string, len(all))
	for _, device := range all {
		names[device.ID] = device.Name
	}
	return names, err
}
