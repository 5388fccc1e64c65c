package sliding

import (
	"context"

	"plenum/homeserver/tell"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// readTimeline reads the events that the client does not have. When it wants
// more events than before, and there are older ones that it does not have, it
// gets the newest ones anew.
//
// Spec: todo MSC4186, changes to timeline_limit, once it is in a release
func (st *stay) readTimeline(ctx context.Context) (err error) {
	limit := st.x.timeline
	if !st.fresh && limit > st.was.depth {
		all, err := st.newest(ctx, tell.Beginning, limit)
		if err != nil {
			return err
		}
		if st.expanded = len(all.Events) > 0 && all.Events[0].Pos <= st.was.start; st.expanded {
			st.timeline = all
			st.is.start, st.is.depth, st.is.receipts = all.Start, limit, 0
			return nil
		}
		st.is.depth = limit
	}
	if st.timeline, err = st.newest(ctx, st.from, limit); err != nil {
		return err
	}
	if st.fresh || st.timeline.Limited {
		st.is.start, st.is.depth = st.timeline.Start, limit
	}
	return nil
}

// newest returns the newest events of the room after from.
func (st *stay) newest(ctx context.Context, from matrix.Position, limit int) (tell.Timeline, error) {
	return tell.Newest(ctx, st.rm, tell.Span{From: from, Upto: st.end}, limit, st.keep)
}

// keep returns those of evs that the user may see and wants to see.
func (st *stay) keep(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	evs, err := st.eye.Visible(ctx, evs)
	if err != nil || len(st.ignored) == 0 {
		return evs, err
	}
	kept := make([]*rooms.Event, 0, len(evs))
	for _, e := range evs {
		if !st.eye.Ignored(e) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// writeTimeline writes the timeline, unless there is nothing new in it.
func (st *stay) writeTimeline(ctx context.Context) error {
	tl := &st.timeline
	if len(tl.Events) == 0 && !tl.Limited && !st.fresh {
		return nil
	}
	w := &st.out
	w.OpenList("timeline")
	err := st.writeEvents(ctx, tl.Events, true)
	w.CloseList()
	w.Name("limited")
	w.Bool(tl.Limited)
	w.Name("prev_batch")
	w.Text(rooms.Token{Pos: tl.Start}.Page())
	w.Name("num_live")
	w.Int(st.live())
	if st.expanded {
		w.Name(st.question.form.expanded())
		w.Bool(true)
	}
	return err
}

// live returns how many events of the timeline happened after the answer
// before.
func (st *stay) live() (n int64) {
	if st.initial() {
		return 0
	}
	for _, e := range st.timeline.Events {
		if e.Pos > st.have.since {
			n++
		}
	}
	return n
}

// writeEvents writes events of the room, as elements of a list.
func (st *stay) writeEvents(ctx context.Context, evs []*rooms.Event, bundle bool) (err error) {
	if len(evs) == 0 {
		return nil
	}
	st.out.Buf, err = st.Rooms.AppendEvents(ctx, st.out.Buf, rooms.Encoding{
		Principal: st.who, Bundle: bundle, Ignored: st.ignored.Has,
	}, st.rm, evs)
	return err
}
