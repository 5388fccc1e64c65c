package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/rooms/resolve"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// placing says how an event from elsewhere is added.
type placing struct {
	relay    eventlog.Relay // who sends it to the others in the room
	strict   bool           // an event that may not be there is refused, not kept as rejected
	then     []sideline     // further writes of the same transaction
	hidden   bool           // it becomes no head: others are known to have built on it
	gap      bool           // what it is built on is not known, only the state there
	unwanted bool           // the room's policy server does not approve of it
	outlier  *Event         // it is known already, without a place
}

// mark notes who sends the event of b to the others.
func (how placing) mark(b *batch) {
	b.entries[0].Relay = how.relay
	b.events[0].Relay, b.events[0].Handed = how.relay == eventlog.Passed, how.relay == eventlog.Handed
}

// errSoftFailed says that an event was authorised where it was sent, but not by
// the room as it is now: it is kept, and not shown.
//
// Spec: server-server-api#soft-failure
var errSoftFailed = matrix.Errorf(matrix.Forbidden, "The event is not allowed in the room as it is now.")

// place gives an event of another server its place in the room: at the end of
// the log, and in the graph where it says. What it needs is there: its auth
// events, and the states of the events before it. An error says why it was not
// added to the timeline.
//
// Spec: server-server-api#checks-performed-on-receipt-of-a-pdu, steps 4 to 6
func (r *Rooms) place(ctx context.Context, room id.RoomID, p *event.PDU, how placing) (*Event, error) {
	for {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return nil, err
		}
		e, err := rm.place(ctx, p, how)
		if !errors.Is(err, errRetired) {
			return e, err
		}
		r.unload(rm)
	}
}

func (rm *Room) place(ctx context.Context, p *event.PDU, how placing) (*Event, error) {
	refusal, err := rm.authorised(ctx, p)
	if err != nil {
		return nil, err
	}
	if refusal != nil && how.strict {
		return nil, refusal
	}
	rm.write.Lock()
	if rm.write.dead {
		rm.write.Unlock()
		return nil, errRetired
	}
	if refusal == nil && how.outlier == nil && !how.hidden && !how.unwanted && rm.isNext(p) {
		return rm.append(ctx, p, how)
	}
	defer rm.write.Unlock()
	return rm.insert(ctx, p, how, refusal)
}

// isNext reports whether p is built on all the heads of the room, so that the
// state before it is the newest one. The caller holds write.
func (rm *Room) isNext(p *event.PDU) bool {
	heads := rm.write.heads
	if len(heads) == 0 || len(heads) != len(p.Prev) {
		return false
	}
	for _, h := range heads {
		if !slices.Contains(p.Prev, h.id) {
			return false
		}
	}
	return true
}

// append adds an event that is the next one, as it would add one of this
// server. The caller holds write, and append gives it back.
func (rm *Room) append(ctx context.Context, p *event.PDU, how placing) (*Event, error) {
	w := &rm.write
	b := &batch{n: w.queued + 1, then: how.then}
	v := &view{ctx: ctx, rm: rm, levels: w.levels, heads: w.heads}
	if err := v.accept(b, &draft{}, p); err != nil {
		defer w.Unlock()
		var refusal *matrix.Error
		if !errors.As(err, &refusal) || how.strict {
			return nil, err
		}
		return rm.insert(ctx, p, how, refusal)
	}
	how.mark(b)
	if err := rm.redacts(v, b); err != nil {
		w.Unlock()
		return nil, err
	}
	commit := rm.submit(v, b)
	w.Unlock()
	return rm.settle(ctx, b, commit)
}

// settle waits until b is on disk.
func (rm *Room) settle(ctx context.Context, b *batch, commit *storage.Commit) (*Event, error) {
	if err := commit.Wait(ctx); err != nil {
		if ctx.Err() == nil {
			rm.retireSoon()
		}
		return nil, err
	}
	return b.events[0], nil
}

// retireSoon makes the room be loaded again; the caller may hold write.
func (rm *Room) retireSoon() {
	go rm.r.unload(rm)
}

