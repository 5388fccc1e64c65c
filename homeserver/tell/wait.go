package tell

import (
	"context"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/internal/wake"
	"plenum/rooms"
)

// maxWait bounds a long poll, whatever the client asks for.
const maxWait = 10 * time.Minute

// Sessions knows whether those who wait are still signed in. Whoever ends a
// session tells the topic of its user.
type Sessions interface {
	// Check returns the error with which p would be refused if they came now.
	Check(ctx context.Context, p matrix.Principal) error
}

// Waiter waits for what may be news to one request.
type Waiter struct {
	Bus      *wake.Bus
	Sessions Sessions // nil: they do not end
	Who      matrix.Principal
	Until    time.Duration   // how long the client wants to wait
	Stop     <-chan struct{} // closed when nobody is to wait any longer

	timer *time.Timer
	sub   *wake.Sub
}

// Wait returns true when it is worth to look again, and false when the request
// has to be answered: its time is over, the server stops, or nobody waits any
// more. The error is for who was signed out meanwhile. topics is asked once,
// for what may be news.
func (w *Waiter) Wait(ctx context.Context, topics func() []string) (bool, error) {
	if w.Until <= 0 {
		return false, nil
	}
	if w.sub == nil {
		w.timer = time.NewTimer(min(w.Until, maxWait))
		w.sub = w.Bus.Subscribe(topics()...)
		return true, w.check(ctx) // what was told before the subscription was not heard
	}
	select {
	case <-w.sub.C():
		return true, w.check(ctx)
	case <-w.timer.C:
	case <-w.Stop:
	case <-ctx.Done():
	}
	return false, ctx.Err()
}

func (w *Waiter) check(ctx context.Context) error {
	if w.Sessions == nil {
		return nil
	}
	return w.Sessions.Check(ctx, w.Who)
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
