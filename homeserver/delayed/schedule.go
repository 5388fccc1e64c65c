package delayed

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/delayed"
)

// Request asks to send an event later.
type Request struct {
	Room     id.RoomID
	Type     string
	StateKey *string // nil: a message event
	Content  json.RawMessage
	Txn      string // of the client; "": it has none
	TS       int64  // that the event is to have, in ms; 0: when it is sent
	Sticky   int64  // ms for which it is sticky once it is sent
	Delay    int64  // ms
}

// Again returns what the same device scheduled with the same transaction id, ""
// when there is nothing.
//
// Spec: client-server-api#transaction-identifiers
func (e *Events) Again(ctx context.Context, p matrix.Principal, q Request) (delayID string, err error) {
	if q.Txn == "" {
		return "", nil
	}
	err = e.db.Read(ctx, func(tx *storage.Tx) (err error) {
		delayID, _, err = store.ByTxn(ctx, tx, p.User, p.Device, q.txn())
		return err
	})
	return delayID, err
}

// Schedule takes in an event that is to be sent later and returns the id under
// which it is known until then. Whether its sender may send it is decided when
// it is due.
func (e *Events) Schedule(ctx context.Context, p matrix.Principal, q Request) (delayID string, err error) {
	defer matrix.Wrap(&err, "schedule an event")
	if again, err := e.Again(ctx, p, q); err != nil || again != "" {
		return again, err
	}
	if err := e.check(ctx, p, &q); err != nil {
		return "", err
	}
	now := e.nowMS()
	event := &store.Event{
		// Who knows the id of a call's end may put it off or bring it about.
		Timer:  store.Timer{ID: rand.Text(), User: p.User, Room: q.Room, Delay: q.Delay, Scheduled: now, Due: now + q.Delay},
		Device: p.Device, Type: q.Type, StateKey: q.StateKey, Content: q.Content, TS: q.TS, Sticky: q.Sticky,
	}
	err = e.db.Write(ctx, func(tx *storage.Tx) error {
		delayID = event.ID
		if txn := q.txn(); txn != nil {
			if again, ok, err := store.ByTxn(ctx, tx, p.User, p.Device, txn); err != nil || ok {
				delayID = again
				return err
			}
		}
		n, err := store.Count(ctx, tx, p.User)
		if err != nil {
			return err
		}
		if n >= int64(e.opt.MaxScheduled) {
			return e.tooMany(p.User)
		}
		tx.OnCommit(func() { e.put(event.Timer) })
		return store.Add(ctx, tx, event, q.txn())
	})
	return delayID, err
}

// txn is what tells transactions of a device apart, nil without one.
func (q *Request) txn() []byte {
	if q.Txn == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(string(q.Room) + "\x00" + q.Type + "\x00" + q.Txn))
	return sum[:16]
}

// check refuses what can be told to be wrong before its time.
func (e *Events) check(ctx context.Context, p matrix.Principal, q *Request) error {
	switch {
	case e.opt.MaxScheduled == 0:
		return matrix.Errorf(matrix.Forbidden, "This server does not send events later.")
	case len(q.Txn) > 255:
		return matrix.Errorf(matrix.InvalidParam, "A transaction id has at most 255 bytes.")
	case q.Delay <= 0:
		return matrix.Errorf(matrix.InvalidParam, "The delay is a number of milliseconds, and at least 1.")
	case q.Delay > e.opt.MaxDelay.Milliseconds():
		return matrix.Errorf(matrix.Forbidden, "Events can be sent at most %s later.", e.opt.MaxDelay)
	}
	return e.rooms.CheckLater(ctx, p, rooms.Draft{Room: q.Room, Type: q.Type, StateKey: q.StateKey, Content: q.Content})
}

// tooMany is the error for who has scheduled as much as one may: it tells when
// there is place again.
func (e *Events) tooMany(user id.UserID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := int64(0)
	for _, t := range e.timers {
		if t.User == user && (next == 0 || t.Due < next) {
			next = t.Due
		}
	}
	return &matrix.Error{
		Code: matrix.LimitExceeded, Text: "You have scheduled as many events as one may.",
		RetryAfter: max(time.Second, time.Duration(next-e.nowMS())*time.Millisecond),
	}
}
