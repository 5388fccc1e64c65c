package rooms

import (
	"context"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// draft is an event to be added to a room, with what is written beside it.
type draft struct {
	event.Draft
	txn *eventlog.TxnWrite
}

// errRetired says that the room in memory is no longer the one to write to.
var errRetired = errors.New("the room was loaded again")

// errNothing says that there was nothing to add: all is as it should be.
var errNothing = errors.New("nothing to add")

// batch is what one call of add puts into the log together.
type batch struct {
	n       int64
	events  []*Event
	entries []*eventlog.Entry
	prevs   []*Event   // the state event that each one replaces; its position is known when this is stored
	then    []sideline // further writes of the same transaction
	fresh   bool       // the batch makes the room itself

	// Of what other servers sent; see Room.place.
	turns []turn                                   // changes of the state that the events do not make themselves
	at    matrix.Position                          // from where on turns are in force; known when they are stored
	since bool                                     // the room's state is known from there on
	forks []*eventlog.Fork                         // per event; nil, or shorter: it was added to the newest state
	heads []head                                   // the room's heads afterwards
	first func(context.Context, *storage.Tx) error // what is written before; nil: nothing
}

// turn is a change of a room's state that no new event makes.
type turn struct {
	key         StateKey
	event, prev *Event // nil: nothing
}

// sideline is a write beside the events of a batch, in the same transaction.
// It gets the events with their positions, and may run again.
type sideline func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error

// add builds drafts on the room's newest state, authorises and signs them, and
// returns when they are on disk. All are added or none.
//
// next makes the drafts one after the other: it is asked for draft i when the
// one before is part of the state, and returns nil at the end.
func (r *Rooms) add(ctx context.Context, room id.RoomID, next func(w *view, i int) (*draft, error), then ...sideline) ([]*Event, error) {
	for {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return nil, err
		}
		evs, err := rm.add(ctx, next, then...)
		switch {
		case errors.Is(err, errNothing):
			return nil, nil
		case !errors.Is(err, errRetired):
			return evs, err
		}
		r.unload(rm)
	}
}

// addOne adds one event whose draft does not depend on the room's state.
func (r *Rooms) addOne(ctx context.Context, room id.RoomID, d draft, then ...sideline) (*Event, error) {
	evs, err := r.add(ctx, room, func(_ *view, i int) (*draft, error) {
		if i > 0 {
			return nil, nil
		}
		one := d
		return &one, nil
	}, then...)
	if err != nil {
		return nil, err
	}
	return evs[0], nil
}

// unload drops rm from memory after everything it queued has ended.
func (r *Rooms) unload(rm *Room) {
	rm.retire()
	// A barrier: writes that rm queued before are through when this one is.
	_ = r.db.Write(context.Background(), func(*storage.Tx) error { return nil })
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.rooms[rm.id]; s != nil && s.holds(rm) {
		delete(r.rooms, rm.id)
	}
}

