package e2ee

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/devicekeys"
	"plenum/storage/remotedevices"
)

var errAlone = errors.New("e2ee: this server talks to no others")

// remote is what is known of a user of another server beside the keys. As long
// as somebody here shares a room with them, their server says what changes, so
// that what it once said can be kept.
type remote struct {
	stream int64           // of the newest change that is known; 0: unknown
	pos    matrix.Position // when the keys were asked for
	stale  bool            // they have changed since
}

// readRemote reads what is known of a user of another server.
func readRemote(ctx context.Context, tx *storage.Tx, user id.UserID) (*person, error) {
	p := &person{
		devices: map[id.DeviceID]json.RawMessage{}, cross: map[devicekeys.Usage]crossKey{},
		foreign: map[id.UserID][]devicekeys.Signature{},
	}
	sigs, err := devicekeys.Signatures(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	for _, s := range sigs {
		p.foreign[s.Signer] = append(p.foreign[s.Signer], s)
	}
	l, ok, err := remotedevices.Read(ctx, tx, user)
	if err != nil || !ok {
		return p, err
	}
	p.remote = &remote{l.Stream, l.Pos, l.Stale != 0}
	devices, err := remotedevices.Devices(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		p.devices[d.ID] = named(d.Keys, d.Name)
	}
	p.setCross(devicekeys.Master, l.Master)
	p.setCross(devicekeys.SelfSigning, l.SelfSigning)
	return p, nil
}

func (p *person) copy() *person {
	c := *p
	return &c
}

func (p *person) setCross(usage devicekeys.Usage, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	for _, key := range gjson.GetBytes(raw, "keys").Map() {
		p.cross[usage] = crossKey{key.Str, raw}
	}
}

// named adds the name of a device to its keys.
func named(raw json.RawMessage, name string) json.RawMessage {
	if name == "" {
		return raw
	}
	out, err := sjson.SetBytes(raw, "unsigned.device_display_name", name)
	if err != nil {
		return raw
	}
	return out
}

// isFresh reports whether what is known of a user of another server is what
// that server would say.
func (k *Keys) isFresh(ctx context.Context, user id.UserID, p *person) (tracked, fresh bool, err error) {
	since, tracked, err := k.rooms.Tracked(ctx, user)
	if err != nil || !tracked {
		return false, false, err
	}
	return true, p.remote != nil && !p.remote.stale && p.remote.pos >= since, nil
}

// findAbroad adds the keys of users of other servers: those that are known, and
// those that their servers say now.
func (k *Keys) findAbroad(ctx context.Context, p matrix.Principal, users map[id.UserID][]id.DeviceID, f *Found) error {
	unknown, err := k.findKnown(ctx, p, users, f)
	if err != nil || len(unknown) == 0 {
		return err
	}
	servers := byServer(unknown, k.isLocal)
	if k.opt.Peers == nil {
		for server := range servers {
			f.Failures[server] = struct{}{}
		}
		return nil
	}
	for server := range eachServer(ctx, servers, k.ask) {
		f.Failures[server] = struct{}{}
	}
	for user, w := range unknown {
		if w.got == nil {
			continue
		}
		known, err := k.person(ctx, user)
		if err != nil {
			return err
		}
		w.got.foreign = known.foreign // what users of this server have signed
		if err := f.add(p, user, w.got, w.devices, nil); err != nil {
			return err
		}
	}
	return nil
}

// wanted is what is asked about a user of another server.
type wanted struct {
	devices []id.DeviceID // none: all
	tracked bool          // the answer can be kept
	heard   uint64        // of changes, before the question
	got     *person       // the answer
}

// findKnown adds the keys that are known, and returns the users whose servers
// have to be asked.
func (k *Keys) findKnown(ctx context.Context, p matrix.Principal, users map[id.UserID][]id.DeviceID, f *Found) (map[id.UserID]*wanted, error) {
	unknown := map[id.UserID]*wanted{}
	for user, devices := range users {
		who, err := k.person(ctx, user)
		if err != nil {
			return nil, err
		}
		tracked, fresh, err := k.isFresh(ctx, user, who)
		if err != nil {
			return nil, err
		}
		if fresh {
			if err := f.add(p, user, who, devices, nil); err != nil {
				return nil, err
			}
			continue
		}
		w := &wanted{devices: devices, tracked: tracked}
		if tracked && who.remote != nil {
			w.got = who.copy() // better than nothing, should the server not answer
		}
		unknown[user] = w
	}
	return unknown, nil
}

// ask asks a server about users, and keeps what can be kept.
func (k *Keys) ask(ctx context.Context, server string, users map[id.UserID]*wanted) error {
	done, err := k.asking.take(ctx, server)
	if err != nil {
		return err
	}
	defer done()
	question := map[id.UserID][]id.DeviceID{}
	for user, w := range users {
		if w.tracked { // somebody else may have asked while we waited
			who, err := k.person(ctx, user)
			if err != nil {
				return err
			}
			_, fresh, err := k.isFresh(ctx, user, who)
			if err != nil {
				return err
			}
			if fresh {
				w.got = who.copy()
				continue
			}
			question[user] = nil
		} else {
			question[user] = w.devices
		}
		w.heard, _ = k.heard.Get(user)
	}
	if len(question) == 0 {
		return nil
	}
	pos := k.db.Committed()
	answer, err := k.opt.Peers.QueryKeys(ctx, server, question)
	if err != nil {
		return err
	}
	var keep []id.UserID
	for user := range question {
		list := listOf(user, answer)
		users[user].got = list.person()
		if users[user].tracked {
			keep = append(keep, user)
		}
	}
	return k.keep(ctx, pos, keep, func(user id.UserID) *UserDevices { return listOf(user, answer) }, func(user id.UserID) uint64 { return users[user].heard })
}

// keep stores the lists of users that were asked for at pos, unless they have
// changed meanwhile.
func (k *Keys) keep(ctx context.Context, pos matrix.Position, users []id.UserID, list func(id.UserID) *UserDevices, heard func(id.UserID) uint64) error {
	if len(users) == 0 {
		return nil
	}
	return k.db.Write(context.WithoutCancel(ctx), func(tx *storage.Tx) error {
		for _, user := range users {
			if now, _ := k.heard.Peek(user); now != heard(user) {
				continue
			}
			if err := storeList(ctx, tx, user, list(user), pos); err != nil {
				return err
			}
			tx.OnCommit(func() { k.forget(user) })
		}
		return nil
	})
}

func storeList(ctx context.Context, tx *storage.Tx, user id.UserID, l *UserDevices, pos matrix.Position) error {
	if err := remotedevices.DeleteDevices(ctx, tx, user); err != nil {
		return err
	}
	for _, d := range l.Devices {
		if err := remotedevices.PutDevice(ctx, tx, user, remotedevices.Device{ID: d.ID, Name: d.Name, Keys: d.Keys}); err != nil {
			return err
		}
	}
	return remotedevices.Put(ctx, tx, user, remotedevices.List{Stream: l.Stream, Pos: pos, Master: l.Master, SelfSigning: l.SelfSigning})
}
