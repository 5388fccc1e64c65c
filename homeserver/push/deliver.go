package push

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

const (
	pushesAtOnce = 20
	// A gateway that does not answer is asked again after a while, which
	// doubles every time.
	firstRetry, lastRetry = time.Second, time.Hour
	// tooLate is the age at which a notification is of no use any more.
	tooLate = 24 * time.Hour
)

// deliver brings what is stored for a pusher to its gateway, until there is
// nothing left, the pusher is gone, or ctx ends.
func (p *Push) deliver(ctx context.Context, key pusherKey) error {
	for {
		to := p.pushers.get(key)
		if to == nil {
			return nil
		}
		if a := p.pushers.waitsFor(key); a != nil {
			return p.sendToken(ctx, to, a)
		}
		list, err := p.waiting(ctx, to)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, one := range list {
			gone, err := p.deliverOne(ctx, to, one)
			if err != nil || gone {
				return err
			}
		}
	}
}

func (p *Push) waiting(ctx context.Context, to *store.Pusher) (list []store.Push, err error) {
	err = p.db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.Pushes(ctx, tx, to, pushesAtOnce)
		return err
	})
	return list, err
}

// deliverOne brings one notification to a gateway, however long that takes,
// and reports whether the pusher is gone.
func (p *Push) deliverOne(ctx context.Context, to *store.Pusher, one store.Push) (gone bool, err error) {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		n, err := p.notification(ctx, to, one)
		if err != nil {
			return false, err
		}
		if n == nil {
			break // nobody needs it any more
		}
		gone, err := p.bring(ctx, to, n)
		if err == nil && gone {
			return true, p.reject(ctx, to)
		}
		if err == nil {
			break
		}
		select {
		case <-time.After(wait + rand.N(wait/4)): // not all at the same moment
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if to = p.pushers.get(keyOfPusher(to)); to == nil {
			return true, nil
		}
	}
	return false, p.done(ctx, to, one)
}

// bring brings n to a pusher once, and reports whether that is gone.
func (p *Push) bring(ctx context.Context, to *store.Pusher, n *notification) (gone bool, err error) {
	if isWeb(to.Kind) {
		return p.sendWeb(ctx, to, n)
	}
	rejected, err := p.send(ctx, to, n)
	return slices.Contains(rejected, to.Key), err
}

// done forgets a notification that was brought, even if the server is about
// to stop: otherwise it would be brought again.
func (p *Push) done(ctx context.Context, to *store.Pusher, one store.Push) error {
	ctx = context.WithoutCancel(ctx)
	return p.db.Write(ctx, func(tx *storage.Tx) error { return store.DropPushes(ctx, tx, to, one.Event) })
}

// reject removes a pusher that its gateway does not want to hear of again.
func (p *Push) reject(ctx context.Context, to *store.Pusher) error {
	ctx = context.WithoutCancel(ctx)
	return p.db.Write(ctx, func(tx *storage.Tx) error { return p.removePusher(ctx, tx, to.User, to.AppID, to.Key) })
}

// notification returns what a gateway is told, nil when there is nothing to
// tell any more: the event is read, redacted, or old.
func (p *Push) notification(ctx context.Context, to *store.Pusher, one store.Push) (*notification, error) {
	evs, err := p.rooms.Events(ctx, []matrix.Position{one.Event})
	if err != nil {
		return nil, err
	}
	e := evs[one.Event]
	if e == nil || e.RedactedBy != 0 || p.opt.Now().Sub(time.UnixMilli(e.TS)) > tooLate {
		return nil, nil
	}
	read, err := p.isRead(ctx, to.User, e)
	if err != nil || read {
		return nil, err
	}
	rm, err := p.rooms.Room(ctx, e.Room)
	if err != nil {
		return nil, err
	}
	return p.write(ctx, to, rm, e, one)
}

// isRead reports whether user has read e.
func (p *Push) isRead(ctx context.Context, user id.UserID, e *rooms.Event) (bool, error) {
	reads, err := p.data.Reads(ctx, user, e.Room)
	if err != nil || reads == nil {
		return false, err
	}
	thread, err := p.threadOf(ctx, e)
	return e.Pos <= reads.Of(thread), err
}

// unreadOf returns how many unread messages user has in all rooms.
func (p *Push) unreadOf(ctx context.Context, user id.UserID) (int, error) {
	in, err := p.rooms.JoinedRooms(ctx, user)
	if err != nil {
		return 0, err
	}
	n, upto := 0, p.db.Committed()
	for _, room := range in {
		rm, err := p.rooms.Room(ctx, room)
		if err != nil {
			return 0, err
		}
		c, err := p.Counts(ctx, user, rm, upto)
		if err != nil {
			return 0, err
		}
		n += c.Total().Notifications
	}
	return n, nil
}