// insert adds an event beside the newest state. The caller holds write.
func (rm *Room) insert(ctx context.Context, p *event.PDU, how placing, refusal error) (*Event, error) {
	// States are compared by positions, which events get when they are written.
	if err := rm.drain(ctx); err != nil {
		return nil, err
	}
	before, err := rm.beforeNew(ctx, p, how)
	if err != nil {
		return nil, err
	}
	e := newEvent(p, rm.id)
	if refusal == nil {
		refusal, err = rm.allowedIn(ctx, p, before)
	}
	switch {
	case err != nil:
		return nil, err
	case refusal != nil && how.strict:
		return nil, refusal
	case refusal != nil:
		return nil, errors.Join(refusal, rm.hide(ctx, e, eventlog.Rejected, before, how))
	}
	if refusal, err = rm.allowedIn(ctx, p, overlay{}); err != nil {
		return nil, err
	}
	if how.unwanted && refusal == nil {
		refusal = matrix.Errorf(matrix.Forbidden, "The policy server of the room does not let this be sent.")
	}
	if refusal != nil {
		if how.strict {
			return nil, refusal
		}
		return nil, errors.Join(errSoftFailed, rm.hide(ctx, e, eventlog.SoftFailed, before, how))
	}
	return rm.fork(ctx, e, before, how)
}

// beforeNew is the state before an event that is to be placed.
func (rm *Room) beforeNew(ctx context.Context, p *event.PDU, how placing) (overlay, error) {
	if how.hidden {
		return rm.before(ctx, how.outlier)
	}
	prevs, err := rm.r.eventsByID(ctx, p.Prev)
	if err != nil {
		return nil, err
	}
	return rm.stateAfterAll(ctx, p.Prev, prevs)
}

// drain waits until nothing of the room is on its way to the disk. The caller
// holds write, so that nothing new comes.
func (rm *Room) drain(ctx context.Context) error {
	if rm.idle() {
		return nil
	}
	if err := rm.r.db.Write(ctx, func(*storage.Tx) error { return nil }); err != nil {
		return err
	}
	if !rm.idle() {
		rm.write.dead = true // a write failed
		return errRetired
	}
	return nil
}

// stateAfterAll is the state after all of the events called ids. Of those that
// are not known nothing is known either.
func (rm *Room) stateAfterAll(ctx context.Context, ids []id.EventID, known map[id.EventID]*Event) (overlay, error) {
	var states []overlay
	for _, ev := range ids {
		e := known[ev]
		if e == nil {
			continue
		}
		o, err := rm.after(ctx, e)
		if err != nil {
			return nil, err
		}
		states = append(states, o)
	}
	if len(states) == 0 {
		return nil, fmt.Errorf("the state before an event is not known: %w", errGap)
	}
	return rm.fold(ctx, states)
}

// allowedIn reports why p may not be added to the state that over describes.
func (rm *Room) allowedIn(ctx context.Context, p *event.PDU, over overlay) (refusal, err error) {
	s := &forkState{ctx: ctx, rm: rm, over: over}
	refusal = auth.Check(p, s)
	return refusal, s.err
}

// fork adds an event to the timeline, whose place in the graph is not at the
// end, or not at the only one.
func (rm *Room) fork(ctx context.Context, e *Event, before overlay, how placing) (*Event, error) {
	w := &rm.write
	number := unborn
	if how.outlier != nil {
		numbers, err := rm.r.numbers(ctx, []id.EventID{e.ID})
		if err != nil {
			return nil, err
		}
		number = numbers[e.ID]
	}
	key := StateKey{Type: e.Type}
	after := overlay{}
	for k, pos := range before {
		after[k] = pos
	}
	if e.IsState() {
		key.Key = *e.StateKey
		after[key] = number
	}
	heads, states, err := rm.headsWith(ctx, e, after, how)
	if err != nil {
		return nil, err
	}
	var more []*event.PDU
	if e.IsState() && number == unborn {
		more = []*event.PDU{e.pdu}
	}
	now, err := rm.fold(ctx, states, more...)
	if err != nil {
		return nil, err
	}
	b := &batch{n: w.queued + 1, then: how.then, events: []*Event{e}, forks: []*eventlog.Fork{rm.forkOf(before)}}
	if err := rm.plan(ctx, b, now, key, number); err != nil {
		return nil, err
	}
	v := &view{ctx: ctx, rm: rm, heads: heads}
	how.mark(b)
	if how.gap {
		b.then = append(slices.Clip(b.then), noteGap)
	}
	if how.outlier != nil {
		b.first = func(ctx context.Context, tx *storage.Tx) error {
			return rm.r.log.Supersede(ctx, tx, how.outlier.Pos, e.ID)
		}
	}
	if err := rm.redacts(v, b); err != nil {
		return nil, err
	}
	// The levels may have changed: they are parsed again.
	out, err := rm.settle(ctx, b, rm.submit(v, b))
	if g := rm.forks.graph; g != nil && err == nil {
		g.Renumber(resolve.Num(unborn), resolve.Num(e.Pos))
	} else {
		rm.forks.graph = nil
	}
	return out, err
}

