package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// SentAfter returns up to limit timeline events of room after a position that
// sender sent and nobody redacted, the oldest first.
func (l *Log) SentAfter(ctx context.Context, tx *storage.Tx, room int64, sender id.UserID, after matrix.Position, limit int) (_ []Record, err error) {
	defer matrix.Wrap(&err, "events of a sender")
	nid, ok, err := l.names.find(ctx, tx, string(sender))
	if err != nil || !ok {
		return nil, err
	}
	return l.records(ctx, tx, `WHERE e.room = $1 AND e.pos > $2 AND e.sender = $3 AND e.hidden = 0 AND e.redacted_by IS NULL ORDER BY e.pos LIMIT $4`,
		room, after, nid, limit)
}
