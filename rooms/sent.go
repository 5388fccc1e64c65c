package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// FirstPos is before every event, also of those that came from other servers
// after the fact.
const FirstPos = minPos

// SentBy returns up to limit events that user sent to a room and nobody
// redacted, the oldest first, after a position: FirstPos is the beginning.
func (r *Rooms) SentBy(ctx context.Context, user id.UserID, room id.RoomID, after matrix.Position, limit int) ([]*Event, error) {
	rm, err := r.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	var recs []eventlog.Record
	err = r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.SentAfter(ctx, tx, rm.nid, user, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.materialise(ctx, recs)
}
