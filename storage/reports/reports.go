// Package reports is all SQL about what users report to those who run the
// server.
package reports

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Kind says what is reported.
type Kind string

// What can be reported.
const (
	Event Kind = "event"
	Room  Kind = "room"
	User  Kind = "user"

	Server Kind = "server"
	Media  Kind = "media"
	System Kind = "system" // reporting itself
	Other  Kind = "other"
)

// Report is something that a user reported.
type Report struct {
	Pos      matrix.Position // also its number
	Kind     Kind
	Room     id.RoomID  // of Event and Room
	Event    id.EventID // only of Event
	User     id.UserID  // who sent the event, or is reported
	Subject  string     // of the other kinds: its name, as it was reported
	Harm     string     // "": not said
	Ref      *string    // by which its sender knows it; nil: by none
	Reporter id.UserID
	Reason   string
	Score    *int64 // -100, the worst, to 0; nil: not said
	TS       int64  // ms
}

// Add stores a report and gives it its number. What has the Ref of another is
// that one again.
func Add(ctx context.Context, tx *storage.Tx, r Report) error {
	return tx.Exec(ctx, `INSERT INTO report (pos, kind, room_id, event_id, user_id, reporter, reason, score, ts, subject, harm, ref)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (ref) DO NOTHING`,
		tx.Position(), r.Kind, r.Room, r.Event, r.User, r.Reporter, r.Reason, r.Score, r.TS, r.Subject, r.Harm, r.Ref)
}

// Before returns up to limit reports with a lower number than before, newest first.
func Before(ctx context.Context, tx *storage.Tx, before matrix.Position, limit int) ([]Report, error) {
	return storage.Select[Report](ctx, tx, `SELECT pos, kind, room_id, event_id, user_id, subject, harm, ref, reporter, reason, score, ts FROM report
		WHERE pos < $1 ORDER BY pos DESC LIMIT $2`, before, limit)
}
