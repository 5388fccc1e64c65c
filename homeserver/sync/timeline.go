package sync

import (
	"context"

	"plenum/homeserver/tell"
	"plenum/rooms"
)

const (
	// timelineUsual and timelineMost are how many events of a room a client
	// gets: when it does not say, and whatever it says.
	timelineUsual = 10
	timelineMost  = 100
)

// readTimeline reads the newest events of a stay.
//
// Spec: client-server-api#syncing
func (st *stay) readTimeline(ctx context.Context) error {
	f := &st.filter.Room.Timeline
	span := tell.Span{From: st.from, Upto: st.end}
	if f.IsShut() {
		span.From = st.end // an empty one
	}
	tl, err := tell.Newest(ctx, st.rm, span, f.Limit(timelineUsual, timelineMost), st.keep)
	// There may be a gap before a room that is new to the client: it may have
	// been there before.
	tl.Limited = tl.Limited || st.fresh && !st.initial
	st.timeline = tl
	return err
}

// keep returns those of evs that the user may see and wants to see.
func (st *stay) keep(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	evs, err := st.eye.Visible(ctx, evs)
	f := &st.filter.Room.Timeline
	if err != nil || f.IsOpen() && len(st.ignored) == 0 {
		return evs, err
	}
	kept := make([]*rooms.Event, 0, len(evs))
	for _, e := range evs {
		if !st.eye.Ignored(e) && e.Passes(f) {
			kept = append(kept, e)
		}
	}
	return st.rm.Related(ctx, f, kept)
}

// writeTimeline writes the timeline. Where there is nothing new it is left
// out, unless the client has to learn of the room as such.
func (st *stay) writeTimeline(ctx context.Context) error {
	tl := &st.timeline
	if len(tl.Events) == 0 && !tl.Limited && !st.whole() && !st.isOver {
		return nil
	}
	object := st.out.Open("timeline")
	st.out.OpenList("events")
	err := st.writeEvents(ctx, tl.Events, true)
	st.out.CloseList()
	st.out.Name("limited")
	st.out.Bool(tl.Limited)
	st.out.Name("prev_batch")
	st.out.Text(rooms.Token{Pos: tl.Start}.Page())
	st.out.Close(object)
	return err
}

// writeEvents writes events of the room, as elements of a list.
func (st *stay) writeEvents(ctx context.Context, evs []*rooms.Event, bundle bool) (err error) {
	if len(evs) == 0 {
		return nil
	}
	st.out.Buf, err = st.s.Rooms.AppendEvents(ctx, st.out.Buf, rooms.Encoding{
		Principal: st.who, Bundle: bundle, Ignored: st.ignored.Has,
		Federation: st.filter.Federation, Fields: st.filter.Fields,
	}, st.rm, evs)
	return err
}
