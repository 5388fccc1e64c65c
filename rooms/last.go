package rooms

import (
	"context"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// lastsCached bounds the rooms of which it is known when they changed last.
const lastsCached = 1_000_000

// lasts knows when rooms changed last, also of rooms that are not in memory:
// a sync asks it about every room of its user.
type lasts struct {
	mu    sync.RWMutex
	of    map[id.RoomID]matrix.Position
	quiet matrix.Position // rooms that are not in `of` did not change after this
}

func newLasts(from matrix.Position) *lasts {
	return &lasts{of: map[id.RoomID]matrix.Position{}, quiet: from}
}

// saw notes an event of room. It runs in the log's writer, in commit order.
func (l *lasts) saw(room id.RoomID, pos matrix.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.of) >= lastsCached {
		clear(l.of)
		l.quiet = pos
	}
	l.of[room] = pos
}

// learn takes over what the log said of rooms, as far as it is news. What was
// said before everything was forgotten may be too old.
func (l *lasts) learn(rooms []id.RoomID, rows []eventlog.LastRow, quiet matrix.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quiet != quiet {
		return
	}
	for _, room := range rooms {
		if _, ok := l.of[room]; !ok {
			l.of[room] = minPos
		}
	}
	for _, row := range rows {
		l.of[row.Room] = max(l.of[row.Room], row.Last)
	}
}

// after fills in out for the rooms that changed after pos and returns those
// for which the log has to be asked.
func (l *lasts) after(pos matrix.Position, rooms []id.RoomID, out []matrix.Position) (ask []id.RoomID, quiet matrix.Position) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for i, room := range rooms {
		last, known := l.of[room]
		switch {
		case known && last > pos:
			out[i] = last
		case !known && pos < l.quiet:
			ask = append(ask, room)
		}
	}
	return ask, l.quiet
}

// LastAfter returns for each of rooms the position of its newest event, or 0
// when that is not after pos. Rooms need not be in memory, and the log is
// asked only about a time before the server started, once for each room.
func (r *Rooms) LastAfter(ctx context.Context, pos matrix.Position, rooms []id.RoomID) ([]matrix.Position, error) {
	out := make([]matrix.Position, len(rooms))
	for {
		ask, quiet := r.lasts.after(pos, rooms, out)
		if len(ask) == 0 {
			return out, nil
		}
		var rows []eventlog.LastRow
		err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
			rows, err = r.log.Lasts(ctx, tx, ask)
			return err
		})
		if err != nil {
			return nil, err
		}
		r.lasts.learn(ask, rows, quiet)
	}
}
