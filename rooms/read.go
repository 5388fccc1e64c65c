package rooms

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/eventlog"
)

// StateFor returns the state of a room that p may see: as it is, or as it was
// when they left.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidstate
func (r *Rooms) StateFor(ctx context.Context, p matrix.Principal, room id.RoomID) (*Room, []*Event, error) {
	rm, s, err := r.stateFor(ctx, p, room, maxPos)
	if err != nil {
		return nil, nil, err
	}
	evs, err := s.Events(ctx, nil)
	return rm, evs, err
}

// StateEventFor returns one event of the state that p may see. When there is
// none under typ and key it is M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidstateeventtypestatekey
func (r *Rooms) StateEventFor(ctx context.Context, p matrix.Principal, room id.RoomID, typ, key string) (*Room, *Event, error) {
	rm, s, err := r.stateFor(ctx, p, room, maxPos)
	if err != nil {
		return nil, nil, err
	}
	if pos, ok := s.Get(typ, key); ok {
		evs, err := r.Events(ctx, []matrix.Position{pos})
		if err != nil {
			return nil, nil, err
		}
		if e := evs[pos]; e != nil {
			return rm, e, nil
		}
	}
	return nil, nil, matrix.Errorf(matrix.NotFound, "The room has no such state.")
}

// stateFor returns the state of a room after at, or the newest that p may see.
func (r *Rooms) stateFor(ctx context.Context, p matrix.Principal, room id.RoomID, at matrix.Position) (*Room, *State, error) {
	rm, err := r.known(ctx, room)
	if err != nil {
		return nil, nil, err
	}
	reach, err := rm.Reach(ctx, p.User)
	if err != nil {
		return nil, nil, err
	}
	s, err := rm.StateAt(ctx, min(at, reach.State))
	return rm, s, err
}

// MembersQuery asks for members of a room.
type MembersQuery struct {
	Room id.RoomID
	At   *Token // when; nil: now
	Is   string // only those with this membership, …
	Not  string // … or those with another one than this; both empty: all
}

func (q MembersQuery) wants(membership string) bool {
	switch {
	case q.Is == "" && q.Not == "":
		return true
	case q.Is != "" && membership == q.Is:
		return true
	}
	return q.Not != "" && membership != q.Not
}

func (q MembersQuery) check() error {
	for _, word := range []string{q.Is, q.Not} {
		if word != "" && eventlog.ParseMembership(word) == eventlog.None {
			return matrix.Errorf(matrix.InvalidParam, "%q is no membership.", word)
		}
	}
	return nil
}

// MembersFor returns member events of a room that p may see.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidmembers
func (r *Rooms) MembersFor(ctx context.Context, p matrix.Principal, q MembersQuery) (*Room, []*Event, error) {
	if err := q.check(); err != nil {
		return nil, nil, err
	}
	rm, err := r.known(ctx, q.Room)
	if err != nil {
		return nil, nil, err
	}
	at := maxPos
	if q.At != nil {
		if at, err = rm.seenFrom(ctx, p.User, q.At.Pos); err != nil {
			return nil, nil, err
		}
	}
	_, s, err := r.stateFor(ctx, p, q.Room, at)
	if err != nil {
		return nil, nil, err
	}
	if s.pos < maxPos {
		if s, err = rm.stateWithMembers(ctx, s); err != nil {
			return nil, nil, err
		}
	}
	evs, err := s.Events(ctx, func(k StateKey) bool {
		if k.Type != "m.room.member" {
			return false
		}
		// The roster spares loading those who left long ago.
		return s.pos < maxPos || q.wants(rm.members.is[id.UserID(k.Key)].is.String())
	})
	evs = slices.DeleteFunc(evs, func(e *Event) bool { return !q.wants(e.Membership()) })
	return rm, evs, err
}

// stateWithMembers returns s, or if that lies before the room's creator joined,
// the state from which on there were members: a client whose history begins
// with the room itself asks for the members at its beginning.
func (rm *Room) stateWithMembers(ctx context.Context, s *State) (*State, error) {
	create, err := rm.Current(ctx, "m.room.create", "")
	if err != nil || create == nil || s.pos > create.Pos {
		return s, err
	}
	first, err := rm.After(ctx, create.Pos, maxPos, 1)
	if err != nil || len(first) == 0 {
		return s, err
	}
	return rm.StateAt(ctx, first[0].Pos)
}

// JoinedMember is a member of a room with the profile they have there.
type JoinedMember struct {
	User         id.UserID
	Name, Avatar *string // nil: none
}

// JoinedMembers returns who is in a room that p is in, in the order in which
// they joined.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidjoined_members
func (r *Rooms) JoinedMembers(ctx context.Context, p matrix.Principal, room id.RoomID) ([]JoinedMember, error) {
	rm, err := r.known(ctx, room)
	if err != nil {
		return nil, err
	}
	if rm.MembershipOf(p.User) != "join" {
		return nil, errNotInRoom()
	}
	_, evs, err := r.MembersFor(ctx, p, MembersQuery{Room: room, Is: "join"})
	if err != nil {
		return nil, err
	}
	out := make([]JoinedMember, len(evs))
	for i, e := range evs {
		c := e.Content()
		out[i] = JoinedMember{id.UserID(*e.StateKey), textOf(c.Get("displayname")), textOf(c.Get("avatar_url"))}
	}
	return out, nil
}

func textOf(v gjson.Result) *string {
	if v.Str == "" {
		return nil
	}
	return &v.Str
}

// Preview is what a client that is not following a room gets to see of it.
type Preview struct {
	Chunk
	Membership string // of who asks; "" when they never had one
	State      []*Event
}

// Preview returns the newest events and the state of a room that p may see.
//
// Spec: client-server-api#get_matrixclientv3roomsroomidinitialsync
func (r *Rooms) Preview(ctx context.Context, p matrix.Principal, room id.RoomID, limit int) (Preview, error) {
	chunk, err := r.Messages(ctx, p, room, Page{Backwards: true, Limit: limit})
	if err != nil {
		return Preview{}, err
	}
	slices.Reverse(chunk.Events)
	rm, state, err := r.StateFor(ctx, p, room)
	if err != nil {
		return Preview{}, err
	}
	return Preview{chunk, rm.MembershipOf(p.User), state}, nil
}