// noteGap notes that something is missing before an event.
func noteGap(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
	pos := evs[0].Pos
	tx.OnCommit(func() {
		rm.mu.Lock()
		defer rm.mu.Unlock()
		rm.gaps = append(slices.Clip(rm.gaps), pos)
	})
	return rm.r.log.AddGap(ctx, tx, rm.nid, pos)
}

// headsWith returns the room's heads when e is one, and the states after them.
func (rm *Room) headsWith(ctx context.Context, e *Event, after overlay, how placing) ([]head, []overlay, error) {
	var heads []head
	var states []overlay
	var ids []id.EventID
	for _, h := range rm.write.heads {
		if !slices.Contains(e.pdu.Prev, h.id) {
			heads = append(heads, h)
			ids = append(ids, h.id)
		}
	}
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, ev := range ids {
		if known[ev] == nil {
			continue
		}
		o, err := rm.after(ctx, known[ev])
		if err != nil {
			return nil, nil, err
		}
		states = append(states, o)
	}
	if !how.hidden {
		heads = append(heads, head{e.ID, e.Depth})
		states = append(states, after)
	} else if len(states) == 0 {
		heads, states = rm.write.heads, []overlay{{}}
	}
	sortHeads(heads)
	return heads, states, nil
}

// forkOf is how the state before an event is stored.
func (rm *Room) forkOf(before overlay) *eventlog.Fork {
	f := &eventlog.Fork{Base: rm.r.db.Committed()}
	for k, pos := range before {
		if pos != rm.current(k) {
			f.Changes = append(f.Changes, eventlog.ForkChange{Type: k.Type, Key: k.Key, Event: pos})
		}
	}
	return f
}

// plan says what b writes so that the state becomes now. Where the event of b,
// called number in now, becomes state itself, it is written like any other.
func (rm *Room) plan(ctx context.Context, b *batch, now overlay, key StateKey, number matrix.Position) error {
	e := b.events[0]
	var positions []matrix.Position
	for k, pos := range now {
		was := rm.current(k)
		if pos == was {
			delete(now, k)
			continue
		}
		if pos != unborn && pos != 0 {
			positions = append(positions, pos)
		}
		if was != 0 {
			positions = append(positions, was)
		}
	}
	known, err := rm.r.Events(ctx, positions)
	if err != nil {
		return err
	}
	var prev *Event
	own := false
	for k, pos := range now {
		was := known[rm.current(k)]
		if pos == unborn {
			own, prev = true, was
			continue
		}
		b.turns = append(b.turns, turn{key: k, event: known[pos], prev: was})
	}
	slices.SortFunc(b.turns, func(a, b turn) int { return compareKeys(a.key, b.key) })
	entry := (&view{ctx: ctx, rm: rm}).entry(e, &draft{}, prev)
	if !own {
		entry.State, entry.Membership = nil, nil
	}
	b.entries, b.prevs = []*eventlog.Entry{entry}, []*Event{prev}
	return nil
}

