package sync

import (
	"context"
	"time"

	"plenum/internal/wake"
	"plenum/rooms"
)

// waiter waits for what may be news to one sync.
type waiter struct {
	s     *Syncer
	until time.Duration
	timer *time.Timer
	sub   *wake.Sub
}

// wait returns true when it is worth to look again, and false when the sync
// has to answer: its time is over, the server stops, or nobody waits any more.
func (w *waiter) wait(ctx context.Context, t *turn) bool {
	if w.until <= 0 {
		return false
	}
	if w.sub == nil {
		w.timer = time.NewTimer(min(w.until, maxWait))
		w.sub = w.s.DB.Bus().Subscribe(t.topics()...)
		return true // what was told before the subscription was not heard
	}
	select {
	case <-w.sub.C():
		return true
	case <-w.timer.C:
	case <-w.s.draining:
	case <-ctx.Done():
	}
	return false
}

// close ends the subscription.
func (w *waiter) close() {
	if w.sub != nil {
		w.sub.Close()
		w.timer.Stop()
	}
}

// topics are what concerns the user of t. Rooms that they join later need no
// subscription: joining is news already.
func (t *turn) topics() []string {
	topics := make([]string, 1, len(t.memberships)+1)
	topics[0] = rooms.UserTopic(t.who.User)
	for _, m := range t.memberships {
		if m.Membership == "join" && t.filter.Room.Has(m.Room) {
			topics = append(topics, rooms.RoomTopic(m.Room))
		}
	}
	return topics
}
