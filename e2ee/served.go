package e2ee

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// ListsTopic is the wake topic of changes of device lists that other servers
// hear of.
const ListsTopic = "device lists"

// maxUpdates bounds what is said of one user in one transaction. Where more
// has changed, the newest alone makes the other server ask for everything.
const maxUpdates = 50

// serves reports whether another server may know of the keys of user: whether
// users of it are, or are invited, in a room with the user.
func (k *Keys) serves(ctx context.Context, origin string, user id.UserID) (bool, error) {
	if !k.isLocal(user) {
		return false, nil
	}
	if k.opt.Strangers {
		return true, nil
	}
	return k.rooms.Knows(ctx, origin, user)
}

// UserDevices returns the devices of a user of this server for another one.
//
// Spec: server-server-api#get_matrixfederationv1userdevicesuserid
func (k *Keys) UserDevices(ctx context.Context, origin string, user id.UserID) (*UserDevices, error) {
	may, err := k.serves(ctx, origin, user)
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such user.")
	}
	out := &UserDevices{User: user, Devices: []ServedDevice{}}
	var who *person
	err = k.db.Read(ctx, func(tx *storage.Tx) (err error) {
		if who, err = readPerson(ctx, tx, user); err != nil { // as of the stream
			return err
		}
		pos, err := devicekeys.Stream(ctx, tx, user)
		out.Stream = int64(pos)
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := k.publicNames(ctx, user)
	if err != nil {
		return nil, err
	}
	for device, keys := range who.devices {
		out.Devices = append(out.Devices, ServedDevice{device, names[device], keys})
	}
	slices.SortFunc(out.Devices, func(a, b ServedDevice) int { return strings.Compare(string(a.ID), string(b.ID)) })
	out.Master, out.SelfSigning = who.cross[devicekeys.Master].json, who.cross[devicekeys.SelfSigning].json
	return out, nil
}

// publicNames are the names of devices that everybody may see.
func (k *Keys) publicNames(ctx context.Context, user id.UserID) (map[id.DeviceID]string, error) {
	if !k.opt.ShowNames {
		return nil, nil
	}
	return k.devices.DeviceNames(ctx, user)
}

// QueryKeys returns keys of users of this server for another one. Of users of
// whom it may not know it says what it says of those who do not exist.
//
// Spec: server-server-api#post_matrixfederationv1userkeysquery
func (k *Keys) QueryKeys(ctx context.Context, origin string, users map[id.UserID][]id.DeviceID) (*ServedKeys, error) {
	if len(users) > maxQueried {
		return nil, matrix.Errorf(matrix.TooLarge, "At most %d users can be asked for at once.", maxQueried)
	}
	out := &ServedKeys{
		Devices: map[id.UserID]map[id.DeviceID]json.RawMessage{}, Master: map[id.UserID]json.RawMessage{}, SelfSigning: map[id.UserID]json.RawMessage{},
	}
	f := &Found{Devices: out.Devices, Master: out.Master, SelfSigning: out.SelfSigning, UserSigning: map[id.UserID]json.RawMessage{}}
	for user, devices := range users {
		if k.isLocal(user) {
			out.Devices[user] = map[id.DeviceID]json.RawMessage{}
		}
		may, err := k.serves(ctx, origin, user)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		if err := k.find(ctx, matrix.Principal{}, user, devices, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ClaimKeys gives out keys of users of this server to another one.
//
// Spec: server-server-api#post_matrixfederationv1userkeysclaim
func (k *Keys) ClaimKeys(ctx context.Context, origin string, claims Claims) (Claimed, error) {
	list, err := k.allowed(claims, func(user id.UserID) (bool, error) { return k.serves(ctx, origin, user) })
	if err != nil {
		return nil, err
	}
	return k.claim(ctx, list)
}

// ListChanges returns up to limit changes of device lists after a position, in
// order. Of several changes of a device it may name the last only.
func (k *Keys) ListChanges(ctx context.Context, after matrix.Position, limit int) ([]matrix.ListChange, error) {
	var changes []devicekeys.DeviceChange
	err := k.db.Read(ctx, func(tx *storage.Tx) (err error) {
		changes, err = devicekeys.DeviceChanges(ctx, tx, after, limit)
		return err
	})
	out := make([]matrix.ListChange, len(changes))
	for i, c := range changes {
		out[i] = matrix.ListChange{User: c.User, Pos: c.Pos, Prev: c.Prev}
	}
	return out, err
}

// ListUpdates returns what to tell a server about the devices of user that
// knows them as they were at since (0: not at all), and as of when that is.
//
// Spec: server-server-api#device-management
func (k *Keys) ListUpdates(ctx context.Context, user id.UserID, since matrix.Position) ([]matrix.EDU, matrix.Position, error) {
	var changes []devicekeys.DeviceChange
	var who *person
	err := k.db.Read(ctx, func(tx *storage.Tx) (err error) {
		if changes, err = devicekeys.DeviceChangesOf(ctx, tx, user, since); err != nil {
			return err
		}
		who, err = readPerson(ctx, tx, user)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	all, err := k.devices.DeviceNames(ctx, user)
	if err != nil {
		return nil, 0, err
	}
	if since == 0 {
		changes = introduction(user, changes, all, who)
	}
	s := speaker{user: user, who: who, devices: all, names: k.opt.ShowNames, last: since}
	for _, c := range changes {
		if c.Device == crossSigning {
			s.cross = true
		} else {
			s.changes = append(s.changes, c)
		}
	}
	return s.say(), s.last, nil
}

// introduction is the changes that tell a server everything: of the devices
// that there are now, also of those that have not changed for longer than
// changes are noted.
func introduction(user id.UserID, changes []devicekeys.DeviceChange, all map[id.DeviceID]string, who *person) []devicekeys.DeviceChange {
	var out []devicekeys.DeviceChange
	noted := map[id.DeviceID]bool{}
	for _, c := range changes {
		noted[c.Device] = true
	}
	for device := range all {
		if !noted[device] {
			out = append(out, devicekeys.DeviceChange{User: user, Device: device, Pos: 1})
		}
	}
	slices.SortFunc(out, func(a, b devicekeys.DeviceChange) int { return strings.Compare(string(a.Device), string(b.Device)) })
	for _, c := range changes {
		if _, is := all[c.Device]; is {
			out = append(out, c)
		}
	}
	if _, has := who.cross[devicekeys.Master]; has {
		out = append(out, devicekeys.DeviceChange{User: user, Device: crossSigning})
	}
	return out
}

// speaker says what changed about a user's devices.
type speaker struct {
	user    id.UserID
	who     *person
	devices map[id.DeviceID]string
	names   bool
	changes []devicekeys.DeviceChange
	cross   bool
	last    matrix.Position // what the other server knows after what was said
}

func (s *speaker) say() []matrix.EDU {
	if n := len(s.changes); n > maxUpdates {
		s.changes = s.changes[n-1:]
		s.last = s.changes[0].Prev
	}
	var out []matrix.EDU
	for _, c := range s.changes {
		out = append(out, s.device(c))
		s.last = max(s.last, c.Pos)
	}
	if s.cross {
		out = append(out, s.signing())
	}
	return out
}

// device is an update of one device.
//
// Spec: server-server-api#mdevice_list_update
func (s *speaker) device(c devicekeys.DeviceChange) matrix.EDU {
	content := map[string]any{"user_id": s.user, "device_id": c.Device, "stream_id": c.Pos, "prev_id": []matrix.Position{}}
	if s.last > 0 {
		content["prev_id"] = []matrix.Position{s.last}
	}
	name, is := s.devices[c.Device]
	keys, has := s.who.devices[c.Device]
	switch {
	case !is && !has:
		content["deleted"] = true
	case has:
		content["keys"] = keys
	}
	if s.names && name != "" {
		content["device_display_name"] = name
	}
	return matrix.EDU{Type: "m.device_list_update", Content: mustJSON(content)}
}

// signing is an update of the cross-signing keys.
//
// Spec: server-server-api#msigning_key_update
func (s *speaker) signing() matrix.EDU {
	content := map[string]any{"user_id": s.user}
	if key, ok := s.who.cross[devicekeys.Master]; ok {
		content["master_key"] = key.json
	}
	if key, ok := s.who.cross[devicekeys.SelfSigning]; ok {
		content["self_signing_key"] = key.json
	}
	return matrix.EDU{Type: "m.signing_key_update", Content: mustJSON(content)}
}

// mustJSON writes what can be written: texts, numbers, and JSON that was
// checked when it was stored.
func mustJSON(content map[string]any) json.RawMessage {
	raw, err := json.Marshal(content)
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}
