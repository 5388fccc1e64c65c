package rooms

import (
	"container/heap"
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// servedPage is how many events other servers get at a time, at most.
const servedPage = 100

// ServeBackfill returns up to limit events to another server: those called
// from, and what came before them, the newest first.
//
// Spec: server-server-api#get_matrixfederationv1backfillroomid
func (r *Rooms) ServeBackfill(ctx context.Context, origin string, room id.RoomID, from []id.EventID, limit int) (_ []Served, err error) {
	defer matrix.Wrap(&err, "serve backfill")
	rm, g, err := r.visited(ctx, origin, room)
	if err != nil {
		return nil, err
	}
	limit = min(max(limit, 0), servedPage)
	w := rm.walkBack(g)
	if err := w.begin(ctx, from, limit); err != nil {
		return nil, err
	}
	var out []*Event
	for len(out) < limit {
		e, err := w.next(ctx)
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		if !e.Hidden() {
			out = append(out, e)
		}
	}
	return g.show(ctx, out...)
}

// MissingQuery asks for the events between known ones and latest ones.
//
// Spec: server-server-api#post_matrixfederationv1get_missing_eventsroomid
type MissingQuery struct {
	Earliest, Latest []id.EventID // not returned themselves
	Limit            int
	MinDepth         int64
}

// ServeMissing returns the events before the latest ones, back to the earliest
// ones, to another server: the oldest first, and of many the newest.
func (r *Rooms) ServeMissing(ctx context.Context, origin string, room id.RoomID, q MissingQuery) (_ []Served, err error) {
	defer matrix.Wrap(&err, "serve missing events")
	rm, g, err := r.visited(ctx, origin, room)
	if err != nil {
		return nil, err
	}
	q.Limit = min(max(q.Limit, 0), servedPage)
	w := rm.walkBack(g)
	for _, ev := range q.Earliest {
		w.seen[ev] = true
	}
	if err := w.begin(ctx, q.Latest, q.Limit); err != nil {
		return nil, err
	}
	var out []*Event
	for len(out) < q.Limit {
		e, err := w.next(ctx)
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		if !e.Hidden() && e.Depth >= q.MinDepth && !slices.Contains(q.Latest, e.ID) {
			out = append(out, e)
		}
	}
	slices.Reverse(out)
	return g.show(ctx, out...)
}

// backwards goes through the graph of a room's events from the newest to the
// oldest. Events that other servers claim to be later come first; an event
// never comes before those that were built on it, unless they are elsewhere in
// the graph and claim a false depth.
type backwards struct {
	rm    *Room
	guest *guest
	seen  map[id.EventID]bool
	near  map[id.EventID]*Event // read ahead
	queue newest
	steps int
}

// walkedBack bounds the events that one question goes through.
const walkedBack = 1000

func (rm *Room) walkBack(g *guest) *backwards {
	return &backwards{rm: rm, guest: g, seen: map[id.EventID]bool{}, near: map[id.EventID]*Event{}}
}

// begin starts at the events called from. The timeline before them is read in
// one go, as it is most of what comes.
func (w *backwards) begin(ctx context.Context, from []id.EventID, limit int) error {
	from = from[:min(len(from), servedPage)]
	if err := w.add(ctx, from); err != nil {
		return err
	}
	if len(w.queue) == 0 {
		return nil
	}
	top := slices.MaxFunc(w.queue, func(a, b *Event) int { return comparePos(a.Pos, b.Pos) })
	evs, err := w.rm.Before(ctx, top.Pos, limit)
	for _, e := range evs {
		w.near[e.ID] = e
	}
	return err
}

func comparePos(a, b matrix.Position) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// next returns the newest event that is left, nil at the end.
func (w *backwards) next(ctx context.Context) (*Event, error) {
	if len(w.queue) == 0 || w.steps >= walkedBack {
		return nil, nil
	}
	w.steps++
	e := heap.Pop(&w.queue).(*Event)
	return e, w.add(ctx, e.pdu.Prev)
}

// add puts events into the queue, as far as the server may ask about them.
func (w *backwards) add(ctx context.Context, ids []id.EventID) error {
	var far []id.EventID
	for _, ev := range ids {
		switch {
		case w.seen[ev]:
		case w.near[ev] != nil:
			w.push(w.near[ev])
		default:
			far = append(far, ev)
		}
		w.seen[ev] = true
	}
	if len(far) == 0 {
		return nil
	}
	known, err := w.rm.r.eventsByID(ctx, far)
	for _, e := range known {
		w.push(e)
	}
	return err
}

func (w *backwards) push(e *Event) {
	if e.Room == w.rm.id && !e.Outlier && w.guest.wasAt(e) {
		heap.Push(&w.queue, e)
	}
}

// newest is a heap of events, the deepest at the top.
type newest []*Event

// Len implements heap.Interface.
func (q newest) Len() int { return len(q) }

// Less implements heap.Interface.
func (q newest) Less(i, j int) bool {
	if q[i].Depth != q[j].Depth {
		return q[i].Depth > q[j].Depth
	}
	return q[i].Pos > q[j].Pos
}

// Swap implements heap.Interface.
func (q newest) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *newest) Push(e any) { *q = append(*q, e.(*Event)) }

// Pop implements heap.Interface.
func (q *newest) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}
