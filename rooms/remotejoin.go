package rooms

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage/eventlog"
)

// joinElsewhere joins a room through other servers, one after the other until
// one lets the user in.
//
// Spec: server-server-api#joining-rooms
func (r *Rooms) joinElsewhere(ctx context.Context, p matrix.Principal, c MemberChange) error {
	done, err := r.joining.lock(ctx, c.Room)
	if err != nil {
		return err
	}
	defer done()
	ways, err := r.ways(ctx, p.User, c.Room, c.Via)
	if err != nil {
		return err
	}
	if len(ways) == 0 {
		return matrix.Errorf(matrix.NotFound, "No server is known that is in the room.")
	}
	var failed error
	for _, server := range ways {
		err := r.joinThrough(ctx, server, p, c)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = worse(failed, err)
	}
	return refusedElsewhere(failed)
}

// worse returns the error that tells a user more: what a server decided rather
// than that it was not reached.
func worse(a, b error) error {
	var refusal *matrix.Error
	if a == nil || !errors.As(a, &refusal) {
		return b
	}
	return a
}

// refusedElsewhere is what a user is told after other servers failed.
func refusedElsewhere(err error) error {
	var refusal *matrix.Error
	if errors.As(err, &refusal) {
		return err
	}
	return &matrix.Error{Code: matrix.NotFound, Text: "None of the other servers that are asked for this can be reached.", Err: err}
}

func (r *Rooms) joinThrough(ctx context.Context, server string, p matrix.Principal, c MemberChange) (err error) {
	defer matrix.Wrap(&err, "join through %s", server)
	t, err := r.opt.Peers.MakeJoin(ctx, server, c.Room, p.User, event.Versions())
	if err != nil {
		return err
	}
	content, err := r.memberContent(ctx, c, "join", nil)
	if err != nil {
		return err
	}
	pdu, err := r.fromTemplate(c.Room, p.User, t, content)
	if err != nil {
		return err
	}
	answer, err := r.opt.Peers.SendJoin(ctx, server, c.Room, pdu.ID, pdu.JSON, false)
	if err != nil {
		return err
	}
	if len(answer.Event) > 0 { // with the signature of whoever let the user in
		signed, err := event.Parse(pdu.Rules, answer.Event)
		if err == nil && signed.ID == pdu.ID {
			pdu = signed
		}
	}
	return r.enterWith(ctx, server, pdu, answer)
}

// enterWith takes over a room as another server told it, up to a join of a user
// of this server.
func (r *Rooms) enterWith(ctx context.Context, server string, join *event.PDU, answer *JoinAnswer) error {
	state := r.sift(ctx, join.Rules, join.Room, answer.State)
	chain := r.sift(ctx, join.Rules, join.Room, answer.Auth)
	if err := checkCreate(join, state); err != nil {
		return fmt.Errorf("%s: %w", server, err)
	}
	rm, err := r.ensure(ctx, join.Room, join.Rules)
	if err != nil {
		return err
	}
	if err := rm.intake.lock(ctx); err != nil {
		return err
	}
	defer rm.intake.unlock()
	if err := rm.keep(ctx, append(chain, state...)); err != nil {
		return err
	}
	if rm.isResident() { // somebody else of this server was quicker, or the room let nobody in here
		_, err := r.takeIn(ctx, rm, server, join, placing{strict: true, relay: eventlog.Handed})
		return err
	}
	ids := make([]id.EventID, len(state))
	for i, p := range state {
		ids[i] = p.ID
	}
	return r.begin(ctx, rm.id, join, ids)
}

// checkCreate checks that a state has the create event of the room.
func checkCreate(join *event.PDU, state []*event.PDU) error {
	for _, p := range state {
		if !p.Is("m.room.create", "") {
			continue
		}
		version := "1"
		if v := gjson.GetBytes(p.Content, "room_version"); v.Exists() {
			version = v.Str
		}
		if version != join.Rules.Version {
			return errors.New("the room's first event is of another version")
		}
		return nil
	}
	return errors.New("the state lacks the room's first event")
}

// begin makes state, and join on top of it, what this server knows of a room.
func (r *Rooms) begin(ctx context.Context, room id.RoomID, join *event.PDU, state []id.EventID) error {
	for {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return err
		}
		err = rm.begin(ctx, join, state)
		if !errors.Is(err, errRetired) {
			return err
		}
		r.unload(rm)
	}
}

func (rm *Room) begin(ctx context.Context, join *event.PDU, state []id.EventID) error {
	w := &rm.write
	w.Lock()
	defer w.Unlock()
	if w.dead {
		return errRetired
	}
	if err := rm.drain(ctx); err != nil {
		return err
	}
	before, err := rm.asOverlay(ctx, state)
	if err != nil {
		return err
	}
	refusal, err := rm.allowedIn(ctx, join, before)
	if err != nil {
		return err
	}
	if refusal != nil {
		return refusal
	}
	e := newEvent(join, rm.id)
	b := &batch{n: w.queued + 1, events: []*Event{e}, since: rm.current(StateKey{"m.room.create", ""}) == 0}
	key := StateKey{e.Type, *e.StateKey}
	now := before
	if err := rm.plan(ctx, b, now, key, unborn); err != nil {
		return err
	}
	rm.forks.graph = nil
	// The state before is in force one position before the join, which is
	// written like any other event on top of it.
	prev, err := rm.eventIn(ctx, before, key)
	if err != nil {
		return err
	}
	b.entries = []*eventlog.Entry{(&view{ctx: ctx, rm: rm}).entry(e, &draft{}, prev)}
	b.prevs = []*Event{prev}
	placing{relay: eventlog.Handed}.mark(b)
	v := &view{ctx: ctx, rm: rm, heads: []head{{e.ID, e.Depth}}}
	_, err = rm.settle(ctx, b, rm.submit(v, b))
	return err
}

// eventIn returns the event under k in the state that o describes.
func (rm *Room) eventIn(ctx context.Context, o overlay, k StateKey) (*Event, error) {
	pos := o.in(rm, k)
	if pos == 0 {
		return nil, nil
	}
	evs, err := rm.r.Events(ctx, []matrix.Position{pos})
	return evs[pos], err
}
