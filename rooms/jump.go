package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// jumpWindow is how many events around the place that was found are looked at
// for one with a better time: clocks of servers differ, and application
// services say when something happened.
const jumpWindow = 100

// EventAt returns the event closest to a time (milliseconds since 1970) that p
// may see: the first at or after it, or with back set the last at or before it.
//
// Events are found by halving the room's history, which is in order of time as
// far as clocks go right. History that was imported at a wrong place is found
// only close by.
//
// Spec: client-server-api#get_matrixclientv1roomsroomidtimestamp_to_event
func (r *Rooms) EventAt(ctx context.Context, p matrix.Principal, room id.RoomID, ts int64, back bool) (_ *Event, err error) {
	defer matrix.Wrap(&err, "event at a time")
	rm, s, _, err := r.enter(ctx, p, room)
	if err != nil {
		return nil, err
	}
	pos, err := rm.positionAt(ctx, ts)
	if err != nil {
		return nil, err
	}
	best, err := rm.closest(ctx, s, pos, ts, back)
	if err == nil {
		best, err = rm.atElsewhere(ctx, s, best, ts, back)
	}
	if err == nil && best == nil {
		err = matrix.Errorf(matrix.NotFound, "There is no event of that time.")
	}
	return best, err
}

// positionAt returns a position behind which events are of ts or later.
func (rm *Room) positionAt(ctx context.Context, ts int64) (matrix.Position, error) {
	first, err := rm.After(ctx, minPos, maxPos, 1)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	low, high := first[0].Pos-1, rm.LastPos() // at low all is too early, behind high too late
	for low < high {
		mid := low + (high-low+1)/2
		evs, err := rm.Before(ctx, mid+1, 1)
		if err != nil {
			return 0, err
		}
		switch {
		case len(evs) == 0 || evs[0].Pos <= low:
			low = mid // no event in between
		case evs[0].TS < ts:
			low = mid
		default:
			high = evs[0].Pos - 1
		}
	}
	return low, nil
}

// closest returns the best event in a window around pos, and failing that the
// next one in the direction asked for.
func (rm *Room) closest(ctx context.Context, s *sight, pos matrix.Position, ts int64, back bool) (*Event, error) {
	before := &walk{rm: rm, sight: s, back: true, at: pos, stop: minPos}
	after := &walk{rm: rm, sight: s, at: pos, stop: rm.LastPos()}
	older, err := before.take(ctx, jumpWindow)
	if err != nil {
		return nil, err
	}
	newer, err := after.take(ctx, jumpWindow)
	if err != nil {
		return nil, err
	}
	var best *Event
	for i := len(older) - 1; i >= 0; i-- {
		best = better(best, older[i], ts, back)
	}
	for _, e := range newer {
		best = better(best, e, ts, back)
	}
	return best, nil
}

// better returns the one of two events, a before b in the room, that lies
// closer to ts in the direction asked for. a may be nil.
func better(a, b *Event, ts int64, back bool) *Event {
	switch {
	case back && b.TS > ts, !back && b.TS < ts:
		return a
	case a == nil, back && b.TS >= a.TS, !back && b.TS < a.TS:
		return b
	}
	return a
}
