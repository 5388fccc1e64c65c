package sync

import (
	"context"
	"slices"

	"plenum/homeserver/tell"
	"plenum/rooms"
)

// pickSticky finds the sticky events that the client is to be told of. When
// there are many, the next answer goes on.
func (t *turn) pickSticky(ctx context.Context) (err error) {
	joined := slices.DeleteFunc(t.s.Rooms.WithSticky(t.memberships), func(m *rooms.Membership) bool { return !t.filter.Room.Has(m.Room) })
	span := tell.StickySpan{User: t.who.User, After: t.since.Pos - t.since.Held, Known: t.since.Pos, Upto: t.next.Pos, Limit: tell.StickyMost}
	t.sticky, err = tell.StickyIn(ctx, t.s.Rooms, span, joined)
	t.next.Held = t.next.Pos - t.sticky.Upto
	return err
}

// writeSticky writes the sticky events of a room that are not in its timeline.
// No filter is for them.
//
// Spec: todo MSC4354, current /sync, once it is in a release
func (st *stay) writeSticky(ctx context.Context) error {
	evs, err := st.sticky.Events(ctx, st.s.Rooms, st.rm.ID(), &st.timeline, st.ignored.Has)
	if err != nil || len(evs) == 0 {
		return err
	}
	part := st.out.OpenEvents("msc4354_sticky")
	err = st.writeEvents(ctx, evs, false)
	st.out.CloseEvents(part)
	return err
}
