package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

const (
	// recursionDepth is how far relations of relations are followed.
	recursionDepth = 3
	// recursionMost bounds how many are looked at on the way.
	recursionMost = 10_000
)

// RelationsQuery asks for the events that relate to one.
type RelationsQuery struct {
	Room      id.RoomID
	Event     id.EventID
	RelType   string // "": any
	Type      string // of the events; "": any
	From, To  *Token
	Forwards  bool // the oldest first
	Limit     int
	Recursive bool // also those that relate to these, and so on
	Skip      func(*Event) bool
}

// Relations are a page of the events that relate to one.
type Relations struct {
	Room   *Room
	Events []*Event
	Next   *Token // nil: there are no more
	Depth  int    // how far relations of relations were followed
}

// Relations returns a page of the events that relate to one and that p may see.
//
// Spec: client-server-api#relationships-api
func (r *Rooms) Relations(ctx context.Context, p matrix.Principal, q RelationsQuery) (_ Relations, err error) {
	defer matrix.Wrap(&err, "relations")
	rm, parent, err := r.EventIn(ctx, p, q.Room, q.Event)
	if err != nil {
		return Relations{}, err
	}
	s, err := rm.sight(ctx, p.User)
	if err != nil {
		return Relations{}, err
	}
	w := newKinWalk(rm, s, parent, q)
	if q.Recursive {
		if err := w.descend(ctx); err != nil {
			return Relations{}, err
		}
	}
	out := Relations{Room: rm}
	if q.Recursive {
		out.Depth = recursionDepth
	}
	if out.Events, err = w.take(ctx, pageSize(q.Limit)); err != nil {
		return Relations{}, err
	}
	if w.more {
		out.Next = &Token{Pos: w.at()}
	}
	return out, nil
}

// kinWalk goes through the events that relate to one, in one direction.
type kinWalk struct {
	rm     *Room
	sight  *sight
	q      RelationsQuery
	page   eventlog.RelationQuery
	all    []matrix.Position // of relations of relations, in order; nil: read page by page
	more   bool
	lookup bool // positions come from all
}

func newKinWalk(rm *Room, s *sight, parent *Event, q RelationsQuery) *kinWalk {
	w := &kinWalk{rm: rm, sight: s, q: q}
	w.page = eventlog.RelationQuery{
		Room: rm.nid, Parent: parent.ID, Type: q.RelType, ChildType: q.Type,
		After: minPos, Upto: maxPos, Backwards: !q.Forwards,
	}
	from, to := q.From, q.To
	if !q.Forwards {
		from, to = to, from
	}
	if from != nil {
		w.page.After = from.Pos
	}
	if to != nil {
		w.page.Upto = to.Pos
	}
	return w
}

// at is where the next page begins.
func (w *kinWalk) at() matrix.Position {
	if w.page.Backwards {
		return w.page.Upto
	}
	return w.page.After
}

// stand moves the walk right behind the event at pos.
func (w *kinWalk) stand(pos matrix.Position) {
	if w.page.Backwards {
		w.page.Upto = pos - 1
	} else {
		w.page.After = pos
	}
}

// take returns up to n events.
func (w *kinWalk) take(ctx context.Context, n int) ([]*Event, error) {
	var out []*Event
	for seen := 0; seen < walkFar; {
		// One more than wanted tells whether there is another page.
		positions, err := w.next(ctx, n-len(out)+1)
		if err != nil {
			return nil, err
		}
		seen += len(positions)
		w.more = len(positions) > n-len(out)
		kept, err := w.pick(ctx, positions)
		if err != nil {
			return nil, err
		}
		if over := len(out) + len(kept) - n; over > 0 {
			kept = kept[:len(kept)-over]
		}
		out = append(out, kept...)
		switch {
		case len(out) == n && len(kept) > 0:
			w.stand(kept[len(kept)-1].Pos)
			return out, nil
		case !w.more:
			return out, nil
		}
		w.stand(positions[len(positions)-1])
	}
	return out, nil
}

// next returns the positions of up to n events that lie ahead.
func (w *kinWalk) next(ctx context.Context, n int) (positions []matrix.Position, err error) {
	if w.lookup {
		for _, pos := range w.all {
			if pos > w.page.After && pos <= w.page.Upto && len(positions) < n {
				positions = append(positions, pos)
			}
		}
		return positions, nil
	}
	page := w.page
	page.Limit = n
	err = w.rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		positions, err = w.rm.r.log.ChildrenPage(ctx, tx, page)
		return err
	})
	return positions, err
}

// pick returns the events at positions that are to be shown, in their order.
func (w *kinWalk) pick(ctx context.Context, positions []matrix.Position) ([]*Event, error) {
	evs, err := w.rm.r.inOrder(ctx, positions)
	if err != nil {
		return nil, err
	}
	if w.page.Backwards {
		slices.Reverse(evs)
	}
	evs = slices.DeleteFunc(evs, func(e *Event) bool { return e.Room != w.rm.id || w.q.Skip != nil && w.q.Skip(e) })
	return w.sight.filter(ctx, evs)
}

// descend collects what relates to the event directly or through others.
func (w *kinWalk) descend(ctx context.Context) error {
	w.lookup = true
	known := map[id.EventID]bool{w.q.Event: true}
	parents := []id.EventID{w.q.Event}
	for range recursionDepth {
		var rows []eventlog.RelationRow
		err := w.rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
			rows, err = w.rm.r.log.Children(ctx, tx, parents)
			return err
		})
		if err != nil {
			return err
		}
		parents = nil
		for _, row := range rows {
			child := row.ID(w.rm.rules.Version)
			if known[child] || len(known) > recursionMost {
				continue
			}
			known[child] = true
			parents = append(parents, child)
			if (w.q.RelType == "" || row.Type == w.q.RelType) && (w.q.Type == "" || row.ChildType == w.q.Type) {
				w.all = append(w.all, row.Child)
			}
		}
		if len(parents) == 0 {
			break
		}
	}
	slices.Sort(w.all)
	if w.page.Backwards {
		slices.Reverse(w.all)
	}
	return nil
}
