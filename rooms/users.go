package rooms

import (
	"context"
	"encoding/json"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// usersCached bounds the users whose list of rooms is in memory.
const usersCached = 10_000

// Membership is what a user has to do with a room.
type Membership struct {
	Room       id.RoomID
	Membership string
	Prev       string          // the membership before
	Pos        matrix.Position // of the member event
	Sender     id.UserID       // of the member event
	Forgotten  bool
	Stripped   json.RawMessage // for an invite or a knock: a JSON list of stripped state
}

// users holds the memberships of users that are at work.
type users struct {
	r     *Rooms
	mu    sync.Mutex
	cache *lru.Cache[id.UserID, *userRooms]
}

type userRooms struct {
	mu     sync.Mutex
	loaded bool
	rooms  map[id.RoomID]Membership
	list   []Membership // rooms in the order of their changes; nil: has to be made
}

func newUsers(r *Rooms) (*users, error) {
	cache, err := lru.New[id.UserID, *userRooms](usersCached)
	return &users{r: r, cache: cache}, err
}

func (u *users) of(user id.UserID) *userRooms {
	u.mu.Lock()
	defer u.mu.Unlock()
	rooms, ok := u.cache.Get(user)
	if !ok {
		rooms = &userRooms{rooms: map[id.RoomID]Membership{}}
		u.cache.Add(user, rooms)
	}
	return rooms
}

// apply takes over the memberships that a committed batch changes.
func (u *users) apply(rm *Room, b *batch) {
	for i, entry := range b.entries {
		m := entry.Membership
		if m == nil {
			continue
		}
		rooms, ok := u.cache.Get(m.User)
		if !ok {
			continue // it will be read from the log
		}
		rooms.put(Membership{
			Room: rm.id, Membership: m.Is.String(), Prev: m.Was.String(), Pos: b.events[i].Pos,
			Sender: entry.Sender, Stripped: m.Stripped,
		})
	}
	for _, t := range b.turns {
		if t.key.Type != "m.room.member" {
			continue
		}
		rooms, ok := u.cache.Get(id.UserID(t.key.Key))
		if !ok {
			continue
		}
		m := Membership{Room: rm.id, Pos: b.at}
		if t.event != nil {
			m.Membership, m.Sender = t.event.Membership(), t.event.Sender
		}
		if t.prev != nil {
			m.Prev = t.prev.Membership()
		}
		rooms.put(m)
	}
}

// put takes over m unless something newer is known.
func (u *userRooms) put(m Membership) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if old, ok := u.rooms[m.Room]; !ok || old.Pos < m.Pos {
		u.rooms[m.Room] = m
		u.list = nil
	}
}

// load fills in what the log says. What came in meanwhile is newer and stays.
func (u *users) load(ctx context.Context, user id.UserID) (*userRooms, error) {
	rooms := u.of(user)
	rooms.mu.Lock()
	loaded := rooms.loaded
	rooms.mu.Unlock()
	if loaded {
		return rooms, nil
	}
	var rows []eventlog.MembershipRow
	err := u.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = u.r.log.Memberships(ctx, tx, user)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		rooms.put(Membership{
			Room: row.Room, Membership: row.Is.String(), Prev: row.Was.String(), Pos: row.Pos,
			Sender: row.Sender, Forgotten: row.Forgotten, Stripped: row.Stripped,
		})
	}
	rooms.mu.Lock()
	rooms.loaded = true
	rooms.mu.Unlock()
	return rooms, nil
}

// MembershipsOf returns what user has to do with which rooms, left and
// forgotten ones too, the latest change last. The slice is shared: callers do
// not change it.
func (r *Rooms) MembershipsOf(ctx context.Context, user id.UserID) ([]Membership, error) {
	rooms, err := r.users.load(ctx, user)
	if err != nil {
		return nil, err
	}
	rooms.mu.Lock()
	defer rooms.mu.Unlock()
	if rooms.list == nil {
		list := make([]Membership, 0, len(rooms.rooms))
		for _, m := range rooms.rooms {
			list = append(list, m)
		}
		sortBy(list, func(m Membership) matrix.Position { return m.Pos })
		rooms.list = list
	}
	return rooms.list, nil
}

