package tell

import (
	"context"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/wake"
	"plenum/rooms"
)

// maxWait bounds a long poll, whatever the client asks for.
const maxWait = 10 * time.Minute

// Waiter waits for what may be news to one request.
type Waiter struct {
	Bus   *wake.Bus
	Until time.Duration   // how long the client wants to wait
	Stop  <-chan struct{} // closed when nobody is to wait any longer

	timer *time.Timer
	sub   *wake.Sub
}

// Wait returns true when it is worth to look again, and false when the request
// has to be answered: its time is over, the server stops, or nobody waits any
// more. topics is asked once, for what may be news.
func (w *Waiter) Wait(ctx context.Context, topics func() []string) bool {
	if w.Until <= 0 {
		return false
	}
	if w.sub == nil {
		w.timer = time.NewTimer(min(w.Until, maxWait))
		w.sub = w.Bus.Subscribe(topics()...)
		return true // what was told before the subscription was not heard
	}
	select {
	case <-w.sub.C():
		return true
	case <-w.timer.C:
	case <-w.Stop:
	case <-ctx.Done():
	}
	return false
}

// Close ends the wait.
func (w *Waiter) Close() {
	if w.sub != nil {
		w.sub.Close()
		w.timer.Stop()
	}
}

// Topics are what concerns a user, in those of their rooms that wanted
// accepts. Rooms that they join later need no subscription: joining is news
// already.
func Topics(user id.UserID, memberships []rooms.Membership, wanted func(id.RoomID) bool) []string {
	topics := make([]string, 1, len(memberships)+1)
	topics[0] = rooms.UserTopic(user)
	for i := range memberships {
		if m := &memberships[i]; m.Membership == "join" && wanted(m.Room) {
			topics = append(topics, rooms.RoomTopic(m.Room))
		}
	}
	return topics
}
