package userdata

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Error codes of subscriptions to threads.
const (
	errCodeNotInThread matrix.Code = "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD"
	errCodeConflicting matrix.Code = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION"
)

// maxSubscriptions bounds of how many threads a user can say something.
const maxSubscriptions = 20_000

// Subscription says whether a user wants to hear of a thread. It is immutable.
type Subscription = store.Subscription

// subscriptions are what one user said of threads.
type subscriptions struct {
	journal[threadKey, *Subscription]
}

type threadKey struct {
	room id.RoomID
	root id.EventID
}

// take makes s known unless something newer is.
func (l *subscriptions) take(s *Subscription) {
	key := threadKey{s.Room, s.Root}
	if old, ok := l.get(key); !ok || old.Pos < s.Pos {
		l.put(key, s.Pos, s)
	}
}

func (d *Data) loadSubscriptions(ctx context.Context, user id.UserID, put func(func(*subscriptions))) error {
	var list []*Subscription
	err := d.db.Read(ctx, func(tx *storage.Tx) (err error) {
		list, err = store.Subscriptions(ctx, tx, user)
		return err
	})
	if err != nil {
		return fmt.Errorf("read subscriptions to threads: %w", err)
	}
	put(func(l *subscriptions) {
		for _, s := range list {
			l.take(s)
		}
		d.threads.saw(user, l.last())
	})
	return nil
}

// Subscription returns the subscription of p to a thread. Without one, or
// without the thread, it is M_NOT_FOUND.
//
// Spec: todo MSC4306, retrieving thread subscription
func (d *Data) Subscription(ctx context.Context, p matrix.Principal, room id.RoomID, root id.EventID) (*Subscription, error) {
	if _, err := d.inRoom(ctx, p, room, root); err != nil {
		return nil, err
	}
	s, err := d.subscription(ctx, p.User, threadKey{room, root})
	if err == nil && (s == nil || !s.Subscribed) {
		err = matrix.Errorf(matrix.NotFound, "You are not subscribed to this thread.")
	}
	return s, err
}

// inRoom returns an event of a room that p may see.
func (d *Data) inRoom(ctx context.Context, p matrix.Principal, room id.RoomID, ev id.EventID) (*rooms.Event, error) {
	_, e, err := d.rooms.EventIn(ctx, p, room, ev)
	if matrix.IsCode(err, matrix.NotFound) || matrix.IsCode(err, matrix.Forbidden) {
		err = matrix.Errorf(matrix.NotFound, "There is no such event.")
	}
	return e, err
}

// subscription returns what user said of a thread, nil when they said nothing.
func (d *Data) subscription(ctx context.Context, user id.UserID, key threadKey) (s *Subscription, err error) {
	if d.threads.isQuiet(user, 0) {
		return nil, nil // the user never said anything of any thread
	}
	err = d.threads.with(ctx, user, func(l *subscriptions) { s, _ = l.get(key) })
	return s, err
}

// FollowsThread reports whether user is subscribed to a thread, and whether
// they ever said anything of any thread: who did not has clients that know
// nothing of subscriptions.
func (d *Data) FollowsThread(ctx context.Context, user id.UserID, room id.RoomID, root id.EventID) (subscribed, knows bool, err error) {
	s, err := d.subscription(ctx, user, threadKey{room, root})
	return s != nil && s.Subscribed, !d.threads.isQuiet(user, 0), err
}

// Subscribe subscribes p to a thread. cause is the event for which a client
// decided that, empty when p did. What p decides stands against what clients
// do: they cannot undo an unsubscription for an event that p could know of then.
//
// Spec: todo MSC4306, subscribing to a thread
func (d *Data) Subscribe(ctx context.Context, p matrix.Principal, room id.RoomID, root, cause id.EventID) error {
	if _, err := d.inRoom(ctx, p, room, root); err != nil {
		return err
	}
	next := Subscription{Room: room, Root: root, Subscribed: true, Automatic: cause != ""}
	var at matrix.Position
	if next.Automatic {
		e, err := d.inRoom(ctx, p, room, cause)
		if err != nil {
			return err
		}
		if e.RelType != "m.thread" || e.RelatesTo != root {
			return matrix.Errorf(errCodeNotInThread, "That event is not in this thread.")
		}
		at = e.Pos
	}
	return d.say(ctx, p.User, next, func(old *Subscription) (bool, error) {
		switch {
		case old == nil:
			return true, nil
		case old.Subscribed:
			return old.Automatic && !next.Automatic, nil
		case next.Automatic && at <= old.Pos:
			return false, &matrix.Error{Code: errCodeConflicting, Text: "The thread was unsubscribed from after that event.", Status: http.StatusConflict}
		}
		return true, nil
	})
}

// Unsubscribe ends the subscription of p to a thread, if there is one.
//
// Spec: todo MSC4306, unsubscribing from a thread
func (d *Data) Unsubscribe(ctx context.Context, p matrix.Principal, room id.RoomID, root id.EventID) error {
	if _, err := d.inRoom(ctx, p, room, root); err != nil {
		return err
	}
	return d.say(ctx, p.User, Subscription{Room: room, Root: root}, func(old *Subscription) (bool, error) {
		return old != nil && old.Subscribed, nil
	})
}

// say writes what user says of a thread, if change wants to: it gets what they
// said before, nil when nothing.
func (d *Data) say(ctx context.Context, user id.UserID, next Subscription, change func(*Subscription) (bool, error)) error {
	return d.db.Write(ctx, func(tx *storage.Tx) error {
		stored, known, err := store.GetSubscription(ctx, tx, user, next.Room, next.Root)
		if err != nil {
			return err
		}
		var old *Subscription
		if known {
			old = &stored
		}
		if write, err := change(old); err != nil || !write {
			return err
		}
		if !known {
			if n, err := store.CountSubscriptions(ctx, tx, user); err != nil {
				return err
			} else if n >= maxSubscriptions {
				return matrix.Errorf(matrix.ResourceLimitExceeded, "You have subscribed to too many threads.")
			}
		}
		s := next
		s.Pos = tx.Position()
		tx.OnCommit(func() { d.threads.change(user, s.Pos, func(l *subscriptions) { l.take(&s) }) })
		tx.Wake(rooms.UserTopic(user))
		return store.PutSubscription(ctx, tx, user, &s)
	})
}

// SubscriptionChanges returns what user said of threads after a position, up
// to another one, and nothing else about the same thread since: the newest
// first, at most limit, and whether there are older ones.
func (d *Data) SubscriptionChanges(ctx context.Context, user id.UserID, after, upto matrix.Position, limit int) (list []*Subscription, more bool, err error) {
	if d.threads.isQuiet(user, after) {
		return nil, false, nil
	}
	err = d.threads.with(ctx, user, func(l *subscriptions) {
		l.between(after, upto, func(s *Subscription) { list = append(list, s) })
	})
	if over := len(list) - limit; over > 0 {
		list, more = list[over:], true
	}
	slices.Reverse(list)
	return list, more, err
}
