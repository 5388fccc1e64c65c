package sync

import (
	"context"

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
	last, was, err := st.eye.LastIn(ctx, m)
	if err != nil {
		return err
	}
	if !was || m.Forgotten || st.isNew(m) && last <= st.since.Pos {
		// Not in the room since the last token, or done with it: they learn how it ended.
		st.from, st.fresh, st.settled = m.Pos-1, false, m.Pos
		return st.write(ctx, st.readTimeline, st.writeState, st.writeTimeline, st.writeAccountData)
	}
	st.settled = last
	return st.write(ctx, st.readTimeline, st.writeState, st.writeTimeline, st.writeAccountData)
}
