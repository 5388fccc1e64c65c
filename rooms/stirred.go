package rooms

import (
	"context"
	"slices"

	"plenum/internal/matrix"
	"plenum/storage"
)

// stirring are the types of events after which a room is worth looking at:
// somebody said something. Polls and places are sent under names of the time
// before they were specified, too.
var stirring = [...]string{
	"m.room.message", "m.room.encrypted", "m.sticker", "m.call.invite", "m.room.create",
	"m.poll.start", "org.matrix.msc3381.poll.start", "m.beacon_info", "org.matrix.msc3672.beacon_info",
}

func stirs(typ string) bool { return slices.Contains(stirring[:], typ) }

// Stirred returns the position of the newest event that is more than
// housekeeping, 0 when there is none. It is read once and then kept in memory.
//
// Spec: todo MSC4186, bump_stamp, once it is in a release
func (rm *Room) Stirred(ctx context.Context) (_ matrix.Position, err error) {
	defer matrix.Wrap(&err, "newest activity")
	rm.mu.RLock()
	known, tail, low := rm.stirred, rm.tail, rm.tailLow
	rm.mu.RUnlock()
	if known != nil {
		return *known, nil
	}
	var pos matrix.Position
	for _, e := range slices.Backward(tail) {
		if stirs(e.Type) {
			pos = e.Pos
			break
		}
	}
	if pos == 0 && low != minPos {
		err := rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
			pos, err = rm.r.log.NewestOf(ctx, tx, rm.nid, stirring[:])
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if rm.stirred == nil { // else something came in between
		rm.stirred = &pos
	}
	return *rm.stirred, nil
}
