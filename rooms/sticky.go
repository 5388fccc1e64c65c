package rooms

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Sticky is an event that everybody in its room has to be told of for as long
// as it is sticky, however much else happens there.
type Sticky struct {
	At    matrix.Position // as of when it is news: clients who are told up to here have it
	Event matrix.Position
	until int64 // ms since 1970
}

// stickies are all events that are sticky still. They are few, and whoever
// syncs asks for them: so they are in memory, by room and by At.
//
// An event becomes news with its place in the log. One that came from another
// server and was soft-failed is not in here; who accepts it later calls stickAt
// with a new position, and then it is news again.
//
// Spec: todo MSC4354, once it is in a release
type stickies struct {
	r *Rooms

	mu     sync.RWMutex
	in     map[id.RoomID][]Sticky
	until  map[matrix.Position]int64 // by event
	pruned int64                     // ms since 1970
}

// stickyPrune is how often what has expired is forgotten, in milliseconds.
const stickyPrune = 10 * 60 * 1000

func newStickies(r *Rooms) (*stickies, error) {
	s := &stickies{r: r, in: map[id.RoomID][]Sticky{}, until: map[matrix.Position]int64{}}
	var rows []eventlog.StickyRow
	err := r.db.Read(context.Background(), func(tx *storage.Tx) (err error) {
		rows, err = r.log.Sticky(context.Background(), tx, r.opt.Now().UnixMilli())
		return err
	})
	for _, row := range rows {
		s.put(row.Room, Sticky{row.At, row.Event, row.Until})
	}
	return s, err
}

// put adds one. The caller holds mu.
func (s *stickies) put(room id.RoomID, one Sticky) {
	list := s.in[room]
	if n := len(list); n > 0 && list[n-1].At >= one.At {
		return // a function of the writer that ran again
	}
	s.in[room] = append(slices.Clip(list), one) // readers hold the old one
	s.until[one.Event] = one.until
}

// stick takes note of an event of rm that is about to be in the log, if it is a
// sticky one.
func (s *stickies) stick(ctx context.Context, tx *storage.Tx, rm *Room, e *Event) error {
	if e.pdu.Sticky == 0 || e.SoftFailed || e.Rejected {
		return nil
	}
	return s.stickAt(ctx, tx, rm, e, e.Pos)
}

// stickAt makes e news as of a position, unless its time is over already.
// Whatever time its sender claims, it does not begin in the future.
func (s *stickies) stickAt(ctx context.Context, tx *storage.Tx, rm *Room, e *Event, at matrix.Position) error {
	now := s.r.opt.Now().UnixMilli()
	one := Sticky{At: at, Event: e.Pos, until: min(e.TS, now) + e.pdu.Sticky}
	if one.until <= now {
		return nil
	}
	if err := s.r.log.PutSticky(ctx, tx, rm.nid, eventlog.StickyRow{At: one.At, Event: one.Event, Until: one.until}); err != nil {
		return err
	}
	prune := now-s.lastPruned() > stickyPrune
	if prune {
		if err := s.r.log.PruneSticky(ctx, tx, now); err != nil {
			return err
		}
	}
	tx.OnCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.put(rm.id, one)
		if prune {
			s.prune(now)
		}
	})
	return nil
}

func (s *stickies) lastPruned() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pruned
}

// prune forgets what has expired. The caller holds mu.
func (s *stickies) prune(now int64) {
	s.pruned = now
	for room, list := range s.in {
		var kept []Sticky
		for _, one := range list {
			if one.until > now {
				kept = append(kept, one)
			} else {
				delete(s.until, one.Event)
			}
		}
		if s.in[room] = kept; kept == nil {
			delete(s.in, room)
		}
	}
}

// appendTo appends to the unsigned part of e for how long it will be sticky.
func (s *stickies) appendTo(dst []byte, e *Event, now int64) []byte {
	if e.pdu.Sticky == 0 {
		return dst
	}
	s.mu.RLock()
	until := s.until[e.Pos]
	s.mu.RUnlock()
	if until <= now {
		return dst
	}
	return strconv.AppendInt(append(dst, `,"msc4354_sticky_duration_ttl_ms":`...), until-now, 10)
}

// Sticky returns which events of room that are sticky now became news after a
// position, up to another one, oldest first.
func (r *Rooms) Sticky(room id.RoomID, after, upto matrix.Position) []Sticky {
	r.sticky.mu.RLock()
	list := r.sticky.in[room]
	r.sticky.mu.RUnlock()
	if len(list) == 0 || list[len(list)-1].At <= after {
		return nil
	}
	now := r.opt.Now().UnixMilli()
	var out []Sticky
	for _, one := range list[sort.Search(len(list), func(i int) bool { return list[i].At > after }):] {
		if one.At > upto {
			break
		}
		if one.until > now {
			out = append(out, one)
		}
	}
	return out
}

// WithSticky returns those of the memberships of somebody who is in the room,
// and where there may be sticky events: as a rule, none.
func (r *Rooms) WithSticky(memberships []Membership) (out []*Membership) {
	r.sticky.mu.RLock()
	defer r.sticky.mu.RUnlock()
	if len(r.sticky.in) == 0 {
		return nil
	}
	for i := range memberships {
		if m := &memberships[i]; m.Membership == "join" && len(r.sticky.in[m.Room]) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// IsSticky reports whether e was sent to be sticky, and still says so: a
// redaction ends it.
func (e *Event) IsSticky() bool { return e.pdu.Sticky > 0 }
