package tell

import (
	"cmp"
	"context"
	"math"
	"slices"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Beginning is before every event.
const Beginning matrix.Position = math.MinInt64 + 1

// reach bounds how many events are looked at for a timeline. What lies behind
// a long stretch of events that are kept out is a gap.
const reach = 1000

// Timeline is the newest events of a span that the user is to see.
type Timeline struct {
	Events  []*rooms.Event  // oldest first
	Start   matrix.Position // they are what follows this
	Limited bool            // there are more between the beginning of the span and Start
}

// Shows reports whether the event at pos is part of the timeline.
func (tl *Timeline) Shows(pos matrix.Position) bool {
	_, found := slices.BinarySearchFunc(tl.Events, pos, func(e *rooms.Event, pos matrix.Position) int {
		return cmp.Compare(e.Pos, pos)
	})
	return found
}

// Span is a part of a room's history: what follows From, up to Upto.
type Span struct{ From, Upto matrix.Position }

// Newest reads a span backwards until it has limit events that keep lets
// through.
//
// Spec: client-server-api#syncing
func Newest(ctx context.Context, rm *rooms.Room, s Span, limit int, keep func(context.Context, []*rooms.Event) ([]*rooms.Event, error)) (Timeline, error) {
	tl := Timeline{Start: s.From}
	for at, seen := s.Upto, 0; ; {
		page, more, err := rm.Timeline(ctx, s.From, at, limit+1+seen)
		if err != nil {
			return tl, err
		}
		kept, err := keep(ctx, page)
		if err != nil {
			return tl, err
		}
		if tl.Events == nil {
			tl.Events = kept
		} else {
			tl.Events = slices.Concat(kept, tl.Events)
		}
		if over := len(tl.Events) - limit; over > 0 {
			tl.Limited, tl.Start = true, tl.Events[over-1].Pos
			tl.Events = tl.Events[over:]
			break
		}
		if !more || len(page) == 0 {
			break
		}
		at = page[0].Pos - 1
		if seen += len(page); seen >= reach || rm.IsGap(page[0].Pos) {
			tl.Limited, tl.Start = true, at
			break
		}
	}
	if s.From == Beginning && !tl.Limited {
		tl.Start = s.Upto
		if len(tl.Events) > 0 {
			tl.Start = tl.Events[0].Pos - 1
		}
	}
	return tl, nil
}
