package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// SentBefore returns up to limit events of room before a position that sender
// sent and nobody redacted, soft-failed ones too, the newest first.
func (l *Log) SentBefore(ctx context.Context, tx *storage.Tx, room int64, sender id.UserID, before matrix.Position, limit int) (_ []Record, err error) {
	defer matrix.Wrap(&err, "newest events of a sender")
	nid, ok, err := l.names.find(ctx, tx, string(sender))
	if err != nil || !ok {
		return nil, err
	}
	return l.records(ctx, tx, `WHERE e.room = $1 AND e.pos < $2 AND e.sender = $3 AND e.hidden IN (0, 2) AND e.redacted_by IS NULL
		ORDER BY e.pos DESC LIMIT $4`, room, before, nid, limit)
}
