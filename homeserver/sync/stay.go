package sync

import (
	"context"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// stay is what the user is told of a room that they are in or were in.
type stay struct {
	*turn
	rm   *rooms.Room
	eye  tell.Eye        // of the user
	from matrix.Position // the client knows the room up to here; tell.Beginning: not at all
	end  matrix.Position // the timeline goes up to here
	// settled is up to where the user learns of the room's state: never more
	// than they could know while they were in it.
	settled matrix.Position
	fresh   bool // the room is new to the client
	isOver  bool // the user is no longer in the room

	timeline tell.Timeline
	summary  summary
	bare     int  // length of the answer before this entry
	hasState bool // the state was written
	hasRead  bool // the user has read something since
}

// whole reports whether the client is told the whole state, not only what
// changed.
func (st *stay) whole() bool { return st.fresh || st.full }

// joined writes about a room that the user is in.
func (t *turn) joined(ctx context.Context, m *rooms.Membership) error {
	rm, err := t.s.Rooms.Room(ctx, m.Room)
	if err != nil {
		return err
	}
	st := &stay{turn: t, rm: rm, end: t.next.Pos, settled: t.next.Pos}
	if err := st.begin(ctx, m); err != nil {
		return err
	}
	return st.write(ctx,
		st.readTimeline, st.readSummary,
		st.writeSummary, st.writeState, st.writeTimeline, st.writeSticky, st.writeEphemeral, st.writeAccountData, st.writeCounts)
}

// write runs the parts of an entry one after the other. What goes with every
// entry is added when there is one.
func (st *stay) write(ctx context.Context, parts ...func(context.Context) error) error {
	st.bare = len(st.out.Buf)
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if st.stateAfter != "" && !st.hasState && !st.isBare() {
		st.out.Name(st.stateAfter)
		st.out.Raw([]byte(`{"events":[]}`))
	}
	return nil
}

// isBare reports whether nothing was written yet.
func (st *stay) isBare() bool { return len(st.out.Buf) == st.bare }

// begin finds out where the client stands.
func (st *stay) begin(ctx context.Context, m *rooms.Membership) error {
	st.from, st.fresh = st.since.Pos, st.initial
	if st.isNew(m) && !st.initial {
		was, err := tell.MembershipAt(ctx, st.s.Rooms, m.Room, st.who.User, st.since.Pos)
		if err != nil {
			return err
		}
		st.fresh = was != "join"
	}
	if st.fresh {
		st.from = tell.Beginning
	}
	st.eye = tell.Eye{
		Room: st.rm, User: st.who.User, Ignores: st.ignored.Has,
		SeesAll: !st.fresh && !st.isNew(m) && !st.isOver,
	}
	return nil
}
