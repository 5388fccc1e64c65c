package rooms

import (
	"context"
	"maps"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// audience is which other servers have joined members in a room after a
// position. It moves forward with whoever follows the log, so that a server
// gets an event when it was in the room at that event, whatever happened
// since.
type audience struct {
	mu      sync.Mutex
	known   bool
	pos     matrix.Position
	members map[string]int // joined members by server
	list    []string       // in order; shared; nil when it has to be made
}

// Destinations returns the servers that this one has to send e to: those with
// members in the room before or after e, and the server of somebody who is
// removed. It is empty for events that others send out. The slice is shared:
// callers do not change it. Asked in the order of the log it costs what
// changed in between, and next to nothing in rooms without members of other
// servers.
//
// Spec: server-server-api#transactions
func (r *Rooms) Destinations(ctx context.Context, e *Event) (_ []string, err error) {
	defer matrix.Wrap(&err, "destinations of %s", e.ID)
	if e.Handed || !r.IsLocal(e.Sender) && !e.Relay {
		return nil, nil
	}
	rm, err := r.Room(ctx, e.Room)
	if err != nil {
		return nil, err
	}
	before, after, err := rm.audienceAround(ctx, e.Pos)
	if err != nil {
		return nil, err
	}
	more := after
	if e.Type == "m.room.member" && e.StateKey != nil && !r.IsLocal(id.UserID(*e.StateKey)) {
		switch e.Membership() {
		case "leave", "ban": // takes back an invitation, perhaps
			more = append(slices.Clip(more), id.UserID(*e.StateKey).Homeserver())
		}
	}
	out := before
	for _, server := range more {
		if !slices.Contains(out, server) && server != "" {
			out = append(slices.Clip(out), server)
		}
	}
	if r.IsLocal(e.Sender) {
		return out, nil
	}
	origin := e.Sender.Homeserver()
	return slices.DeleteFunc(slices.Clone(out), func(s string) bool { return s == origin }), nil
}

// audienceAround returns the servers in a room before the event at pos, and
// those that are new with it.
func (rm *Room) audienceAround(ctx context.Context, pos matrix.Position) (before, added []string, err error) {
	a := &rm.audience
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.known || a.pos >= pos {
		if err := rm.startAudience(ctx, pos-1); err != nil {
			return nil, nil, err
		}
	}
	if err := rm.moveAudience(ctx, pos-1); err != nil {
		return nil, nil, err
	}
	before = a.servers()
	if err := rm.moveAudience(ctx, pos); err != nil {
		return nil, nil, err
	}
	if after := a.servers(); len(after) > 0 && !slices.Equal(before, after) {
		for _, s := range after {
			if _, was := slices.BinarySearch(before, s); !was {
				added = append(added, s)
			}
		}
	}
	return before, added, nil
}

// startAudience counts the members after pos. The caller holds the lock.
func (rm *Room) startAudience(ctx context.Context, pos matrix.Position) error {
	a := &rm.audience
	a.known = false
	rm.mu.RLock()
	abroad := len(rm.members.servers)
	rm.mu.RUnlock()
	members := map[string]int{}
	changes, err := rm.StateChanges(ctx, pos, maxPos)
	if err != nil {
		return err
	}
	if abroad > 0 || len(changes) > 0 {
		joined, err := rm.MembersAt(ctx, pos)
		if err != nil {
			return err
		}
		for _, user := range joined {
			if !rm.r.IsLocal(user) {
				members[user.Homeserver()]++
			}
		}
	}
	a.known, a.pos, a.members, a.list = true, pos, members, nil
	return nil
}

// moveAudience takes over what changed up to pos. The caller holds the lock.
func (rm *Room) moveAudience(ctx context.Context, pos matrix.Position) error {
	a := &rm.audience
	changes, err := rm.StateChanges(ctx, a.pos, pos)
	if err != nil {
		return err
	}
	for _, c := range changes {
		user := id.UserID(c.Key.Key)
		if c.Key.Type != "m.room.member" || rm.r.IsLocal(user) {
			continue
		}
		was, is, err := rm.r.MembershipChange(ctx, c)
		if err != nil {
			a.known = false // half of it is counted
			return err
		}
		a.count(user.Homeserver(), was == "join", is == "join")
	}
	a.pos = pos
	return nil
}

func (a *audience) count(server string, was, is bool) {
	switch {
	case is && !was:
		if a.members[server]++; a.members[server] == 1 {
			a.list = nil
		}
	case was && !is:
		if a.members[server]--; a.members[server] <= 0 {
			delete(a.members, server)
			a.list = nil
		}
	}
}

func (a *audience) servers() []string {
	if a.list == nil && len(a.members) > 0 {
		a.list = slices.Sorted(maps.Keys(a.members))
	}
	return a.list
}

// Servers returns the other servers with joined members in the room now, in
// no order.
func (rm *Room) Servers() []string {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return slices.Collect(maps.Keys(rm.members.servers))
}

// HasServer reports whether another server has joined members in the room now.
func (rm *Room) HasServer(server string) bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.members.servers[server] > 0
}

// LocalMembers returns how many users of this server are joined to the room.
func (rm *Room) LocalMembers() int {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.members.local
}

// hasInvited reports whether a user of another server is invited to the room.
func (rm *Room) hasInvited(server string) bool {
	for _, user := range rm.Members("invite") {
		if user.Homeserver() == server {
			return true
		}
	}
	return false
}

// Knows reports whether another server has to do with a user of this one: is
// in a room that the user is in or invited to, or has users invited there.
func (r *Rooms) Knows(ctx context.Context, server string, user id.UserID) (bool, error) {
	all, err := r.MembershipsOf(ctx, user)
	if err != nil {
		return false, err
	}
	for _, m := range all {
		switch {
		case m.Membership == "invite" && m.Sender.Homeserver() == server:
			return true, nil
		case m.Membership != "join" && m.Membership != "invite":
			continue
		}
		rm, err := r.Room(ctx, m.Room)
		if matrix.IsCode(err, matrix.NotFound) {
			continue // an invitation to a room that this server is not in
		}
		if err != nil {
			return false, err
		}
		if rm.HasServer(server) || rm.hasInvited(server) {
			return true, nil
		}
	}
	return false, nil
}

// ServersOf returns the other servers that share a room with user, leaving out
// what they share in one room only, which may be "".
func (r *Rooms) ServersOf(ctx context.Context, user id.UserID, except id.RoomID) (map[string]bool, error) {
	joined, err := r.JoinedRooms(ctx, user)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, room := range joined {
		if room == except {
			continue
		}
		rm, err := r.Room(ctx, room)
		if err != nil {
			return nil, err
		}
		rm.mu.RLock()
		for server := range rm.members.servers {
			out[server] = true
		}
		rm.mu.RUnlock()
	}
	return out, nil
}

// Tracked reports whether user, of another server, is in a room with users of
// this one: whether we hear of what becomes of their devices. since is the
// position from which on that is so in one room at least.
func (r *Rooms) Tracked(ctx context.Context, user id.UserID) (since matrix.Position, ok bool, err error) {
	all, err := r.MembershipsOf(ctx, user)
	if err != nil {
		return 0, false, err
	}
	for _, m := range all { // the oldest first
		if m.Membership != "join" {
			continue
		}
		rm, err := r.Room(ctx, m.Room)
		if err != nil {
			return 0, false, err
		}
		if rm.isResident() {
			return m.Pos, true, nil
		}
	}
	return 0, false, nil
}
