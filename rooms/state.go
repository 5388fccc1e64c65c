package rooms

import (
	"context"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

const (
	minPos matrix.Position = math.MinInt64 + 1
	maxPos matrix.Position = math.MaxInt64
)

// applyState makes e, nil for nothing, the newest version of an entry, from at
// on. The caller holds mu.
func (rm *Room) applyState(k StateKey, at matrix.Position, e *Event) {
	event, is := matrix.Position(0), eventlog.None
	if e != nil {
		event, is = e.Pos, eventlog.ParseMembership(e.Membership())
	}
	rm.state.change(k, at, event)
	switch k.Type {
	case "m.room.member":
		rm.setMember(id.UserID(k.Key), is)
	case "m.room.history_visibility":
		rm.exposure = nil
	}
	if k.Key == "" {
		rm.summary = nil
	}
}

// State is a room's state after a position.
type State struct {
	rm  *Room
	pos matrix.Position
	old map[StateKey]matrix.Position // entries whose version then is not in memory; 0: none
}

// StateAt returns the state after everything up to pos. It costs what changed
// since then, not what is there.
func (rm *Room) StateAt(ctx context.Context, pos matrix.Position) (*State, error) {
	pos = max(pos, rm.since)
	s := &State{rm: rm, pos: pos}
	if rm.remembers(pos) {
		return s, nil
	}
	changes, err := rm.changes(ctx, pos, maxPos)
	if err != nil {
		return nil, err
	}
	s.old = make(map[StateKey]matrix.Position, len(changes))
	for i := len(changes) - 1; i >= 0; i-- { // the oldest change after pos knows what stood there
		c := changes[i]
		s.old[StateKey{c.Type, c.Key}] = 0
		if c.Prev != nil {
			s.old[StateKey{c.Type, c.Key}] = *c.Prev
		}
	}
	return s, nil
}

// remembers reports whether the state after pos can be told from memory.
func (rm *Room) remembers(pos matrix.Position) bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	for c := range rm.state.since(pos) {
		if _, known := c.now.at(pos); !known {
			return false
		}
	}
	return true
}

func (rm *Room) changes(ctx context.Context, after, upto matrix.Position) (changes []eventlog.StateChange, err error) {
	err = rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		changes, err = rm.r.log.StateChanges(ctx, tx, rm.nid, after, upto)
		return err
	})
	return changes, err
}

// Get returns the position of the event under typ and key.
func (s *State) Get(typ, key string) (matrix.Position, bool) {
	k := StateKey{typ, key}
	s.rm.mu.RLock()
	defer s.rm.mu.RUnlock()
	return s.get(k, s.rm.state.get(k))
}

func (s *State) get(k StateKey, e *entry) (matrix.Position, bool) {
	if pos, ok := s.old[k]; ok {
		return pos, pos != 0
	}
	if v, _ := e.at(s.pos); v != nil && v.event != 0 {
		return v.event, true
	}
	return 0, false
}

// Positions returns the events of the whole state that keep accepts, in no
// order. keep must not call methods of the room.
func (s *State) Positions(keep func(StateKey) bool) []matrix.Position {
	s.rm.mu.RLock()
	defer s.rm.mu.RUnlock()
	var out []matrix.Position
	if keep == nil {
		out = make([]matrix.Position, 0, len(s.rm.state.cells))
	}
	for k, c := range s.rm.state.cells {
		if keep != nil && !keep(k) {
			continue
		}
		if pos, ok := s.get(k, c.now); ok {
			out = append(out, pos)
		}
	}
	return out
}

// OfType returns the events of the state under typ that keep accepts, in no
// order. keep must not call methods of the room.
func (s *State) OfType(typ string, keep func(StateKey) bool) []matrix.Position {
	if typ == "m.room.member" {
		return s.Positions(func(k StateKey) bool { return k.Type == typ && keep(k) })
	}
	s.rm.mu.RLock()
	defer s.rm.mu.RUnlock()
	var out []matrix.Position
	for _, c := range s.rm.state.types[typ] {
		if !keep(c.key) {
			continue
		}
		if pos, ok := s.get(c.key, c.now); ok {
			out = append(out, pos)
		}
	}
	return out
}

// Events returns the events of the state that keep accepts (nil: all), in log order.
func (s *State) Events(ctx context.Context, keep func(StateKey) bool) ([]*Event, error) {
	return s.rm.r.inOrder(ctx, s.Positions(keep))
}

// StateChange is the last change of one state entry in a span of the log.
type StateChange struct {
	Key   StateKey
	Pos   matrix.Position // of the change
	Event matrix.Position // what stands there now; 0: nothing
	Prev  matrix.Position // what stood there before the span; 0: nothing
}

// StateChanges returns what differs between the state after `after` and the
// state after upto, one change per entry, in log order. Like StateAt it costs
// what changed since.
func (rm *Room) StateChanges(ctx context.Context, after, upto matrix.Position) ([]StateChange, error) {
	if out, ok := rm.recentChanges(after, upto); ok {
		return out, nil
	}
	changes, err := rm.changes(ctx, after, upto)
	if err != nil {
		return nil, err
	}
	at := map[StateKey]int{}
	var out []StateChange
	for _, c := range changes {
		k := StateKey{c.Type, c.Key}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, StateChange{Key: k})
			if c.Prev != nil {
				out[i].Prev = *c.Prev
			}
		}
		out[i].Pos, out[i].Event = c.Pos, 0
		if c.Event != nil {
			out[i].Event = *c.Event
		}
	}
	sortBy(out, func(c StateChange) matrix.Position { return c.Pos })
	return out, nil
}

// recentChanges answers StateChanges from memory, if it reaches back far enough.
func (rm *Room) recentChanges(after, upto matrix.Position) ([]StateChange, bool) {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	var out []StateChange
	for c := range rm.state.since(after) {
		is, known := c.now.at(upto)
		if !known {
			return nil, false
		}
		if is == nil || is.pos <= after {
			continue
		}
		was, known := is.at(after)
		if !known {
			return nil, false
		}
		change := StateChange{Key: c.key, Pos: is.pos, Event: is.event}
		if was != nil {
			change.Prev = was.event
		}
		out = append(out, change)
	}
	sortBy(out, func(c StateChange) matrix.Position { return c.Pos })
	return out, true
}

// Current returns the event of the room's state under typ and key, nil when there is none.
func (rm *Room) Current(ctx context.Context, typ, key string) (*Event, error) {
	rm.mu.RLock()
	e := rm.state.get(StateKey{typ, key})
	rm.mu.RUnlock()
	if e == nil || e.event == 0 {
		return nil, nil
	}
	evs, err := rm.r.Events(ctx, []matrix.Position{e.event})
	return evs[e.event], err
}

// CurrentState returns the events of the room's state that keep accepts (nil: all), in log order.
func (rm *Room) CurrentState(ctx context.Context, keep func(StateKey) bool) ([]*Event, error) {
	s := &State{rm: rm, pos: maxPos}
	return s.Events(ctx, keep)
}
