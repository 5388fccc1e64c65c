package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// timeDigs is how many pages of history are fetched for one jump to a date.
const timeDigs = 20

// atElsewhere looks for an event closer to a time than best, nil when there is
// none, if other servers have more of the room's history: it asks them, and
// fetches the history up to the event.
func (rm *Room) atElsewhere(ctx context.Context, s *sight, best *Event, ts int64, back bool) (*Event, error) {
	if rm.r.opt.Lookups == nil || rm.r.opt.Peers == nil {
		return best, nil
	}
	oldest, err := rm.After(ctx, minPos, maxPos, 1)
	if err != nil || len(oldest) == 0 || oldest[0].TS <= ts || oldest[0].Type == "m.room.create" {
		return best, err
	}
	missing, err := rm.beginnings(ctx)
	if err != nil || len(missing) == 0 {
		return best, err
	}
	for i, server := range rm.servers() {
		if i == foreignTries {
			break
		}
		ev, when, err := rm.r.opt.Lookups.EventAt(ctx, server, rm.id, ts, back)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || best != nil && !isCloser(when, best.TS, ts, back) {
			continue
		}
		e, err := rm.dig(ctx, ev)
		if err != nil {
			return nil, err
		}
		if e == nil {
			continue
		}
		if err := s.prepare(ctx, e.Pos); err != nil {
			return nil, err
		}
		if s.sees(e) {
			return e, nil
		}
	}
	return best, nil
}

func isCloser(when, than, ts int64, back bool) bool {
	if back {
		return when <= ts && when > than
	}
	return when >= ts && when < than
}

// dig fetches history until ev has its place in it, nil when it has none.
func (rm *Room) dig(ctx context.Context, ev id.EventID) (*Event, error) {
	for range timeDigs {
		known, err := rm.r.eventsByID(ctx, []id.EventID{ev})
		if err != nil {
			return nil, err
		}
		if e := known[ev]; e != nil && e.Room == rm.id && !e.Hidden() {
			return e, nil
		}
		found, err := rm.history(ctx)
		if err != nil || !found {
			return nil, err
		}
	}
	return nil, nil
}
