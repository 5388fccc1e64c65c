// Package delayed is all SQL about events that are to be sent later.
package delayed

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Timer is what has to be known of a scheduled event to send it in time. All
// times are in milliseconds.
type Timer struct {
	ID        string
	User      id.UserID
	Room      id.RoomID
	Delay     int64
	Scheduled int64 // when its time began, the last time that this was written
	Due       int64 // it is sent no sooner; later than Scheduled + Delay while restarts go unwritten
}

// Event is a delayed event, whatever became of it.
type Event struct {
	Timer
	Device    id.DeviceID
	Type      string
	StateKey  *string         // nil: a message event
	Content   json.RawMessage // nil once it is sent: the event has it
	TS        int64           // that the event is to have; 0: when it is sent
	Sticky    int64
	Finalised *int64      // nil: it is scheduled still
	EventID   *id.EventID // nil: it was not sent
	Error     []byte      // JSON of why it could not be sent; nil: there was no reason
}

const (
	timerColumns = `delay_id, user_id, room_id, delay, scheduled, due`
	eventColumns = `SELECT ` + timerColumns + `, device, type, state_key, content, origin_ts, sticky, finalised, event_id, error FROM delayed_event `
)

// Timers returns what is scheduled.
func Timers(ctx context.Context, tx *storage.Tx) ([]Timer, error) {
	return storage.Select[Timer](ctx, tx, `SELECT `+timerColumns+` FROM delayed_event WHERE finalised IS NULL`)
}

// Get returns a delayed event.
func Get(ctx context.Context, tx *storage.Tx, delayID string) (Event, bool, error) {
	return storage.One[Event](ctx, tx, eventColumns+`WHERE delay_id = $1`, delayID)
}

// Scheduled returns what user has scheduled, in no order.
func Scheduled(ctx context.Context, tx *storage.Tx, user id.UserID) ([]Event, error) {
	return storage.Select[Event](ctx, tx, eventColumns+`WHERE user_id = $1 AND finalised IS NULL`, user)
}

// ByTxn returns what a device scheduled with a transaction.
func ByTxn(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID, txn []byte) (string, bool, error) {
	return storage.One[string](ctx, tx, `SELECT delay_id FROM delayed_event WHERE user_id = $1 AND device = $2 AND txn = $3`, user, device, txn)
}

// Count returns how many events user has scheduled.
func Count(ctx context.Context, tx *storage.Tx, user id.UserID) (int64, error) {
	n, _, err := storage.One[int64](ctx, tx, `SELECT count(*) FROM delayed_event WHERE user_id = $1 AND finalised IS NULL`, user)
	return n, err
}

const add = `INSERT INTO delayed_event (delay_id, user_id, room_id, delay, scheduled, due, device, txn, type, state_key, content, origin_ts, sticky)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// Add schedules an event; txn is nil without a transaction.
func Add(ctx context.Context, tx *storage.Tx, e *Event, txn []byte) error {
	return tx.Exec(ctx, add, e.ID, e.User, e.Room, e.Delay, e.Scheduled, e.Due, e.Device, txn, e.Type, e.StateKey, []byte(e.Content), e.TS, e.Sticky)
}

// Move writes when a scheduled event is due.
func Move(ctx context.Context, tx *storage.Tx, delayID string, scheduled, due int64) error {
	return tx.Exec(ctx, `UPDATE delayed_event SET scheduled = $1, due = $2 WHERE delay_id = $3 AND finalised IS NULL`, scheduled, due, delayID)
}

// Outcome is what became of a delayed event.
type Outcome struct {
	At    int64           // ms
	Event id.EventID      // empty: it was not sent
	Pos   matrix.Position // of Event; 0: it was there before
	Error json.RawMessage // why it could not be sent
}

// The content of what was sent is in the event, and goes when that is redacted.
const finalise = `UPDATE delayed_event SET finalised = $1, event_id = $2, event = $3, error = $4,
	content = CASE WHEN $5 = 1 THEN NULL ELSE content END
	WHERE delay_id = $6 AND finalised IS NULL RETURNING delay_id`

// Finalise writes what became of a scheduled event, and reports whether it was
// scheduled until now.
func Finalise(ctx context.Context, tx *storage.Tx, delayID string, o Outcome) (bool, error) {
	var event *id.EventID
	var pos *matrix.Position
	if o.Event != "" {
		event = &o.Event
	}
	if o.Pos != 0 {
		pos = &o.Pos
	}
	_, was, err := storage.One[string](ctx, tx, finalise, o.At, event, pos, []byte(o.Error), o.Event != "", delayID)
	return was, err
}

// SentRow is a delayed event that was sent.
type SentRow struct {
	Event matrix.Position
	ID    string
}

// SentBy returns the delayed events of user that were sent, as far as that is
// known still.
func SentBy(ctx context.Context, tx *storage.Tx, user id.UserID) ([]SentRow, error) {
	return storage.Select[SentRow](ctx, tx, `SELECT event, delay_id FROM delayed_event
		WHERE user_id = $1 AND finalised IS NOT NULL AND event IS NOT NULL`, user)
}

// Prune forgets what was finalised before a time (ms), and of each user all but
// the newest `most`.
func Prune(ctx context.Context, tx *storage.Tx, before int64, most int) error {
	if err := tx.Exec(ctx, `DELETE FROM delayed_event WHERE finalised < $1`, before); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM delayed_event WHERE delay_id IN (SELECT delay_id FROM (
		SELECT delay_id, row_number() OVER (PARTITION BY user_id ORDER BY finalised DESC) AS place
		FROM delayed_event WHERE finalised IS NOT NULL) AS old WHERE place > $1)`, most)
}

// DeleteUser forgets everything of user.
func DeleteUser(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM delayed_event WHERE user_id = $1`, user)
}
