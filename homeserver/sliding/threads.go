package sliding

import (
	"context"
	"slices"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// Threads asks for subscriptions to threads.
type Threads struct{ Limit int }

// threadsAtOnce is how many subscriptions to threads one answer holds at most.
// Clients fetch the others when they like.
const threadsAtOnce = 100

// writeThreads writes what the user said of threads, the newest of it. A client
// that has nothing yet is told only to which ones they are subscribed.
//
// Spec: todo MSC4308, sliding sync extension, once it is in a release
func (t *turn) writeThreads(ctx context.Context) (news bool, err error) {
	q := t.question.extensions.Threads
	if q == nil {
		return false, nil
	}
	list, more, err := t.Data.SubscriptionChanges(ctx, t.who.User, t.have.threads, t.since, limitOf(q.Limit, threadsAtOnce))
	if err != nil {
		return false, err
	}
	var end matrix.Position
	if more {
		end = list[len(list)-1].Pos - 1
	}
	if t.have.threads == 0 {
		list = slices.DeleteFunc(list, func(s *userdata.Subscription) bool { return !s.Subscribed })
	}
	t.threads = t.since
	w := &t.out
	object := w.Open("io.element.msc4308.thread_subscriptions")
	t.writeSubscriptions("subscribed", list, true)
	t.writeSubscriptions("unsubscribed", list, false)
	if more {
		w.Name("prev_batch")
		w.Text(rooms.Token{Pos: end}.Page())
	}
	w.Close(object)
	return len(list) > 0 || more, nil
}

// writeSubscriptions writes those of a list that are, or are no more, by room.
func (t *turn) writeSubscriptions(name string, list []*userdata.Subscription, subscribed bool) {
	w := &t.out
	all := w.Open(name)
	for len(list) > 0 {
		room := list[0].Room
		in := w.Open(string(room))
		var rest []*userdata.Subscription
		for _, s := range list {
			switch {
			case s.Room != room:
				rest = append(rest, s)
			case s.Subscribed == subscribed:
				one := w.Open(string(s.Root))
				if subscribed {
					w.Name("automatic")
					w.Bool(s.Automatic)
				}
				w.Name("bump_stamp")
				w.Int(int64(s.Pos))
				w.Close(one)
			}
		}
		w.Close(in)
		list = rest
	}
	w.Close(all)
}

// limitOf returns how much a client gets that asks for n at most: 0 is as much
// as there may be.
func limitOf(n, most int) int {
	if n == 0 {
		return most
	}
	return min(n, most)
}
