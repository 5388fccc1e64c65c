package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

const (
	// walkFar bounds how many events one request looks at to fill its page.
	walkFar = 2000
	// walkStep bounds how many it reads at a time.
	walkStep = 200
)

// walk goes through a room's timeline in one direction and picks the events
// that somebody may see and wants to see.
type walk struct {
	rm     *Room
	sight  *sight
	back   bool
	at     matrix.Position // where it stands: everything up to here lies before
	stop   matrix.Position // where it ends, likewise
	filter *filter.Events  // nil: everything
	skip   func(*Event) bool
	seen   int  // events looked at
	done   bool // nothing lies ahead
}

// take returns up to n events. When it returns fewer and the walk is not done,
// there may be more behind a stretch in which there was nothing to show.
func (w *walk) take(ctx context.Context, n int) ([]*Event, error) {
	var out []*Event
	for len(out) < n && !w.done && w.seen < walkFar {
		evs, err := w.step(ctx, n-len(out))
		if err != nil {
			return nil, err
		}
		kept, err := w.pick(ctx, evs)
		if err != nil {
			return nil, err
		}
		if over := len(kept) - (n - len(out)); over > 0 {
			kept = kept[:len(kept)-over]
			w.done = false
			w.stand(kept[len(kept)-1])
		}
		out = append(out, kept...)
	}
	return out, nil
}

// digs bounds how often one request asks other servers for history.
const digs = 3

// dig goes on where the history ends that this server has, with what others
// have. Of what they cannot tell there simply is none.
func (w *walk) dig(ctx context.Context, evs *[]*Event, n int) error {
	if !w.back || w.stop != minPos {
		return nil
	}
	for i := 0; i < digs && w.done && len(*evs) < n && w.jump(); i++ {
		if found, err := w.rm.history(ctx); err != nil || !found {
			return ctx.Err()
		}
		w.done = false
		more, err := w.take(ctx, n-len(*evs))
		if err != nil {
			return err
		}
		*evs = append(slices.Clip(*evs), more...)
	}
	return nil
}

// step reads a stretch of the timeline and moves behind it.
func (w *walk) step(ctx context.Context, want int) ([]*Event, error) {
	if !w.jump() {
		w.done = true
		return nil, nil
	}
	n := min(max(want+want/4, 10), walkStep)
	evs, err := w.read(ctx, n)
	if err != nil {
		return nil, err
	}
	w.seen += len(evs)
	w.done = len(evs) < n
	if len(evs) > 0 {
		w.stand(evs[len(evs)-1])
	}
	return evs, nil
}

// read returns the next n events.
func (w *walk) read(ctx context.Context, n int) ([]*Event, error) {
	if !w.back {
		if w.at >= w.stop {
			return nil, nil
		}
		return w.rm.After(ctx, w.at, w.stop, n)
	}
	last := w.rm.LastPos()
	evs, err := w.rm.Before(ctx, min(w.at, last)+1, n)
	for i, e := range evs {
		if e.Pos <= w.stop {
			return evs[:i], err
		}
	}
	return evs, err
}

// stand moves the walk right behind e.
func (w *walk) stand(e *Event) {
	w.at = e.Pos
	if w.back {
		w.at = e.Pos - 1
	}
}

// jump moves over a stretch of which nothing may be seen. It returns false when
// there is nothing else ahead.
func (w *walk) jump() bool {
	next := w.at
	if !w.back {
		next++
	}
	if w.sight.allows(next, w.sight.seen.at(next), w.sight.membership(next)) {
		return true
	}
	// Events at a border may be visible though those around are not.
	border, ok := w.sight.border(w.at, w.back)
	switch {
	case !ok:
		return false
	case w.back:
		w.at = border
		return border > w.stop
	}
	w.at = border - 1
	return border <= w.stop
}

// pick returns those of evs that are to be shown.
func (w *walk) pick(ctx context.Context, evs []*Event) ([]*Event, error) {
	evs, err := w.sight.filter(ctx, evs)
	if err != nil || len(evs) == 0 || w.filter == nil && w.skip == nil {
		return evs, err
	}
	out := make([]*Event, 0, len(evs))
	for _, e := range evs {
		if (w.skip == nil || !w.skip(e)) && e.Passes(w.filter) {
			out = append(out, e)
		}
	}
	return w.rm.Related(ctx, w.filter, out)
}

// Passes reports whether e passes f, what relates to e aside.
func (e *Event) Passes(f *filter.Events) bool {
	if f == nil {
		return true
	}
	s := filter.Subject{Type: e.Type, Sender: e.Sender, Room: e.Room, RelType: e.RelType}
	if f.ReadsURL() {
		s.HasURL = e.Content().Get("url").Exists()
	}
	return f.Match(s)
}

// Related returns those of evs to which others relate as f asks for.
func (rm *Room) Related(ctx context.Context, f *filter.Events, evs []*Event) ([]*Event, error) {
	if f == nil || f.RelatedBy.IsZero() || len(evs) == 0 {
		return evs, nil
	}
	ids := make([]id.EventID, len(evs))
	for i, e := range evs {
		ids[i] = e.ID
	}
	var rows []eventlog.RelationRow
	err := rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = rm.r.log.Children(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted := map[id.EventID]bool{}
	for _, row := range rows {
		if f.RelatedBy.Match(row.Type, row.Sender) {
			wanted[row.Parent(rm.rules.Version)] = true
		}
	}
	var out []*Event
	for _, e := range evs {
		if wanted[e.ID] {
			out = append(out, e)
		}
	}
	return out, nil
}
