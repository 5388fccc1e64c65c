package rooms

import (
	"cmp"
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// sortBy sorts items by a key, smallest first.
func sortBy[T any, K cmp.Ordered](items []T, key func(T) K) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// eventsByID returns those of the events that are known.
func (r *Rooms) eventsByID(ctx context.Context, ids []id.EventID) (map[id.EventID]*Event, error) {
	out := make(map[id.EventID]*Event, len(ids))
	var missing []id.EventID
	for _, ev := range ids {
		pos, _ := r.ids.Get(ev)
		if e, ok := r.events.Get(pos); ok && e.ID == ev {
			out[ev] = e
		} else {
			missing = append(missing, ev)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	var recs []eventlog.Record
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		recs, err = r.log.ByID(ctx, tx, missing)
		return err
	})
	if err != nil {
		return nil, err
	}
	evs, err := r.materialise(ctx, recs)
	for _, e := range evs {
		out[e.ID] = e
	}
	return out, err
}

// inOrder returns the events at positions in log order.
func (r *Rooms) inOrder(ctx context.Context, positions []matrix.Position) ([]*Event, error) {
	byPos, err := r.Events(ctx, positions)
	if err != nil {
		return nil, err
	}
	out := make([]*Event, 0, len(byPos))
	for _, e := range byPos {
		out = append(out, e)
	}
	sortBy(out, func(e *Event) matrix.Position { return e.Pos })
	return out, nil
}
