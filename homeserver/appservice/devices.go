package appservice

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/rooms"
)

// devices is what a service hears that encrypts: whose keys changed, and what
// its own devices have left to be given out.
type devices struct {
	came, went map[id.UserID]bool // in encrypted rooms where the service is
	arrived    map[id.RoomID]bool // encrypted rooms that a user of the service came to
	own        map[id.UserID]bool // users of the service that the transaction is about
	changed    []id.UserID
	left       []id.UserID
}

func (d *devices) isEmpty() bool { return len(d.changed)+len(d.left) == 0 }

// moved notes who came to a room and who went.
func (d *devices) moved(rm *rooms.Room, evs []*rooms.Event) {
	if d.came == nil {
		d.came, d.went, d.arrived = map[id.UserID]bool{}, map[id.UserID]bool{}, map[id.RoomID]bool{}
	}
	for _, e := range evs {
		switch is := e.Membership(); {
		case e.Is("m.room.encryption", ""):
			d.arrived[rm.ID()] = true // whose keys nobody needed before
		case is == "join":
			d.came[id.UserID(*e.StateKey)] = true
			d.arrived[rm.ID()] = d.arrived[rm.ID()]
		case is != "":
			d.went[id.UserID(*e.StateKey)] = true
		}
	}
}

// writeDevices finds whose keys the service has to ask for again.
func (t *transaction) writeDevices() error {
	d := &t.devices
	candidates := map[id.UserID]bool{}
	for _, user := range t.c.s.Keys.ChangedBetween(t.c.at.Pos, t.upto) {
		candidates[user] = true
	}
	if err := t.met(candidates); err != nil {
		return err
	}
	for user := range candidates {
		shares, err := t.shares(user, true)
		if err != nil {
			return err
		}
		if shares {
			d.changed = append(d.changed, user)
		}
	}
	for user := range d.went {
		shares, err := t.shares(user, true)
		if err != nil {
			return err
		}
		if !shares && !candidates[user] {
			d.left = append(d.left, user)
		}
	}
	slices.Sort(d.changed)
	slices.Sort(d.left)
	return nil
}

// met adds those whom the service began to share an encrypted room with.
func (t *transaction) met(candidates map[id.UserID]bool) error {
	all := slices.Collect(maps.Keys(t.devices.arrived))
	kinds, err := t.c.s.Rooms.Kinds(t.ctx, all)
	if err != nil {
		return err
	}
	came := slices.ContainsFunc(slices.Collect(maps.Keys(t.devices.came)), t.c.to.Wants)
	for n, room := range all {
		if !kinds[n].Encrypted {
			continue
		}
		maps.Copy(candidates, t.devices.came)
		if !t.devices.arrived[room] && !came {
			continue
		}
		rm, err := t.c.s.Rooms.Room(t.ctx, room)
		if err != nil {
			return err
		}
		for _, user := range rm.Members("join") {
			candidates[user] = true
		}
	}
	return nil
}

// findMail finds the messages to devices of the service.
func (t *transaction) findMail() (err error) {
	t.mail, t.upto, err = t.c.s.ToDevice.MailBetween(t.ctx, t.c.at.Pos, t.upto, mailAtOnce, t.c.to.Owns)
	return err
}

// writeMail writes the messages to devices of the service.
//
// Spec: application-service-api#pushing-ephemeral-data
func (t *transaction) writeMail() error {
	for _, m := range t.mail {
		if m.Pos > t.upto {
			break
		}
		raw, err := sjson.SetBytes(m.JSON, "to_user_id", string(m.User))
		if err == nil {
			raw, err = sjson.SetBytes(raw, "to_device_id", string(m.Device))
		}
		if err != nil {
			return err
		}
		t.toDevice.Raw(raw)
		t.owns(m.User)
	}
	return nil
}

func (t *transaction) owns(user id.UserID) {
	if t.devices.own == nil {
		t.devices.own = map[id.UserID]bool{}
	}
	t.devices.own[user] = true
}

// stocks returns what the devices that the transaction is about have left: of
// the service's own user, and of whoever is written to.
func (t *transaction) stocks() (counts, fallbacks json.RawMessage, err error) {
	left := map[id.UserID]map[id.DeviceID]map[string]int{}
	unused := map[id.UserID]map[id.DeviceID][]string{}
	t.owns(t.c.to.Sender)
	for user := range t.devices.own {
		all, err := t.c.s.Devices.DeviceIDs(t.ctx, user)
		if err != nil {
			return nil, nil, err
		}
		for _, device := range all {
			var s *e2ee.Stock
			if s, err = t.c.s.Keys.Stock(t.ctx, user, device); err != nil {
				return nil, nil, err
			}
			if left[user] == nil {
				left[user], unused[user] = map[id.DeviceID]map[string]int{}, map[id.DeviceID][]string{}
			}
			left[user][device], unused[user][device] = s.OneTime, s.UnusedFallbacks
		}
	}
	if counts, err = json.Marshal(left); err == nil {
		fallbacks, err = json.Marshal(unused)
	}
	return counts, fallbacks, err
}
