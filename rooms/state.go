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
	// versionsKept bounds the former versions of a state entry in memory;
	// older ones are read from the log.
	versionsKept = 4
)

// entry is a version of one state entry, in force from pos on.
type entry struct {
	pos   matrix.Position
	event matrix.Position // 0: removed
	id    id.EventID
	older *entry // the version before; unknown: ask the log; nil: none
}

// unknown marks that older versions are in the log only.
var unknown = &entry{}

// at returns the version in force after pos. known is false when the log has to be asked.
func (e *entry) at(pos matrix.Position) (v *entry, known bool) {
	for ; e != nil && e != unknown; e = e.older {
		if e.pos <= pos {
			return e, true
		}
	}
	return nil, e == nil
}

// applyState makes e the newest version of its entry. The caller holds mu.
func (rm *Room) applyState(e *Event) {
	key := StateKey{e.Type, *e.StateKey}
	v := &entry{pos: e.Pos, event: e.Pos, id: e.ID, older: rm.state[key]}
	for n, cut := 1, v; cut != nil && cut != unknown; n, cut = n+1, cut.older {
		if n == versionsKept && cut.older != nil {
			cut.older = unknown
			break
		}
	}
	rm.state[key] = v
	if e.Type == "m.room.member" {
		rm.members.set(id.UserID(*e.StateKey), eventlog.ParseMembership(e.Membership()))
	}
}

// State is a room's state after a position.
type State struct {
	rm  *Room
	pos matrix.Position
	old map[StateKey]matrix.Position // entries that had another version then; 0: none
}

// StateAt returns the state after everything up to pos.
func (rm *Room) StateAt(ctx context.Context, pos matrix.Position) (*State, error) {
	s := &State{rm: rm, pos: pos, old: map[StateKey]matrix.Position{}}
	rm.mu.RLock()
	ask := false
	for _, e := range rm.state {
		if e.pos > pos {
			if _, known := e.at(pos); !known {
				ask = true
				break
			}
		}
	}
	rm.mu.RUnlock()
	if !ask {
		return s, nil
	}
	changes, err := rm.changes(ctx, pos, maxPos)
	for i := len(changes) - 1; i >= 0; i-- { // the oldest change after pos knows what stood there
		c := changes[i]
		s.old[StateKey{c.Type, c.Key}] = 0
		if c.Prev != nil {
			s.old[StateKey{c.Type, c.Key}] = *c.Prev
		}
	}
	return s, err
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
	return s.get(k, s.rm.state[k])
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

// Positions returns the events of the whole state that keep accepts, in no order.
func (s *State) Positions(keep func(StateKey) bool) []matrix.Position {
	s.rm.mu.RLock()
	defer s.rm.mu.RUnlock()
	out := make([]matrix.Position, 0, len(s.rm.state))
	for k, e := range s.rm.state {
		if keep != nil && !keep(k) {
			continue
		}
		if pos, ok := s.get(k, e); ok {
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
// state after upto, one change per entry.
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
	return out, nil
}

// recentChanges answers StateChanges from the tail, which holds every change
// of a span that lies within it.
func (rm *Room) recentChanges(after, upto matrix.Position) ([]StateChange, bool) {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	if after < rm.tailLow {
		return nil, false
	}
	var out []StateChange
	for i := len(rm.tail) - 1; i >= 0 && rm.tail[i].Pos > after; i-- {
		e := rm.tail[i]
		if e.Pos > upto || !e.IsState() {
			continue
		}
		k := StateKey{e.Type, *e.StateKey}
		if containsKey(out, k) {
			continue
		}
		was, known := rm.state[k].at(after)
		if !known {
			return nil, false
		}
		c := StateChange{Key: k, Pos: e.Pos, Event: e.Pos}
		if was != nil {
			c.Prev = was.event
		}
		out = append(out, c)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, true
}

func containsKey(changes []StateChange, k StateKey) bool {
	for _, c := range changes {
		if c.Key == k {
			return true
		}
	}
	return false
}

// Current returns the event of the room's state under typ and key, nil when there is none.
func (rm *Room) Current(ctx context.Context, typ, key string) (*Event, error) {
	rm.mu.RLock()
	e := rm.state[StateKey{typ, key}]
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
