package rooms

import (
	"context"
	"slices"
	"sync"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// feedLen is how many of the newest events a follower finds in memory.
const feedLen = 4096

// Feed is the newest part of the log in memory, in commit order.
type Feed struct {
	mu   sync.Mutex
	ring []*Event // oldest first
	low  matrix.Position
	news chan struct{} // closed when something comes
}

func newFeed(from matrix.Position) *Feed {
	return &Feed{low: from, news: make(chan struct{})}
}

// publish adds committed events.
func (f *Feed) publish(evs []*Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring = append(f.ring, evs...)
	if over := len(f.ring) - feedLen; over > feedLen {
		f.low = f.ring[over-1].Pos
		f.ring = append([]*Event(nil), f.ring[over:]...)
	}
	close(f.news)
	f.news = make(chan struct{})
}

// after returns up to limit events after pos, whether the feed reaches back
// that far, and a channel that is closed at the next publication.
func (f *Feed) after(pos matrix.Position, limit int) ([]*Event, bool, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pos < f.low {
		return nil, false, f.news
	}
	i := len(f.ring)
	for i > 0 && f.ring[i-1].Pos > pos {
		i--
	}
	return f.ring[i:min(len(f.ring), i+limit)], true, f.news
}

// Follow calls fn with the events of all rooms after position after, in
// commit order, until ctx ends or fn fails. It waits for new ones.
func (r *Rooms) Follow(ctx context.Context, after matrix.Position, fn func([]*Event) error) error {
	const batch = 256
	for ctx.Err() == nil {
		evs, news, err := r.Next(ctx, after, batch)
		if err != nil {
			return err
		}
		if len(evs) == 0 {
			select {
			case <-news:
			case <-ctx.Done():
			}
			continue
		}
		if err := fn(evs); err != nil {
			return err
		}
		after = evs[len(evs)-1].Pos
	}
	return ctx.Err()
}

// Next returns up to limit events of all rooms after a position, in commit
// order, and a channel that is closed when there are more. It returns what is
// committed: there are no others up to db.Committed() as it was before.
func (r *Rooms) Next(ctx context.Context, after matrix.Position, limit int) ([]*Event, <-chan struct{}, error) {
	for {
		evs, ok, news := r.feed.after(after, limit)
		if ok {
			return evs, news, nil
		}
		evs, err := r.read(ctx, after, limit)
		if err != nil || len(evs) > 0 {
			return evs, news, err
		}
		after = r.feed.start() // nothing between after and what the feed holds
	}
}

func (f *Feed) start() matrix.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.low
}

// read returns up to limit events of the log after a position.
func (r *Rooms) read(ctx context.Context, after matrix.Position, limit int) ([]*Event, error) {
	upto := r.db.Committed()
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.After(ctx, tx, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	// What is newer, memory may not know yet; it will come again.
	if i := slices.IndexFunc(recs, func(rec eventlog.Record) bool { return rec.Pos > upto }); i > 0 {
		recs = recs[:i]
	}
	return r.materialise(ctx, recs)
}
