package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
)

// AroundQuery asks for what happened around an event.
type AroundQuery struct {
	Room   id.RoomID
	Event  id.EventID
	Limit  int // of events before and after together; negative: ten
	Filter *filter.Events
	Skip   func(*Event) bool
}

// Surroundings are an event and what happened around it.
type Surroundings struct {
	Room          *Room
	Event         *Event
	Before, After []*Event // outwards from the event
	Start, End    Token
	State         []*Event // at the last of the events
}

// Around returns the events around one that p may see.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidcontexteventid
func (r *Rooms) Around(ctx context.Context, p matrix.Principal, q AroundQuery) (_ Surroundings, err error) {
	defer matrix.Wrap(&err, "around an event")
	rm, s, reach, err := r.enter(ctx, p, q.Room)
	if err != nil {
		return Surroundings{}, err
	}
	e, err := rm.event(ctx, s, q.Event)
	if err != nil {
		return Surroundings{}, err
	}
	limit := min(q.Limit, maxPage)
	if limit < 0 {
		limit = defaultPage
	}
	c, err := rm.beside(ctx, s, reach, BesideQuery{Event: e, Before: limit / 2, After: limit - limit/2, Filter: q.Filter, Skip: q.Skip})
	if err != nil {
		return Surroundings{}, err
	}
	c.State, err = rm.stateAround(ctx, q.Filter, c)
	return c, err
}

// BesideQuery asks for what happened before and after an event.
type BesideQuery struct {
	Event         *Event
	Before, After int // how many events
	Filter        *filter.Events
	Skip          func(*Event) bool
}

// Beside returns the events around one that p may see, without the state.
func (r *Rooms) Beside(ctx context.Context, p matrix.Principal, q BesideQuery) (_ Surroundings, err error) {
	defer matrix.Wrap(&err, "beside an event")
	rm, s, reach, err := r.enter(ctx, p, q.Event.Room)
	if err != nil {
		return Surroundings{}, err
	}
	return rm.beside(ctx, s, reach, q)
}

func (rm *Room) beside(ctx context.Context, s *sight, reach Reach, q BesideQuery) (c Surroundings, err error) {
	e := q.Event
	before := &walk{rm: rm, sight: s, back: true, at: e.Pos - 1, stop: minPos, filter: q.Filter, skip: q.Skip}
	after := &walk{rm: rm, sight: s, at: e.Pos, stop: max(reach.Upto, e.Pos), filter: q.Filter, skip: q.Skip}
	c.Room, c.Event = rm, e
	if c.Before, err = before.take(ctx, q.Before); err != nil {
		return Surroundings{}, err
	}
	if c.After, err = after.take(ctx, q.After); err != nil {
		return Surroundings{}, err
	}
	c.Start, c.End = Token{Pos: before.at}, Token{Pos: after.at}
	return c, nil
}

// stateAround returns the state at the end of c, without members that c does
// not speak of if the filter asks for lazy loading.
func (rm *Room) stateAround(ctx context.Context, f *filter.Events, c Surroundings) ([]*Event, error) {
	all := append([]*Event{c.Event}, c.After...)
	st, err := rm.StateAt(ctx, all[len(all)-1].Pos)
	if err != nil {
		return nil, err
	}
	var keep func(StateKey) bool
	if f != nil && f.LazyLoadMembers {
		senders := map[string]bool{}
		for _, e := range append(all, c.Before...) {
			senders[string(e.Sender)] = true
		}
		keep = func(k StateKey) bool { return k.Type != "m.room.member" || senders[k.Key] }
	}
	evs, err := st.Events(ctx, keep)
	if err != nil || f == nil {
		return evs, err
	}
	out := evs[:0]
	for _, e := range evs {
		if e.Passes(f) {
			out = append(out, e)
		}
	}
	return out, nil
}

// EventIn returns an event of a room that p may see. What they may not see is
// M_NOT_FOUND, like what does not exist.
//
// Spec: client-server-api#get_matrixclientv3roomsroomideventeventid
func (r *Rooms) EventIn(ctx context.Context, p matrix.Principal, room id.RoomID, ev id.EventID) (*Room, *Event, error) {
	rm, err := r.Room(ctx, room)
	if err != nil {
		return nil, nil, err
	}
	s, err := rm.sight(ctx, p.User)
	if err != nil {
		return nil, nil, err
	}
	e, err := rm.event(ctx, s, ev)
	return rm, e, err
}

// event returns an event of the room that may be seen with s.
func (rm *Room) event(ctx context.Context, s *sight, ev id.EventID) (*Event, error) {
	e, err := rm.r.Event(ctx, ev)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, e.Pos); err != nil {
		return nil, err
	}
	if e.Room != rm.id || !s.sees(e) {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such event, or you may not see it.")
	}
	return e, nil
}
