package sync

import (
	"context"
	"maps"
	"slices"

	"plenum/homeserver/push"
)

// writeCounts writes how much of the room the user has not read: with every
// entry of a room, and alone when reading is all that happened.
//
// Spec: client-server-api#receiving-notifications
func (st *stay) writeCounts(ctx context.Context) error {
	if st.isBare() && !st.hasRead {
		return nil
	}
	counts, err := st.s.Push.Counts(ctx, st.who.User, st.rm, st.end)
	if err != nil {
		return err
	}
	if !st.filter.Room.Timeline.UnreadThreads {
		st.writeCount("unread_notifications", counts.Total())
		return nil
	}
	st.writeCount("unread_notifications", counts.Count)
	threads := st.out.Open("unread_thread_notifications")
	for _, root := range slices.Sorted(maps.Keys(counts.Threads)) {
		st.writeCount(string(root), counts.Threads[root])
	}
	st.out.Close(threads)
	return nil
}

func (st *stay) writeCount(name string, c push.Count) {
	object := st.out.Open(name)
	st.out.Name("highlight_count")
	st.out.Int(int64(c.Highlights))
	st.out.Name("notification_count")
	st.out.Int(int64(c.Notifications))
	st.out.Close(object)
}
