package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// maxHops bounds the relations that are followed from an event to its thread.
const maxHops = 3

// ThreadOf returns the root of the thread that e is in, also by what e relates
// to: a reaction is in the thread of the message. It is empty for an event of
// the main timeline, to which the roots of threads belong.
//
// Spec: client-server-api#threaded-read-receipts
func (r *Rooms) ThreadOf(ctx context.Context, e *Event) (root id.EventID, err error) {
	err = r.climb(ctx, e, func(at *Event) bool {
		if at.RelType == "m.thread" {
			root = at.RelatesTo
		}
		return root != ""
	})
	return root, err
}

// ConcernsThread reports whether somebody who has read up to e has read
// something of the thread of root: e is in it, is its root, or relates to its
// root.
func (r *Rooms) ConcernsThread(ctx context.Context, e *Event, root id.EventID) (found bool, err error) {
	err = r.climb(ctx, e, func(at *Event) bool {
		found = at.ID == root || at.RelType == "m.thread" && at.RelatesTo == root
		return found || at.RelType == "m.thread"
	})
	return found, err
}

// climb calls look with e, with what e relates to, and so on, until look is
// content.
func (r *Rooms) climb(ctx context.Context, e *Event, look func(*Event) bool) error {
	for at, hops := e, 0; !look(at); hops++ {
		if at.RelType == "" || at.RelatesTo == "" || hops == maxHops {
			return nil
		}
		parent, err := r.Event(ctx, at.RelatesTo)
		if matrix.IsCode(err, matrix.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if parent.Room != e.Room {
			return nil
		}
		at = parent
	}
	return nil
}
