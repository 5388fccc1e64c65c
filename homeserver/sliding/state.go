package sliding

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// readChanges reads what of the state changed since the client knows the room.
func (st *stay) readChanges(ctx context.Context) (err error) {
	if st.fresh || st.settled <= st.from {
		return nil
	}
	if st.changes, err = st.rm.StateChanges(ctx, st.from, st.settled); err != nil {
		return err
	}
	st.changed, err = tell.WhatChanged(ctx, st.Rooms, st.changes)
	return err
}

// writeState writes the state that the client wants and does not have.
//
// Spec: todo MSC4186, required_state, once it is in a release
func (st *stay) writeState(ctx context.Context) error {
	state, err := st.rm.StateAt(ctx, st.settled)
	if err != nil {
		return err
	}
	positions, gone := st.changesWanted()
	if !st.brief {
		positions = append(positions, st.wantedAnew(state)...)
		positions = append(positions, st.membersNeeded(state)...)
	}
	slices.Sort(positions)
	evs, err := tell.Events(ctx, st.Rooms, slices.Compact(positions))
	if err != nil {
		return err
	}
	st.meet(evs)
	if len(evs) == 0 && len(gone) == 0 {
		return nil
	}
	st.out.OpenList("required_state")
	err = st.writeEvents(ctx, evs, false)
	for _, k := range gone {
		st.writeGone(k)
	}
	st.out.CloseList()
	return err
}

// changesWanted returns the entries of the state that changed, as far as the
// client wants them, and those that are gone. Of members who are loaded lazily
// it learns every change, unless it has to forget whom it knows because of a
// gap in the timeline.
func (st *stay) changesWanted() (positions []matrix.Position, gone []rooms.StateKey) {
	for _, c := range st.changes {
		lazily := c.Key.Type == memberType && st.x.want.lazy && !st.timeline.Limited
		switch {
		case !lazily && !st.x.want.has(c.Key):
		case c.Event != 0:
			positions = append(positions, c.Event)
		case st.question.form.removals():
			gone = append(gone, c.Key)
		}
	}
	return positions, gone
}

// wantedAnew returns the state that the client wants now, and either did not
// before or could not have yet.
func (st *stay) wantedAnew(state *rooms.State) []matrix.Position {
	want := st.x.want
	if st.is.want == nil {
		st.is.want = want
		return want.of(state, nil)
	}
	if st.is.want == want {
		return nil
	}
	anew := want.of(state, st.is.want)
	// Whoever wants less for a moment loses nothing, as long as nothing happens.
	if len(anew) > 0 || len(st.changes) > 0 || want.includes(st.is.want) {
		st.is.want = want
	}
	return anew
}

// membersNeeded returns the members without whom the timeline cannot be shown,
// as far as the client does not know them, when it loads members lazily.
//
// Spec: client-server-api#lazy-loading-room-members
func (st *stay) membersNeeded(state *rooms.State) (positions []matrix.Position) {
	if !st.x.want.lazy {
		return nil
	}
	var have users
	if !st.forgets() {
		have = st.have.members[st.rm.ID()]
	}
	asked := users{}
	need := func(user id.UserID) {
		_, known := have[user]
		_, isAsked := asked[user]
		if known || isAsked {
			return
		}
		asked[user] = struct{}{}
		if pos, ok := state.Get(memberType, string(user)); ok {
			positions = append(positions, pos)
		}
	}
	for _, e := range st.timeline.Events {
		need(e.Sender)
		if e.Type == memberType && e.IsState() {
			need(id.UserID(*e.StateKey))
		}
	}
	return positions
}

// forgets reports whether the client no longer knows the members that it knew:
// it has to after a gap, in which changes may have been that it was not told.
func (st *stay) forgets() bool {
	return st.fresh || st.timeline.Limited || !st.x.want.lazy || !st.was.isLazy()
}

// meet notes the members among evs, which the client is told.
func (st *stay) meet(evs []*rooms.Event) {
	with := meeting{anew: st.forgets()}
	if st.x.want.lazy {
		for _, e := range evs {
			if e.Type == memberType {
				with.users = append(with.users, id.UserID(*e.StateKey))
			}
		}
	}
	if with.anew || len(with.users) > 0 {
		st.met[st.rm.ID()] = with
	}
}

// writeGone writes that an entry of the state is no longer there.
func (st *stay) writeGone(k rooms.StateKey) {
	w := &st.out
	w.Raw([]byte(`{`))
	w.Name("type")
	w.Text(k.Type)
	w.Name("state_key")
	w.Text(k.Key)
	w.Buf = append(w.Buf, '}')
}
