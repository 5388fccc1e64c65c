package e2ee

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/devicekeys"
)

// maxQueried bounds the users of one query.
const maxQueried = 10_000

// Found are the keys of the users that were asked for.
//
// Spec: client-server-api#post_matrixclientv3keysquery
type Found struct {
	Devices     map[id.UserID]map[id.DeviceID]json.RawMessage
	Master      map[id.UserID]json.RawMessage
	SelfSigning map[id.UserID]json.RawMessage
	UserSigning map[id.UserID]json.RawMessage // of who asks, only
	Failures    map[string]struct{}           // servers that did not answer
}

// Query returns the keys of users: of some devices, or of all where none is
// named. Users who do not exist, and those of whom the asking user may not
// know, have no devices: the answer does not tell the two apart.
func (k *Keys) Query(ctx context.Context, p matrix.Principal, users map[id.UserID][]id.DeviceID) (*Found, error) {
	if len(users) > maxQueried {
		return nil, matrix.Errorf(matrix.TooLarge, "At most %d users can be asked for at once.", maxQueried)
	}
	f := &Found{
		Devices: make(map[id.UserID]map[id.DeviceID]json.RawMessage, len(users)),
		Master:  map[id.UserID]json.RawMessage{}, SelfSigning: map[id.UserID]json.RawMessage{}, UserSigning: map[id.UserID]json.RawMessage{},
		Failures: map[string]struct{}{},
	}
	abroad := map[id.UserID][]id.DeviceID{}
	for user, devices := range users {
		if !k.isLocal(user) {
			abroad[user] = devices
			continue
		}
		f.Devices[user] = map[id.DeviceID]json.RawMessage{}
		may, err := k.mayAsk(ctx, p.User, user)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		if err := k.find(ctx, p, user, devices, f); err != nil {
			return nil, err
		}
	}
	return f, k.findAbroad(ctx, p, abroad, f)
}

func (k *Keys) mayAsk(ctx context.Context, asking, user id.UserID) (bool, error) {
	if k.opt.Strangers || asking == user {
		return true, nil
	}
	return k.rooms.Acquainted(ctx, asking, user)
}

func (k *Keys) find(ctx context.Context, p matrix.Principal, user id.UserID, devices []id.DeviceID, f *Found) error {
	who, err := k.person(ctx, user)
	if err != nil {
		return err
	}
	names, err := k.names(ctx, p, user)
	if err != nil {
		return err
	}
	return f.add(p, user, who, devices, names)
}

// add adds the keys of a person.
func (f *Found) add(p matrix.Principal, user id.UserID, who *person, devices []id.DeviceID, names map[id.DeviceID]string) (err error) {
	if f.Devices[user] == nil {
		f.Devices[user] = make(map[id.DeviceID]json.RawMessage, len(who.devices))
	}
	for device, raw := range who.devices {
		if len(devices) > 0 && !slices.Contains(devices, device) {
			continue
		}
		if name := names[device]; name != "" {
			if raw, err = sjson.SetBytes(raw, "unsigned", map[string]string{"device_display_name": name}); err != nil {
				return err
			}
		}
		f.Devices[user][device] = raw
	}
	if raw, ok := who.seenBy(p.User, devicekeys.Master); ok {
		f.Master[user] = raw
	}
	if raw, ok := who.seenBy(p.User, devicekeys.SelfSigning); ok {
		f.SelfSigning[user] = raw
	}
	if raw, ok := who.seenBy(p.User, devicekeys.UserSigning); ok && user == p.User {
		f.UserSigning[user] = raw
	}
	return nil
}

// names are the names of devices that who asks may see.
func (k *Keys) names(ctx context.Context, p matrix.Principal, user id.UserID) (map[id.DeviceID]string, error) {
	if p.User != user && !k.opt.ShowNames {
		return nil, nil
	}
	return k.devices.DeviceNames(ctx, user)
}
