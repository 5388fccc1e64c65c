package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// overlay is how a state differs from the newest one that is committed. States
// of forks differ in a few entries, however large the room is.
type overlay map[StateKey]matrix.Position // 0: nothing stands there

// current returns the number of the event that is the committed state.
func (rm *Room) current(k StateKey) matrix.Position {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	if e := rm.state.get(k); e != nil {
		return e.event
	}
	return 0
}

// in returns what stands under k in the state that o describes.
func (o overlay) in(rm *Room, k StateKey) matrix.Position {
	if pos, ok := o[k]; ok {
		return pos
	}
	return rm.current(k)
}

// past returns the state of the room after pos.
func (rm *Room) past(ctx context.Context, pos matrix.Position) (overlay, error) {
	rm.mu.RLock()
	pos = max(pos, rm.since)
	rm.mu.RUnlock()
	changes, err := rm.StateChanges(ctx, pos, maxPos)
	if err != nil {
		return nil, err
	}
	o := make(overlay, len(changes))
	for _, c := range changes {
		o[c.Key] = c.Prev
	}
	return o, nil
}

// before returns the state before e in the graph of events.
func (rm *Room) before(ctx context.Context, e *Event) (overlay, error) {
	o, _, err := rm.beforeAnd(ctx, e)
	return o, err
}

// beforeAnd is before, and tells whether e has forked the room.
func (rm *Room) beforeAnd(ctx context.Context, e *Event) (o overlay, forked bool, err error) {
	var f eventlog.Fork
	err = rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		f, forked, err = rm.r.log.Fork(ctx, tx, e.Pos)
		if err == nil && !forked && e.Pos > 0 && !e.Outlier {
			return nil
		}
		if err == nil && !forked { // it may have had its state before it got a place
			var numbers map[id.EventID]matrix.Position
			if numbers, err = rm.r.log.Numbers(ctx, tx, []id.EventID{e.ID}); err == nil && numbers[e.ID] != e.Pos {
				f, forked, err = rm.r.log.Fork(ctx, tx, numbers[e.ID])
			}
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if !forked {
		o, err = rm.past(ctx, e.Pos-1)
		return o, false, err
	}
	if o, err = rm.past(ctx, f.Base); err != nil {
		return nil, true, err
	}
	for _, c := range f.Changes {
		o[StateKey{c.Type, c.Key}] = c.Event
	}
	return o, true, nil
}

// after returns the state after e in the graph of events.
func (rm *Room) after(ctx context.Context, e *Event) (overlay, error) {
	o, forked, err := rm.beforeAnd(ctx, e)
	if err != nil {
		return nil, err
	}
	if !forked && !e.Outlier {
		return rm.past(ctx, e.Pos)
	}
	if !e.IsState() || e.Rejected {
		return o, nil
	}
	numbers, err := rm.r.numbers(ctx, []id.EventID{e.ID})
	if err != nil {
		return nil, err
	}
	o[StateKey{e.Type, *e.StateKey}] = numbers[e.ID]
	return o, nil
}

// numbers returns by which positions the state refers to events.
func (r *Rooms) numbers(ctx context.Context, ids []id.EventID) (out map[id.EventID]matrix.Position, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		out, err = r.log.Numbers(ctx, tx, ids)
		return err
	})
	return out, err
}

// hasState reports whether the state at e is known: it has a place in the room
// since the state is known, or a state of its own.
func (rm *Room) hasState(ctx context.Context, e *Event) (bool, error) {
	rm.mu.RLock()
	since := rm.since
	rm.mu.RUnlock()
	if !e.Outlier && e.Pos > since {
		return true, nil
	}
	_, forked, err := rm.beforeAnd(ctx, e)
	return forked, err
}

// StateBefore returns the room's state before e in the graph of events, which
// on a fork is not the one before e in the log.
func (rm *Room) StateBefore(ctx context.Context, e *Event) (*State, error) {
	o, err := rm.before(ctx, e)
	return &State{rm: rm, pos: maxPos, old: o}, err
}

// StateAfter returns the room's state after e in the graph of events.
func (rm *Room) StateAfter(ctx context.Context, e *Event) (*State, error) {
	o, err := rm.after(ctx, e)
	return &State{rm: rm, pos: maxPos, old: o}, err
}

// forkState is the state of a fork, to check events against.
type forkState struct {
	ctx    context.Context
	rm     *Room
	over   overlay
	levels *auth.PowerLevels
	err    error // of reading
}

// Get implements auth.State.
func (s *forkState) Get(typ, key string) *event.PDU {
	if e := s.event(typ, key); e != nil {
		return e.pdu
	}
	return nil
}

func (s *forkState) event(typ, key string) *Event {
	pos := s.over.in(s.rm, StateKey{typ, key})
	if pos == 0 {
		return nil
	}
	evs, err := s.rm.r.Events(s.ctx, []matrix.Position{pos})
	if err != nil {
		s.err = err
	}
	return evs[pos]
}

// Levels implements auth.State.
func (s *forkState) Levels() *auth.PowerLevels {
	if s.levels == nil {
		s.levels = auth.LevelsOf(s)
	}
	return s.levels
}