func (rm *Room) add(ctx context.Context, next func(*view, int) (*draft, error), then ...sideline) ([]*Event, error) {
	var b *batch
	var commit *storage.Commit
	err := rm.queueApproved(ctx, func(a *approvals) (err error) {
		b, commit, err = rm.queue(ctx, next, then, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The write happens whether or not the caller waits for it.
	if err := commit.Wait(ctx); err != nil {
		if ctx.Err() == nil {
			rm.r.unload(rm)
		}
		return nil, err
	}
	return b.events, nil
}

// queue builds a batch and hands it to the log, in the room's order.
func (rm *Room) queue(ctx context.Context, next func(*view, int) (*draft, error), then []sideline, a *approvals) (*batch, *storage.Commit, error) {
	w := &rm.write
	w.Lock()
	defer w.Unlock()
	if w.dead {
		return nil, nil, errRetired
	}
	b := &batch{n: w.queued + 1, then: then}
	v := &view{ctx: ctx, rm: rm, levels: w.levels, heads: w.heads, approvals: a}
	for i := 0; ; i++ {
		d, err := next(v, i)
		if err != nil {
			return nil, nil, err
		}
		if d == nil {
			break
		}
		if err := v.build(b, d); err != nil {
			return nil, nil, err
		}
	}
	if len(b.events) == 0 {
		return nil, nil, errNothing
	}
	return b, rm.submit(v, b), nil
}

// submit hands a batch that was built on v to the log. The caller holds write.
func (rm *Room) submit(v *view, b *batch) *storage.Commit {
	w := &rm.write
	w.queued = b.n
	w.levels, w.heads, b.heads = v.levels, v.heads, v.heads
	rm.mu.Lock()
	for k, e := range v.over {
		rm.pending[k] = e
	}
	rm.mu.Unlock()
	return rm.r.db.Submit(func(tx *storage.Tx) error { return rm.store(tx, b) })
}

// build makes the event of d, checks it against the view and puts it there.
func (v *view) build(b *batch, d *draft) error {
	rm := v.rm
	d.Room = rm.id
	d.Prev, d.Depth = nil, 1
	for _, h := range v.heads[max(0, len(v.heads)-event.MaxPrev):] {
		d.Prev = append(d.Prev, h.id)
		d.Depth = max(d.Depth, min(h.depth+1, event.MaxDepth))
	}
	switch {
	case d.TS != 0:
	case v.approvals != nil:
		d.TS = v.approvals.ts
	default:
		d.TS = rm.r.opt.Now().UnixMilli()
	}
	probe := &event.PDU{Room: rm.id, Sender: d.Sender, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Redacts: d.Redacts, Rules: rm.rules}
	d.Auth = nil
	for _, k := range auth.Needed(probe) {
		if e := v.Event(k.Type, k.Key); e != nil {
			d.Auth = append(d.Auth, e.ID)
		}
	}
	p, err := event.Build(rm.rules, d.Draft, rm.r.opt.Signer)
	if err != nil {
		return err
	}
	return v.accept(b, d, p)
}

// accept checks p, the event of d, against the view and makes it part of it.
func (v *view) accept(b *batch, d *draft, p *event.PDU) error {
	err := auth.Check(p, v)
	if v.err != nil {
		return v.err
	}
	if err != nil {
		return err
	}
	if p, err = v.approve(p); err != nil {
		return err
	}
	e := newEvent(p, v.rm.id)
	b.events = append(b.events, e)
	prev := v.stateOf(e)
	b.prevs = append(b.prevs, prev)
	b.entries = append(b.entries, v.entry(e, d, prev))
	v.heads = []head{{e.ID, e.Depth}}
	if e.IsState() {
		v.put(e)
	}
	return nil
}

// entryOf says what is to be written of an event that changes no state.
func entryOf(e *Event) *eventlog.Entry {
	out := &eventlog.Entry{
		ID: e.ID, Type: e.Type, StateKey: e.StateKey, Sender: e.Sender, TS: e.TS, JSON: e.PDU,
		Relation: eventlog.Relation{Parent: e.RelatesTo, Type: e.RelType},
	}
	if e.RelatesTo == "" || e.RelType == "" || len(e.RelType) > 255 || len(e.RelatesTo) > 255 {
		out.Relation = eventlog.Relation{}
	}
	return out
}

// entry says what is to be written of e.
func (v *view) entry(e *Event, d *draft, old *Event) *eventlog.Entry {
	out := entryOf(e)
	out.Txn = d.txn
	if !e.IsState() {
		return out
	}
	out.State = &eventlog.StateWrite{}
	if e.Type == "m.room.member" {
		m := &eventlog.MembershipWrite{User: id.UserID(*e.StateKey), Is: eventlog.ParseMembership(e.Membership())}
		if old != nil {
			m.Was = eventlog.ParseMembership(old.Membership())
		}
		if m.Is == eventlog.Invite || m.Is == eventlog.Knock {
			m.Stripped = v.stripped(e)
		}
		out.Membership = m
	}
	return out
}

// store writes a batch. It runs in the log's writer and may run again.
func (rm *Room) store(tx *storage.Tx, b *batch) error {
	w := &rm.write
	// A batch builds on the one before it; when that failed, so does this.
	if w.done != b.n-1 && (w.run != tx.Run() || w.ran != b.n-1) {
		return errRetired
	}
	ctx := context.Background()
	if b.fresh {
		nid, err := rm.r.log.AddRoom(ctx, tx, rm.id, rm.rules.Version, rm.r.opt.Now().UnixMilli())
		if err != nil {
			return err
		}
		rm.nid = nid
	}
	if b.first != nil {
		if err := b.first(ctx, tx); err != nil {
			return err
		}
	}
	if err := rm.storeTurns(ctx, tx, b); err != nil {
		return err
	}
	for i, entry := range b.entries {
		entry.Room = rm.nid
		if b.prevs[i] != nil && entry.State != nil {
			entry.State.Prev = b.prevs[i].Pos
			b.events[i].Replaces = b.prevs[i].Pos
		}
		pos, err := rm.r.log.Append(ctx, tx, entry)
		if err != nil {
			return err
		}
		b.events[i].Pos = pos
		if err := rm.r.sticky.stick(ctx, tx, rm, b.events[i]); err != nil {
			return err
		}
		if entry.Membership != nil {
			tx.Wake(UserTopic(entry.Membership.User))
		}
	}
	if err := rm.storeHeads(ctx, tx, b); err != nil {
		return err
	}
	tx.OnCommit(func() { rm.commit(b) })
	for _, fn := range b.then {
		if err := fn(ctx, tx, rm, b.events); err != nil {
			return err
		}
	}
	// Followers come last: they find everything as it is now.
	tx.OnCommit(func() { rm.r.feed.publish(b.events) })
	w.run, w.ran = tx.Run(), b.n
	tx.Wake(rm.topic)
	return nil
}

// RoomTopic is the wake topic of everything that happens in room: events,
// receipts, typing.
func RoomTopic(room id.RoomID) string { return "room:" + string(room) }

// UserTopic is the wake topic of what concerns user alone: memberships,
// account data and the like.
func UserTopic(user id.UserID) string { return "user:" + string(user) }

// commit makes a batch visible to readers.
func (rm *Room) commit(b *batch) {
	if b.fresh {
		rm.r.admit(rm)
	}
	rm.r.children.apply(rm.nid, b.events)
	rm.apply(b)
	rm.r.lasts.saw(rm.id, b.events[len(b.events)-1].Pos)
	rm.r.kinds.saw(rm.id, b.turned())
	rm.r.kinds.saw(rm.id, b.events)
	rm.r.users.apply(rm, b)
	rm.r.txns.apply(b)
}
