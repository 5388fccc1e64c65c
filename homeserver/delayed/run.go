package delayed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	store "plenum/storage/delayed"
)

// pruneEvery is how often is forgotten what became of events long ago.
const pruneEvery = time.Hour

// atOnce is in how many rooms events are sent at the same time.
const atOnce = 16

// lanes are the events that are being sent: one after the other in each room,
// in the order in which they are due, and a few rooms at a time.
type lanes struct {
	mu   sync.Mutex
	of   map[id.RoomID][]*timer // what waits for the one before it
	free chan struct{}
	busy sync.WaitGroup
}

func newLanes() lanes {
	return lanes{of: map[id.RoomID][]*timer{}, free: make(chan struct{}, atOnce)}
}

// Run sends events when they are due, those first that were due while the
// server was down, until ctx ends.
func (e *Events) Run(ctx context.Context) error {
	clock := time.NewTimer(0)
	defer clock.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		now, wait := e.due()
		for _, t := range now {
			e.enter(ctx, t)
		}
		clock.Reset(wait)
		select {
		case <-ctx.Done():
			e.lanes.busy.Wait()
			return e.save(context.WithoutCancel(ctx))
		case <-clock.C:
		case <-e.sooner:
		case <-prune.C:
			e.prune(ctx)
		}
	}
}

// enter sends t after what is being sent to the same room.
func (e *Events) enter(ctx context.Context, t *timer) {
	l := &e.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, busy := l.of[t.Room]
	l.of[t.Room] = append(waiting, t)
	if busy {
		return
	}
	l.busy.Add(1)
	go func() {
		defer l.busy.Done()
		l.free <- struct{}{}
		defer func() { <-l.free }()
		for t := l.next(t.Room); t != nil; t = l.next(t.Room) {
			if ctx.Err() == nil {
				e.fire(ctx, t)
			}
		}
	}()
}

// next takes the next event of a room, nil when there is none: then nobody is
// busy with the room any more.
func (l *lanes) next(room id.RoomID) *timer {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.of[room]
	if len(waiting) == 0 {
		delete(l.of, room)
		return nil
	}
	l.of[room] = waiting[1:]
	return waiting[0]
}

// prune forgets what became of events long ago.
func (e *Events) prune(ctx context.Context) {
	before := e.opt.Now().Add(-keepFor).UnixMilli()
	err := e.db.Write(ctx, func(tx *storage.Tx) error { return store.Prune(ctx, tx, before, keepMost) })
	if err != nil && ctx.Err() == nil {
		e.log.LogAttrs(ctx, slog.LevelError, "old delayed events stay", slog.Any("err", err))
	}
}
