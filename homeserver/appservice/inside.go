package appservice

import (
	"context"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// insidesCached bounds the rooms of which it is known whether a service is in
// them.
const insidesCached = 20_000

// inside knows in which rooms a service has users, and which it is interested
// in for another reason.
type inside struct {
	rooms *rooms.Rooms
	of    *Service
	known *lru.Cache[id.RoomID, *presences]
}

// presences are the users of the service in one room.
type presences struct {
	always bool        // the room or an alias of it is in a namespace
	users  []id.UserID // who may be in the room; those who left long ago are dropped
}

func newInside(r *rooms.Rooms, of *Service) (*inside, error) {
	known, err := lru.New[id.RoomID, *presences](insidesCached)
	return &inside{r, of, known}, err
}

// heard takes over what an event says of who is in a room. It must be called
// with every event.
func (i *inside) heard(e *rooms.Event) {
	switch {
	case e.Is("m.room.canonical_alias", ""):
		i.known.Remove(e.Room)
	case e.Type == "m.room.member" && e.StateKey != nil && i.of.Wants(id.UserID(*e.StateKey)):
		if p, ok := i.known.Peek(e.Room); ok && !slices.Contains(p.users, id.UserID(*e.StateKey)) {
			p.users = append(p.users, id.UserID(*e.StateKey))
		}
	}
}

// concerns reports whether the service is interested in an event.
//
// Spec: application-service-api#registration
func (i *inside) concerns(ctx context.Context, e *rooms.Event) (bool, error) {
	if i.of.Wants(e.Sender) || e.Type == "m.room.member" && e.StateKey != nil && i.of.Wants(id.UserID(*e.StateKey)) {
		return true, nil
	}
	return i.at(ctx, e.Room, e.Pos)
}

// at reports whether the service is interested in what happened in a room at
// a position.
func (i *inside) at(ctx context.Context, room id.RoomID, pos matrix.Position) (bool, error) {
	p, err := i.presences(ctx, room)
	if err != nil || p.always {
		return err == nil, err
	}
	for n := 0; n < len(p.users); {
		user := p.users[n]
		is, err := i.rooms.MembershipAt(ctx, user, room, pos)
		if err != nil {
			return false, err
		}
		if is == "join" {
			p.users[0], p.users[n] = p.users[n], p.users[0] // the first to be asked for next time
			return true, nil
		}
		now, err := i.rooms.MembershipOf(ctx, user, room)
		if err != nil {
			return false, err
		}
		if now.Membership != "join" && now.Pos <= pos {
			p.users = slices.Delete(p.users, n, n+1) // until they come again
			continue
		}
		n++
	}
	return false, nil
}

// presences returns what is known of a room.
func (i *inside) presences(ctx context.Context, room id.RoomID) (*presences, error) {
	if p, ok := i.known.Get(room); ok {
		return p, nil
	}
	rm, err := i.rooms.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	p := &presences{}
	if p.always, err = i.isNamed(ctx, rm); err != nil {
		return nil, err
	}
	for _, user := range rm.Members("join", "leave", "ban", "invite", "knock") {
		if i.of.Wants(user) {
			p.users = append(p.users, user)
		}
	}
	i.known.Add(room, p)
	return p, nil
}

// isNamed reports whether a room or an alias of it is in a namespace.
func (i *inside) isNamed(ctx context.Context, rm *rooms.Room) (bool, error) {
	if in, _ := match(i.of.rooms, string(rm.ID())); in || len(i.of.aliases) == 0 {
		return in, nil
	}
	aliases, err := i.rooms.AliasesOf(ctx, rm)
	for _, alias := range aliases {
		if in, _ := match(i.of.aliases, string(alias)); in {
			return true, nil
		}
	}
	return false, err
}