// MembershipOf returns what user has to do with room; the zero Membership when nothing.
func (r *Rooms) MembershipOf(ctx context.Context, user id.UserID, room id.RoomID) (Membership, error) {
	rooms, err := r.users.load(ctx, user)
	if err != nil {
		return Membership{}, err
	}
	rooms.mu.Lock()
	defer rooms.mu.Unlock()
	return rooms.rooms[room], nil
}

// JoinedRooms returns the rooms that user is joined to, in no order.
func (r *Rooms) JoinedRooms(ctx context.Context, user id.UserID) ([]id.RoomID, error) {
	all, err := r.MembershipsOf(ctx, user)
	if err != nil {
		return nil, err
	}
	out := make([]id.RoomID, 0, len(all))
	for _, m := range all {
		if m.Membership == "join" {
			out = append(out, m.Room)
		}
	}
	return out, nil
}

// ShareRoom reports whether a and b are joined to a common room.
func (r *Rooms) ShareRoom(ctx context.Context, a, b id.UserID) (bool, error) {
	all, err := r.JoinedRooms(ctx, a)
	if err != nil {
		return false, err
	}
	for _, room := range all {
		m, err := r.MembershipOf(ctx, b, room)
		if err != nil {
			return false, err
		}
		if m.Membership == "join" {
			return true, nil
		}
	}
	return false, nil
}

// Forget hides a room that user left from their history.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidforget
func (r *Rooms) Forget(ctx context.Context, p matrix.Principal, room id.RoomID) error {
	m, err := r.MembershipOf(ctx, p.User, room)
	if err != nil {
		return err
	}
	switch m.Membership {
	case "":
		return matrix.Errorf(matrix.NotFound, "You have nothing to do with this room.")
	case "leave", "ban":
	default:
		return matrix.Errorf(matrix.Unknown, "Leave the room before you forget it.")
	}
	rm, err := r.Room(ctx, room)
	if err != nil {
		return err
	}
	if err := r.db.Write(ctx, func(tx *storage.Tx) error { return r.log.Forget(ctx, tx, p.User, rm.nid) }); err != nil {
		return err
	}
	rooms := r.users.of(p.User)
	rooms.mu.Lock()
	defer rooms.mu.Unlock()
	if now := rooms.rooms[room]; now.Pos == m.Pos {
		now.Forgotten = true
		rooms.rooms[room], rooms.list = now, nil
	}
	return nil
}

// InOpenRoom reports whether user is in a room that everybody may join or read.
func (r *Rooms) InOpenRoom(ctx context.Context, user id.UserID) (bool, error) {
	all, err := r.JoinedRooms(ctx, user)
	if err != nil {
		return false, err
	}
	for _, room := range all {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return false, err
		}
		s, err := rm.Summary(ctx)
		if err != nil {
			return false, err
		}
		if s.JoinRule == "public" || s.WorldReadable {
			return true, nil
		}
	}
	return false, nil
}

// JoinedRoomsIn is JoinedRooms inside a transaction.
func (r *Rooms) JoinedRoomsIn(ctx context.Context, tx *storage.Tx, user id.UserID) ([]id.RoomID, error) {
	rows, err := r.log.Memberships(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	var out []id.RoomID
	for _, row := range rows {
		if row.Is == eventlog.Join {
			out = append(out, row.Room)
		}
	}
	return out, nil
}

// MembershipChange returns what a change of a member's state was and is, ""
// for no membership.
func (r *Rooms) MembershipChange(ctx context.Context, c StateChange) (was, is string, err error) {
	evs, err := r.Events(ctx, []matrix.Position{c.Prev, c.Event})
	if err != nil {
		return "", "", err
	}
	if e := evs[c.Prev]; e != nil {
		was = e.Membership()
	}
	if e := evs[c.Event]; e != nil {
		is = e.Membership()
	}
	return was, is, nil
}

// Acquainted reports whether a and b are, or are invited, in a common room.
func (r *Rooms) Acquainted(ctx context.Context, a, b id.UserID) (bool, error) {
	all, err := r.MembershipsOf(ctx, a)
	if err != nil {
		return false, err
	}
	for _, m := range all {
		if m.Membership != "join" && m.Membership != "invite" {
			continue
		}
		other, err := r.MembershipOf(ctx, b, m.Room)
		if err != nil {
			return false, err
		}
		if other.Membership == "join" || other.Membership == "invite" {
			return true, nil
		}
	}
	return false, nil
}
