package e2ee

import (
	"encoding/json"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/devicekeys"
)

// maxDevices bounds the devices of one user of another server that are kept.
const maxDevices = 2000

// listOf takes what is said of one user out of an answer, as far as it makes
// sense.
func listOf(user id.UserID, a *ServedKeys) *UserDevices {
	l := &UserDevices{User: user}
	for device, raw := range a.Devices[user] {
		l.Devices = append(l.Devices, ServedDevice{ID: device, Name: gjson.GetBytes(raw, "unsigned.device_display_name").Str, Keys: raw})
	}
	l.Master, l.SelfSigning = a.Master[user], a.SelfSigning[user]
	return l.checked()
}

// checked returns the list without what is not what it says, and in the form
// in which it is kept.
func (l *UserDevices) checked() *UserDevices {
	out := &UserDevices{User: l.User, Stream: l.Stream}
	for _, d := range l.Devices {
		if keys, ok := checkForeign(l.User, d.ID, d.Keys); ok && len(out.Devices) < maxDevices {
			out.Devices = append(out.Devices, ServedDevice{d.ID, shortName(d.Name), keys})
		}
	}
	if key, err := parseCross(l.User, devicekeys.Master, l.Master); err == nil && present(l.Master) {
		out.Master = key.JSON
	}
	if key, err := parseCross(l.User, devicekeys.SelfSigning, l.SelfSigning); err == nil && present(l.SelfSigning) {
		out.SelfSigning = key.JSON
	}
	return out
}

// checkForeign returns the canonical form of keys of a device of another
// server, without what that server says of it unsigned.
func checkForeign(user id.UserID, device id.DeviceID, raw json.RawMessage) (json.RawMessage, bool) {
	if !present(raw) || device == "" || len(device) > maxName {
		return nil, false
	}
	raw, err := sjson.DeleteBytes(raw, "unsigned")
	if err != nil {
		return nil, false
	}
	canonical, err := checkDevice(matrix.Principal{User: user, Device: device}, raw)
	return canonical, err == nil
}

func shortName(name string) string {
	if len(name) > maxName {
		return ""
	}
	return name
}

// person is the list as keys that are asked for.
func (l *UserDevices) person() *person {
	p := &person{devices: map[id.DeviceID]json.RawMessage{}, cross: map[devicekeys.Usage]crossKey{}}
	for _, d := range l.Devices {
		p.devices[d.ID] = named(d.Keys, d.Name)
	}
	p.setCross(devicekeys.Master, l.Master)
	p.setCross(devicekeys.SelfSigning, l.SelfSigning)
	return p
}
