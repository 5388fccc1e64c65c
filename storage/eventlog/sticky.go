package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// StickyRow is an event that is sticky.
type StickyRow struct {
	Room  id.RoomID // where it is read
	At    matrix.Position
	Event matrix.Position
	Until int64 // ms since 1970
}

// PutSticky notes that an event of the room numbered room is sticky. When it
// was before, it becomes so anew.
func (l *Log) PutSticky(ctx context.Context, tx *storage.Tx, room int64, s StickyRow) error {
	return tx.Exec(ctx, `INSERT INTO sticky_event (event, room, at, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (event) DO UPDATE SET at = excluded.at`, s.Event, room, s.At, s.Until)
}

// Sticky returns the events that are sticky at now (ms), in the order in which
// they became so.
func (l *Log) Sticky(ctx context.Context, tx *storage.Tx, now int64) ([]StickyRow, error) {
	return storage.Select[StickyRow](ctx, tx, `SELECT r.room_id, s.at, s.event, s.until FROM sticky_event s
		JOIN room r ON r.nid = s.room WHERE s.until > $1 ORDER BY s.at`, now)
}

// PruneSticky forgets the events that are sticky no more.
func (l *Log) PruneSticky(ctx context.Context, tx *storage.Tx, now int64) error {
	return tx.Exec(ctx, `DELETE FROM sticky_event WHERE until <= $1`, now)
}
