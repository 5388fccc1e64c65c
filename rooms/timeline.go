package rooms

import (
	"context"
	"slices"
	"sort"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Timeline returns the newest events with after < position <= upto, at most
// limit, oldest first, and whether there are older ones after `after`. It does
// not go back over a hole in what this server knows.
func (rm *Room) Timeline(ctx context.Context, after, upto matrix.Position, limit int) (evs []*Event, more bool, err error) {
	rm.mu.RLock()
	tail, low, gaps := rm.tail, rm.tailLow, rm.gaps
	rm.mu.RUnlock()
	for _, gap := range slices.Backward(gaps) {
		if gap > after && gap <= upto {
			evs, _, err = rm.unbroken(ctx, tail, low, gap-1, upto, limit)
			return evs, true, err
		}
	}
	return rm.unbroken(ctx, tail, low, after, upto, limit)
}

// IsGap reports whether something is missing before the event at pos.
func (rm *Room) IsGap(pos matrix.Position) bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return slices.Contains(rm.gaps, pos)
}

// unbroken is Timeline where nothing is missing.
func (rm *Room) unbroken(ctx context.Context, tail []*Event, low, after, upto matrix.Position, limit int) (evs []*Event, more bool, err error) {
	hi := sort.Search(len(tail), func(i int) bool { return tail[i].Pos > upto })
	lo := sort.Search(hi, func(i int) bool { return tail[i].Pos > after })
	if hi-lo > limit {
		return tail[hi-limit : hi], true, nil
	}
	if after >= low {
		return tail[lo:hi], false, nil
	}
	evs, err = rm.backwards(ctx, after, upto, limit+1)
	if err != nil {
		return nil, false, err
	}
	if len(evs) > limit {
		evs, more = evs[:limit], true
	}
	for i, j := 0, len(evs)-1; i < j; i, j = i+1, j-1 {
		evs[i], evs[j] = evs[j], evs[i]
	}
	return evs, more, nil
}

// Before returns up to limit events with position < pos, newest first.
func (rm *Room) Before(ctx context.Context, pos matrix.Position, limit int) ([]*Event, error) {
	rm.mu.RLock()
	tail, low := rm.tail, rm.tailLow
	rm.mu.RUnlock()
	hi := sort.Search(len(tail), func(i int) bool { return tail[i].Pos >= pos })
	if hi >= limit || low == minPos {
		out := make([]*Event, 0, min(limit, hi))
		for i := hi - 1; i >= 0 && len(out) < limit; i-- {
			out = append(out, tail[i])
		}
		return out, nil
	}
	return rm.backwards(ctx, minPos, pos-1, limit)
}

func (rm *Room) backwards(ctx context.Context, after, upto matrix.Position, limit int) ([]*Event, error) {
	var recs []eventlog.Record
	err := rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = rm.r.log.RoomBefore(ctx, tx, rm.nid, after, upto, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rm.r.materialise(ctx, recs)
}

// After returns up to limit events with pos < position <= upto, oldest first.
func (rm *Room) After(ctx context.Context, pos, upto matrix.Position, limit int) ([]*Event, error) {
	rm.mu.RLock()
	tail, low := rm.tail, rm.tailLow
	rm.mu.RUnlock()
	if pos >= low {
		lo := sort.Search(len(tail), func(i int) bool { return tail[i].Pos > pos })
		hi := sort.Search(len(tail), func(i int) bool { return tail[i].Pos > upto })
		return tail[lo:min(hi, lo+limit)], nil
	}
	var recs []eventlog.Record
	err := rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = rm.r.log.RoomAfter(ctx, tx, rm.nid, pos, upto, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rm.r.materialise(ctx, recs)
}
