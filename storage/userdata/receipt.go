package userdata

import (
	"context"
	"maps"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Main is the thread of everything that is in no thread.
//
// Spec: client-server-api#threaded-read-receipts
const Main id.EventID = "main"

// Receipt says how far a user has read a room or one of its threads. It is
// immutable.
type Receipt struct {
	User     id.UserID
	Thread   id.EventID // empty: the whole room, whatever its threads; Main; or the root of a thread
	Private  bool
	Event    id.EventID
	EventPos matrix.Position
	TS       int64 // ms since 1970
	Pos      matrix.Position
}

const receiptColumns = `SELECT user_id, thread, private, event_id, event, ts, pos FROM receipt `

// Receipts returns every receipt of room, oldest change first.
func Receipts(ctx context.Context, tx *storage.Tx, room id.RoomID) ([]*Receipt, error) {
	list, err := storage.Select[Receipt](ctx, tx, receiptColumns+`WHERE room_id = $1 ORDER BY pos`, room)
	out := make([]*Receipt, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out, err
}

// A receipt never moves backwards: the update is skipped when it would.
const putReceipt = `INSERT INTO receipt (room_id, user_id, thread, private, event_id, event, ts, pos) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (room_id, user_id, thread, private) DO UPDATE
	SET event_id = excluded.event_id, event = excluded.event, ts = excluded.ts, pos = excluded.pos
	WHERE excluded.event > receipt.event`

// PutReceipt writes a receipt unless that user's receipt is further already.
func PutReceipt(ctx context.Context, tx *storage.Tx, room id.RoomID, r *Receipt) error {
	return tx.Exec(ctx, putReceipt, room, r.User, r.Thread, r.Private, r.Event, r.EventPos, r.TS, r.Pos)
}

// ReceiptRooms returns the rooms in which user has receipts.
func ReceiptRooms(ctx context.Context, tx *storage.Tx, user id.UserID) ([]id.RoomID, error) {
	return storage.Select[id.RoomID](ctx, tx, `SELECT DISTINCT room_id FROM receipt WHERE user_id = $1`, user)
}

// DeleteReceipts removes all receipts of user.
func DeleteReceipts(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM receipt WHERE user_id = $1`, user)
}

// Reads says how far a user has read a room, by public and private receipts
// together. It is immutable; a nil Reads has read nothing.
type Reads struct {
	All     matrix.Position                // of everything, whatever the thread
	Threads map[id.EventID]matrix.Position // by thread, Main among them
	Changed matrix.Position                // of the newest receipt
}

// Of returns up to which position thread is read.
func (r *Reads) Of(thread id.EventID) matrix.Position {
	if r == nil {
		return 0
	}
	return max(r.All, r.Threads[thread])
}

// With returns the reads after further receipts.
func (r *Reads) With(more ...*Receipt) *Reads {
	next := Reads{Threads: map[id.EventID]matrix.Position{}}
	if r != nil {
		next.All, next.Changed = r.All, r.Changed
		maps.Copy(next.Threads, r.Threads)
	}
	for _, m := range more {
		next.Changed = max(next.Changed, m.Pos)
		if m.Thread == "" {
			next.All = max(next.All, m.EventPos)
		} else {
			next.Threads[m.Thread] = max(next.Threads[m.Thread], m.EventPos)
		}
	}
	maps.DeleteFunc(next.Threads, func(_ id.EventID, pos matrix.Position) bool { return pos <= next.All })
	return &next
}

// RoomReceipt is a receipt and the room that it is of.
type RoomReceipt struct {
	Receipt
	Room id.RoomID
}

// ReceiptsBetween returns up to limit receipts of all rooms with
// after < position <= upto, oldest change first.
func ReceiptsBetween(ctx context.Context, tx *storage.Tx, after, upto matrix.Position, limit int) ([]RoomReceipt, error) {
	return storage.Select[RoomReceipt](ctx, tx, `SELECT user_id, thread, private, event_id, event, ts, pos, room_id FROM receipt
		WHERE pos > $1 AND pos <= $2 ORDER BY pos LIMIT $3`, after, upto, limit)
}
