package sync

import (
	"context"
	"math"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// left writes about a room that the user left, or was kicked or banned from,
// or that they were invited to or asked to join in vain.
//
// Spec: client-server-api#leaving-rooms
func (t *turn) left(ctx context.Context, m *rooms.Membership) error {
	rm, err := t.s.Rooms.Room(ctx, m.Room)
	if err != nil {
		return err
	}
	st := &stay{turn: t, rm: rm, end: m.Pos, isOver: true}
	if err := st.begin(ctx, m); err != nil {
		return err
	}
	last, was, err := st.lastIn(ctx, m)
	if err != nil {
		return err
	}
	if !was || st.isNew(m) && last <= st.since.Pos {
		// Not in the room since the last token: they learn how it ended.
		st.from, st.fresh, st.settled = m.Pos-1, false, m.Pos
		return st.write(ctx, st.readTimeline, st.writeState, st.writeTimeline, st.writeAccountData)
	}
	st.settled = last
	return st.write(ctx, st.readTimeline, st.writeState, st.writeTimeline, st.writeAccountData)
}

// lastIn returns the position of the event with which the user ceased to be in
// the room, and whether they ever were.
func (st *stay) lastIn(ctx context.Context, m *rooms.Membership) (matrix.Position, bool, error) {
	if m.Prev == "join" {
		return m.Pos, true, nil
	}
	reach, err := st.rm.Reach(ctx, st.who.User)
	if matrix.IsCode(err, matrix.Forbidden) {
		return 0, false, nil
	}
	// A room that everybody may read has no end, even for those who never came.
	return reach.State, err == nil && reach.State < math.MaxInt64, err
}
