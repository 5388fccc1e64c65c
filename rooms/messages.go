package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
)

// Limits of how many events one request gets.
const (
	defaultPage = 10
	maxPage     = 1000
)

func pageSize(asked int) int {
	if asked <= 0 {
		return defaultPage
	}
	return min(asked, maxPage)
}

// Page says which part of a room's history somebody wants.
type Page struct {
	From      *Token // where to begin; nil: at the end that Backwards implies
	To        *Token // where to stop; nil: at the other end
	Backwards bool
	Limit     int               // 0: ten
	Filter    *filter.Events    // nil: everything
	Skip      func(*Event) bool // what is not shown at all, such as messages of ignored users; nil: nothing
}

// Chunk is a page of a room's history.
type Chunk struct {
	Room   *Room
	Start  Token
	End    *Token   // where the next page begins; nil: there is nothing more
	Events []*Event // in the order of the walk
	State  []*Event // members that the page speaks of, if the filter asks for lazy loading
}

// Messages returns a page of what p may see of a room's history. A page has
// fewer events than the limit only at the end, or when a long stretch before it
// holds nothing for p.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidmessages
func (r *Rooms) Messages(ctx context.Context, p matrix.Principal, room id.RoomID, q Page) (_ Chunk, err error) {
	defer matrix.Wrap(&err, "messages")
	rm, s, reach, err := r.enter(ctx, p, room)
	if err != nil {
		return Chunk{}, err
	}
	w := &walk{rm: rm, sight: s, back: q.Backwards, filter: q.Filter, skip: q.Skip, at: minPos, stop: reach.Upto}
	if q.Backwards {
		w.at, w.stop = min(reach.Upto, rm.LastPos()), minPos
	}
	if q.From != nil {
		w.at = clamp(q.From.Pos, reach)
	}
	if q.To != nil {
		w.stop = clamp(q.To.Pos, reach)
	}
	c := Chunk{Room: rm, Start: Token{Pos: w.at}}
	if c.Events, err = w.take(ctx, pageSize(q.Limit)); err != nil {
		return Chunk{}, err
	}
	if err := w.dig(ctx, &c.Events, pageSize(q.Limit)); err != nil {
		return Chunk{}, err
	}
	// At the beginning of a history that is filtered, other servers tell a place
	// to go on from, which then leads to nothing; clients rely on it.
	if !w.done || q.Backwards && q.Filter != nil && len(c.Events) > 0 {
		c.End = &Token{Pos: w.at}
	}
	if q.Filter != nil && q.Filter.LazyLoadMembers {
		c.State, err = rm.membersOf(ctx, c.Events)
	}
	return c, err
}

func clamp(pos matrix.Position, reach Reach) matrix.Position { return min(pos, reach.Upto) }

// enter returns a room for reading, and how far p may look. Rooms of which p may
// see nothing, and those that do not exist, are M_FORBIDDEN.
func (r *Rooms) enter(ctx context.Context, p matrix.Principal, room id.RoomID) (*Room, *sight, Reach, error) {
	rm, err := r.known(ctx, room)
	if err != nil {
		return nil, nil, Reach{}, err
	}
	s, err := rm.sight(ctx, p.User)
	if err != nil {
		return nil, nil, Reach{}, err
	}
	reach, err := s.reach()
	if err != nil {
		return nil, nil, Reach{}, err
	}
	if err := s.prepare(ctx, minPos); err != nil {
		return nil, nil, Reach{}, err
	}
	return rm, s, reach, nil
}

// membersOf returns the member events of those who sent evs, as they were when
// the first of evs was sent; of those who came later, as they were at the last.
//
// Spec: client-server-api#lazy-loading-room-members
func (rm *Room) membersOf(ctx context.Context, evs []*Event) ([]*Event, error) {
	if len(evs) == 0 {
		return nil, nil
	}
	first, err := rm.StateAt(ctx, evs[0].Pos)
	if err != nil {
		return nil, err
	}
	last, err := rm.StateAt(ctx, evs[len(evs)-1].Pos)
	if err != nil {
		return nil, err
	}
	asked := map[id.UserID]bool{}
	var positions []matrix.Position
	for _, e := range evs {
		if asked[e.Sender] {
			continue
		}
		asked[e.Sender] = true
		pos, ok := first.Get("m.room.member", string(e.Sender))
		if !ok {
			pos, ok = last.Get("m.room.member", string(e.Sender))
		}
		if ok {
			positions = append(positions, pos)
		}
	}
	return rm.r.inOrder(ctx, positions)
}
