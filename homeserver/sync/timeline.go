package sync

import (
	"cmp"
	"context"
	"slices"

	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	// timelineUsual and timelineMost are how many events of a room a client
	// gets: when it does not say, and whatever it says.
	timelineUsual = 10
	timelineMost  = 100
	// timelineReach bounds how many events are looked at for a timeline. What
	// lies behind a long stretch that the filter keeps out is a gap.
	timelineReach = 1000
)

// timeline is the newest events of a span that the user is to see.
type timeline struct {
	events  []*rooms.Event  // oldest first
	start   matrix.Position // they are what follows this
	limited bool            // there are more between the last token and start
}

// shows reports whether the event at pos is part of the timeline.
func (tl *timeline) shows(pos matrix.Position) bool {
	_, found := slices.BinarySearchFunc(tl.events, pos, func(e *rooms.Event, pos matrix.Position) int {
		return cmp.Compare(e.Pos, pos)
	})
	return found
}

// readTimeline reads the timeline of a stay backwards until it is full.
//
// Spec: client-server-api#syncing
func (st *stay) readTimeline(ctx context.Context) error {
	limit := st.filter.Room.Timeline.Limit(timelineUsual, timelineMost)
	tl := timeline{start: st.from}
	for at, seen := st.end, 0; !st.filter.Room.Timeline.IsShut(); {
		page, more, err := st.rm.Timeline(ctx, st.from, at, limit+1+seen)
		if err != nil {
			return err
		}
		kept, err := st.keep(ctx, page)
		if err != nil {
			return err
		}
		if tl.events == nil {
			tl.events = kept
		} else {
			tl.events = slices.Concat(kept, tl.events)
		}
		if over := len(tl.events) - limit; over > 0 {
			tl.limited, tl.start = true, tl.events[over-1].Pos
			tl.events = tl.events[over:]
			break
		}
		if !more {
			break
		}
		at = page[0].Pos - 1
		if seen += len(page); seen >= timelineReach {
			tl.limited, tl.start = true, at
			break
		}
	}
	if st.from == beginning && !tl.limited {
		tl.start = st.end
		if len(tl.events) > 0 {
			tl.start = tl.events[0].Pos - 1
		}
	}
	// There may be a gap before a room that is new to the client: it may have
	// been there before.
	tl.limited = tl.limited || st.fresh && !st.initial
	st.timeline = tl
	return nil
}

// keep returns those of evs that the user may see and wants to see.
func (st *stay) keep(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	evs, err := st.visible(ctx, evs)
	f := &st.filter.Room.Timeline
	if err != nil || f.IsOpen() && len(st.ignored) == 0 {
		return evs, err
	}
	kept := make([]*rooms.Event, 0, len(evs))
	for _, e := range evs {
		if !st.ignores(e) && e.Passes(f) {
			kept = append(kept, e)
		}
	}
	return st.rm.Related(ctx, f, kept)
}

// ignores reports whether e is from somebody whom the user ignores. State is
// shown all the same, so that the room looks the same to everybody.
//
// Spec: client-server-api#ignoring-users
func (t *turn) ignores(e *rooms.Event) bool { return !e.IsState() && t.ignored.Has(e.Sender) }

// visible returns those of evs that the user may see: what history visibility
// allows, and always what became of their own membership.
func (st *stay) visible(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	if st.seesAll {
		return evs, nil
	}
	seen, err := st.rm.Visible(ctx, st.who.User, evs)
	if err != nil || len(seen) == len(evs) {
		return seen, err
	}
	out := make([]*rooms.Event, 0, len(seen)+1)
	for _, e := range evs {
		isSeen := len(seen) > 0 && seen[0].Pos == e.Pos
		if isSeen {
			seen = seen[1:]
		}
		if isSeen || e.Is("m.room.member", string(st.who.User)) {
			out = append(out, e)
		}
	}
	return out, nil
}

// writeTimeline writes the timeline. Where there is nothing new it is left
// out, unless the client has to learn of the room as such.
func (st *stay) writeTimeline(ctx context.Context) error {
	tl := &st.timeline
	if len(tl.events) == 0 && !tl.limited && !st.whole() && !st.isOver {
		return nil
	}
	object := st.out.open("timeline")
	st.out.openList("events")
	err := st.writeEvents(ctx, tl.events, true)
	st.out.closeList()
	st.out.name("limited")
	st.out.bool(tl.limited)
	st.out.name("prev_batch")
	st.out.text(rooms.Token{Pos: tl.start}.Page())
	st.out.close(object)
	return err
}

// writeEvents writes events of the room, as elements of a list.
func (st *stay) writeEvents(ctx context.Context, evs []*rooms.Event, bundle bool) (err error) {
	if len(evs) == 0 {
		return nil
	}
	st.out.buf, err = st.s.Rooms.AppendEvents(ctx, st.out.buf, rooms.Encoding{
		Principal: st.who, Bundle: bundle, Ignored: st.ignored.Has,
		Federation: st.filter.Federation, Fields: st.filter.Fields,
	}, st.rm, evs)
	return err
}