func compareKeys(a, b StateKey) int {
	switch {
	case a.Type != b.Type && a.Type < b.Type, a.Type == b.Type && a.Key < b.Key:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// hide keeps an event that is not shown, with the state before it: later ones
// may be built on it.
func (rm *Room) hide(ctx context.Context, e *Event, why eventlog.Hidden, before overlay, how placing) error {
	f := rm.forkOf(before)
	entry := &eventlog.Entry{Room: rm.nid, ID: e.ID, Type: e.Type, StateKey: e.StateKey, Sender: e.Sender, TS: e.TS, JSON: e.PDU, Hidden: why}
	return rm.r.db.Write(ctx, func(tx *storage.Tx) error {
		if how.outlier != nil {
			if err := rm.r.log.Supersede(ctx, tx, how.outlier.Pos, e.ID); err != nil {
				return err
			}
		}
		pos, err := rm.r.log.Append(ctx, tx, entry)
		if err != nil {
			return err
		}
		return rm.r.log.AddFork(ctx, tx, pos, *f)
	})
}

// authorised reports why the events that p names as its authorisation do not
// allow it. They are all known.
//
// Spec: server-server-api#checks-performed-on-receipt-of-a-pdu, step 4
func (rm *Room) authorised(ctx context.Context, p *event.PDU) (refusal, err error) {
	ids := p.Auth
	if p.Rules.Creators && p.Type != "m.room.create" {
		ids = append(slices.Clone(ids), id.EventID("$"+rm.id[1:]))
	}
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	return authorisedBy(p, rm.id, func(ev id.EventID) (*event.PDU, bool) {
		e := known[ev]
		if e == nil {
			return nil, false
		}
		return e.pdu, e.Rejected
	}), nil
}

// authorisedBy is authorised with events from wherever they are.
func authorisedBy(p *event.PDU, room id.RoomID, find func(id.EventID) (_ *event.PDU, rejected bool)) error {
	var named []*event.PDU
	for _, ev := range p.Auth {
		a, rejected := find(ev)
		switch {
		case a == nil:
			return matrix.Errorf(matrix.Forbidden, "Event %s is authorised by %s, which nobody knows.", p.ID, ev)
		case rejected:
			return matrix.Errorf(matrix.Forbidden, "Event %s is authorised by %s, which was rejected.", p.ID, ev)
		}
		named = append(named, a)
	}
	if err := auth.CheckAuthEvents(p, named); err != nil {
		return err
	}
	if p.Rules.Creators && p.Type != "m.room.create" {
		create, _ := find(id.EventID("$" + room[1:]))
		if create == nil {
			return matrix.Errorf(matrix.Forbidden, "The room's first event is not known.")
		}
		named = append(named, create)
	}
	return auth.Check(p, auth.NewMap(named...))
}

// redacts strips what the event of b redacts, and the event of b if something
// that came earlier redacts it.
//
// Spec: rooms/v3#handling-redactions
func (rm *Room) redacts(v *view, b *batch) error {
	e := b.events[0]
	levels := v.Levels()
	b.then = slices.Clip(b.then)
	b.then = append(b.then, func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
		return rm.redactLate(ctx, tx, evs[0], levels)
	})
	if e.Type != "m.room.redaction" || e.Redacts == "" {
		return nil
	}
	targets, err := rm.r.eventsByID(v.ctx, []id.EventID{e.Redacts})
	if err != nil {
		return err
	}
	target := targets[e.Redacts]
	if target == nil {
		b.then = append(b.then, func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
			return rm.r.log.AddEarlyRedaction(ctx, tx, rm.nid, e.Redacts, evs[0].Pos)
		})
		return nil
	}
	if target.Room != rm.id || !rm.mayRedact(levels, e, target) {
		return nil
	}
	form, err := redacted(rm, target)
	if err != nil {
		return err
	}
	if now := v.stateOf(target); now != nil && now.ID == target.ID {
		v.put(form)
	}
	b.then = append(b.then, func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
		return rm.strip(ctx, tx, form, evs[0])
	})
	return nil
}

// mayRedact reports whether the redaction e takes effect on target.
func (rm *Room) mayRedact(levels *auth.PowerLevels, e, target *Event) bool {
	if target.Is("m.room.create", "") {
		return false
	}
	return e.Sender.Homeserver() == target.Sender.Homeserver() || levels.User(e.Sender) >= levels.Redact()
}

// redactLate strips e if it was redacted before it came.
func (rm *Room) redactLate(ctx context.Context, tx *storage.Tx, e *Event, levels *auth.PowerLevels) error {
	early, err := rm.r.log.EarlyRedactions(ctx, tx, rm.nid, e.ID)
	if err != nil || len(early) == 0 {
		return err
	}
	recs, err := rm.r.log.ByPos(ctx, tx, early)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		sender := id.UserID(gjson.GetBytes(rec.JSON, "sender").Str)
		if sender.Homeserver() != e.Sender.Homeserver() && levels.User(sender) < levels.Redact() {
			continue
		}
		form, err := redacted(rm, e)
		if err != nil {
			return err
		}
		return rm.strip(ctx, tx, form, &Event{Pos: rec.Pos})
	}
	return nil
}
