package tell

import (
	"cmp"
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// StickyMost is how many sticky events one answer holds, apart from those of
// rooms that are new to the client.
const StickyMost = 100

// Sticky is the sticky events that a client is to be told of.
//
// Spec: todo MSC4354, sync API changes, once it is in a release
type Sticky struct {
	In map[id.RoomID][]matrix.Position // of each room, oldest news first
	// Upto is up to where these are all. What came later is told next time.
	Upto matrix.Position
}

// StickySpan is what a client has, and what there is, of sticky events.
type StickySpan struct {
	User  id.UserID
	After matrix.Position // the client has what was news up to here
	Known matrix.Position // of the rooms that the user was in here; 0: it has nothing yet
	Upto  matrix.Position
	Limit int
}

// StickyIn finds the sticky events of joined rooms in a span. Of a room that is
// new to the client these are all that are sticky still.
func StickyIn(ctx context.Context, r *rooms.Rooms, s StickySpan, joined []*rooms.Membership) (Sticky, error) {
	out := Sticky{Upto: s.Upto}
	type one struct {
		room id.RoomID
		rooms.Sticky
	}
	var news []one
	for _, m := range joined {
		all := r.Sticky(m.Room, 0, s.Upto)
		if len(all) == 0 {
			continue
		}
		if s.Known > 0 && m.Pos > s.Known {
			was, err := MembershipAt(ctx, r, m.Room, s.User, s.Known)
			if err != nil {
				return out, err
			}
			if was != "join" { // the limit is not for these: they would be out of order
				out.put(m.Room, all...)
				continue
			}
		}
		for _, e := range all {
			if e.At > s.After {
				news = append(news, one{m.Room, e})
			}
		}
	}
	slices.SortFunc(news, func(a, b one) int { return cmp.Compare(a.At, b.At) })
	if len(news) > s.Limit {
		news = news[:s.Limit]
		out.Upto = news[s.Limit-1].At
	}
	for _, e := range news {
		out.put(e.room, e.Sticky)
	}
	return out, nil
}

func (s *Sticky) put(room id.RoomID, list ...rooms.Sticky) {
	if s.In == nil {
		s.In = map[id.RoomID][]matrix.Position{}
	}
	for _, e := range list {
		s.In[room] = append(s.In[room], e.Event)
	}
}

// Events returns the sticky events of a room that a user is to be told of
// beside the timeline, which may hold some of them. Who may see what was said
// before they came does not matter here: who is in the room may see what is
// sticky.
func (s *Sticky) Events(ctx context.Context, r *rooms.Rooms, room id.RoomID, timeline *Timeline, ignores func(id.UserID) bool) ([]*rooms.Event, error) {
	positions := s.In[room]
	if len(positions) == 0 {
		return nil, nil
	}
	evs, err := Events(ctx, r, positions)
	return slices.DeleteFunc(evs, func(e *rooms.Event) bool {
		return !e.IsSticky() || timeline.Shows(e.Pos) || !e.IsState() && ignores(e.Sender)
	}), err
}

// MembershipAt returns what a user's membership of a room was after a position,
// "" when there was none.
func MembershipAt(ctx context.Context, r *rooms.Rooms, room id.RoomID, user id.UserID, pos matrix.Position) (string, error) {
	rm, err := r.Room(ctx, room)
	if err != nil {
		return "", err
	}
	state, err := rm.StateAt(ctx, pos)
	if err != nil {
		return "", err
	}
	at, ok := state.Get("m.room.member", string(user))
	if !ok {
		return "", nil
	}
	evs, err := r.Events(ctx, []matrix.Position{at})
	if err != nil || evs[at] == nil {
		return "", err
	}
	return evs[at].Membership(), nil
}
