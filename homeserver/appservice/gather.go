package appservice

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee/todevice"
	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
	store "plenum/storage/userdata"
)

// What one transaction holds at most.
const (
	lookAtOnce     = 256 // events that are looked at
	eventsAtOnce   = 100
	receiptsAtOnce = 500
	mailAtOnce     = 100
)

// transaction is what a service is told at once.
type transaction struct {
	c    *courier
	ctx  context.Context
	upto matrix.Position // it holds everything up to here
	// serial is up to where it holds typing and presence.
	serial int64
	more   bool // there is more already

	// What concerns the service, up to upto and perhaps more.
	found    []*rooms.Event
	receipts []store.RoomReceipt
	mail     []todevice.Mail

	devices   devices
	events    tell.Writer
	ephemeral tell.Writer
	toDevice  tell.Writer
}

// gather makes the next transaction of what has happened.
func (c *courier) gather(ctx context.Context) (*transaction, error) {
	now := c.s.DB.Committed()
	t := &transaction{c: c, ctx: ctx, serial: c.s.Data.Serial(), upto: now}
	steps := []func() error{t.find, t.writeEvents}
	if c.to.ephemeral {
		steps = []func() error{t.find, t.findReceipts, t.writeEvents, t.writeReceipts, t.writeTyping, t.writePresence}
	}
	if c.to.devices {
		steps = slices.Insert(steps, 1, t.findMail)
		steps = append(steps, t.writeMail, t.writeDevices)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	t.more = t.upto < now
	return t, nil
}

func (t *transaction) isEmpty() bool {
	return len(t.events.Buf)+len(t.ephemeral.Buf)+len(t.toDevice.Buf) == 0 && t.devices.isEmpty()
}

// find finds the events that concern the service.
func (t *transaction) find() error {
	evs, _, err := t.c.s.Rooms.Next(t.ctx, t.c.at.Pos, lookAtOnce)
	if err != nil {
		return err
	}
	if len(evs) == lookAtOnce {
		t.upto = min(t.upto, evs[lookAtOnce-1].Pos)
	}
	for _, e := range evs {
		if e.Pos > t.upto {
			break
		}
		t.c.inside.heard(e)
		if e.Rejected || e.SoftFailed {
			continue
		}
		concerns, err := t.c.inside.concerns(t.ctx, e)
		if err != nil {
			return err
		}
		if !concerns {
			continue
		}
		if t.found = append(t.found, e); len(t.found) == eventsAtOnce {
			t.upto = e.Pos
		}
	}
	return nil
}

// writeEvents writes the events as clients see them, with their rooms.
func (t *transaction) writeEvents() error {
	evs := slices.DeleteFunc(t.found, func(e *rooms.Event) bool { return e.Pos > t.upto })
	for len(evs) > 0 {
		room, n := evs[0].Room, 1
		for n < len(evs) && evs[n].Room == room {
			n++
		}
		rm, err := t.c.s.Rooms.Room(t.ctx, room)
		if err != nil {
			return err
		}
		as, err := t.c.inside.somebody(t.ctx, rm)
		if err != nil {
			return err
		}
		raw, err := t.c.s.Rooms.AppendEvents(t.ctx, nil, rooms.Encoding{Principal: matrix.Principal{User: as}, RoomID: true}, rm, evs[:n])
		if err != nil {
			return err
		}
		t.events.Raw(raw)
		t.devices.moved(rm, evs[:n])
		evs = evs[n:]
	}
	return nil
}

// somebody returns a user of the service who is in a room, to see it with
// their eyes; its own user when there is nobody.
func (i *inside) somebody(ctx context.Context, rm *rooms.Room) (id.UserID, error) {
	p, err := i.presences(ctx, rm.ID())
	if err != nil {
		return "", err
	}
	for _, user := range p.users {
		if rm.MembershipOf(user) == "join" {
			return user, nil
		}
	}
	return i.of.Sender, nil
}

// findReceipts finds how far people have read.
func (t *transaction) findReceipts() (err error) {
	t.receipts, err = t.c.s.Data.ReceiptsBetween(t.ctx, t.c.at.Pos, t.upto, receiptsAtOnce)
	if err == nil && len(t.receipts) == receiptsAtOnce {
		t.upto = t.receipts[receiptsAtOnce-1].Pos
	}
	return err
}

// writeReceipts writes how far people have read in rooms where the service is.
//
// Spec: application-service-api#receipts
func (t *transaction) writeReceipts() error {
	byRoom := map[id.RoomID][]store.Receipt{}
	var order []id.RoomID
	for _, r := range t.receipts {
		in, err := t.c.inside.at(t.ctx, r.Room, r.Pos)
		if err != nil {
			return err
		}
		if !in || r.Pos > t.upto || r.Private && !t.c.to.Wants(r.User) {
			continue
		}
		if byRoom[r.Room] == nil {
			order = append(order, r.Room)
		}
		byRoom[r.Room] = append(byRoom[r.Room], r.Receipt)
	}
	for _, room := range order {
		for content := range tell.Receipts(byRoom[room], nobody) {
			t.writeEphemeral("m.receipt", room, content)
		}
	}
	return nil
}

func nobody(id.UserID) bool { return false }

// writeEphemeral writes an event of a room that is no part of its history.
func (t *transaction) writeEphemeral(typ string, room id.RoomID, content []byte) {
	w := tell.Writer{Buf: []byte{'{'}}
	w.Name("type")
	w.Text(typ)
	w.Name("room_id")
	w.Text(string(room))
	w.Name("content")
	w.Raw(content)
	t.ephemeral.Raw(append(w.Buf, '}'))
}

// writeTyping writes who types in rooms where the service is.
//
// Spec: application-service-api#typing
func (t *transaction) writeTyping() error {
	for _, in := range t.c.s.Data.TypingAfter(t.c.typing) {
		is, err := t.c.inside.at(t.ctx, in.Room, t.upto)
		if err != nil {
			return err
		}
		if is {
			t.writeEphemeral("m.typing", in.Room, tell.Typing(in.Users, nobody))
		}
	}
	return nil
}
