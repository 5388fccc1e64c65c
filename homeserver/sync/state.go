package sync

import (
	"cmp"
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// positions is a set of events.
type positions map[matrix.Position]struct{}

func (p positions) add(pos matrix.Position) {
	if pos != 0 {
		p[pos] = struct{}{}
	}
}

// writeState writes the state that the client needs to make sense of the
// timeline: what held at its start, or at its end if that was asked for.
//
// Spec: client-server-api#syncing
func (st *stay) writeState(ctx context.Context) error {
	evs, err := st.state(ctx)
	if err != nil {
		return err
	}
	if st.hasState = len(evs) > 0; !st.hasState {
		return nil
	}
	list := st.out.OpenEvents(cmp.Or(st.stateAfter, "state"))
	err = st.writeEvents(ctx, evs, false)
	st.out.CloseEvents(list)
	return err
}

// state returns the events of writeState in log order.
func (st *stay) state(ctx context.Context) ([]*rooms.Event, error) {
	if st.filter.Room.State.IsShut() {
		return nil, nil
	}
	at := st.settled
	if st.stateAfter == "" {
		at = min(st.timeline.Start, st.settled)
	}
	set, err := st.stateUpTo(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := st.addUnshown(ctx, set, at); err != nil {
		return nil, err
	}
	if err := st.addMembers(ctx, set, at); err != nil {
		return nil, err
	}
	evs, err := st.eventsAt(ctx, set)
	if err != nil {
		return nil, err
	}
	evs = slices.DeleteFunc(evs, func(e *rooms.Event) bool { return !e.Passes(&st.filter.Room.State) })
	return evs, st.rememberMembers(evs, st.timeline.Events)
}

// stateUpTo returns the state that holds after at, or of it what changed since
// the client heard of the room. Members are left out when they are loaded
// lazily and the whole state is told.
func (st *stay) stateUpTo(ctx context.Context, at matrix.Position) (positions, error) {
	set := positions{}
	if st.whole() {
		state, err := st.rm.StateAt(ctx, at)
		if err != nil {
			return nil, err
		}
		for _, pos := range state.Positions(st.isWanted) {
			set.add(pos)
		}
		return set, nil
	}
	changes, err := st.rm.StateChanges(ctx, st.from, at)
	for _, c := range changes {
		set.add(c.Event)
	}
	return set, err
}

// isWanted reports whether an entry is part of the whole state for the client.
func (st *stay) isWanted(k rooms.StateKey) bool {
	return k.Type != "m.room.member" || !st.filter.Room.State.LazyLoadMembers || k.Key == string(st.who.User)
}

// addUnshown makes up for changes after at that the timeline does not show,
// because a filter keeps them out: the client would miss them for ever.
func (st *stay) addUnshown(ctx context.Context, set positions, at matrix.Position) error {
	changes, err := st.rm.StateChanges(ctx, at, st.settled)
	for _, c := range changes {
		if st.timeline.Shows(c.Event) || st.whole() && !st.isWanted(c.Key) {
			continue
		}
		delete(set, c.Prev)
		set.add(c.Event)
	}
	return err
}

// eventsAt returns the events of set in log order.
func (st *stay) eventsAt(ctx context.Context, set positions) ([]*rooms.Event, error) {
	if len(set) == 0 {
		return nil, nil
	}
	list := make([]matrix.Position, 0, len(set))
	for pos := range set {
		list = append(list, pos)
	}
	slices.Sort(list)
	byPos, err := st.s.Rooms.Events(ctx, list)
	if err != nil {
		return nil, err
	}
	evs := make([]*rooms.Event, 0, len(list))
	for _, pos := range list {
		if e := byPos[pos]; e != nil {
			evs = append(evs, e)
		}
	}
	return evs, nil
}

// addMembers adds the members that the client needs to show the timeline and
// to name the room, as far as it does not know them, when it loads members
// lazily.
//
// Spec: client-server-api#lazy-loading-room-members
func (st *stay) addMembers(ctx context.Context, set positions, at matrix.Position) error {
	f := &st.filter.Room.State
	if !f.LazyLoadMembers {
		return nil
	}
	needed := map[id.UserID]struct{}{}
	for _, e := range st.timeline.Events {
		needed[e.Sender] = struct{}{}
	}
	for _, hero := range st.summary.heroes {
		needed[hero] = struct{}{}
	}
	if !st.whole() && !f.IncludeRedundantMembers {
		st.forgetKnown(needed)
	}
	if len(needed) == 0 {
		return nil
	}
	state, err := st.rm.StateAt(ctx, at)
	if err != nil {
		return err
	}
	for user := range needed {
		if pos, ok := state.Get("m.room.member", string(user)); ok {
			set.add(pos)
		}
	}
	return nil
}
