package rooms

import (
	"maunium.net/go/mautrix/id"

	"plenum/storage/eventlog"
)

// roster is who has which membership in a room, in the order in which they got it.
type roster struct {
	is    map[id.UserID]member
	count [eventlog.Ban + 1]int
	local int // joined users of this server
	// joined users by server, of others than this one
	servers map[string]int
	next    int64
	list    []id.UserID // joined members; nil when it has to be made again
	first   []id.UserID // the first who are joined or invited; nil when they have to be chosen again
}

type member struct {
	is    eventlog.Membership
	order int64
}

func (m *roster) init() { m.is = map[id.UserID]member{} }

// set notes a membership. ours says whether the user is of this server.
func (m *roster) set(user id.UserID, is eventlog.Membership, ours bool) {
	old := m.is[user]
	if old.is == is {
		return
	}
	m.next++
	m.is[user] = member{is, m.next}
	m.count[old.is]--
	m.count[is]++
	if ours && is == eventlog.Join {
		m.local++
	}
	if ours && old.is == eventlog.Join {
		m.local--
	}
	if !ours {
		m.setAbroad(user.Homeserver(), old.is == eventlog.Join, is == eventlog.Join)
	}
	m.touchFirst(user, is)
	switch {
	case is == eventlog.Join && m.list != nil:
		m.list = append(m.list, user) // readers hold shorter slices of it
	case old.is == eventlog.Join:
		m.list = nil
	}
}

// setAbroad counts the joined users of another server.
func (m *roster) setAbroad(server string, was, is bool) {
	if was == is {
		return
	}
	if is {
		if m.servers == nil {
			m.servers = map[string]int{}
		}
		m.servers[server]++
	} else if m.servers[server]--; m.servers[server] <= 0 {
		delete(m.servers, server)
	}
}

// setMember is roster.set for the room's own server.
func (rm *Room) setMember(user id.UserID, is eventlog.Membership) {
	rm.members.set(user, is, rm.r.IsLocal(user))
}

// isResident reports whether this server takes part in the room: a user of it
// is joined.
func (rm *Room) isResident() bool {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.members.local > 0
}

// Members returns the users with one of memberships, in the order in which
// they got it. The slice is shared: callers do not change it.
func (rm *Room) Members(memberships ...string) []id.UserID {
	if len(memberships) == 1 && memberships[0] == "join" {
		return rm.joined()
	}
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	want := [eventlog.Ban + 1]bool{}
	for _, word := range memberships {
		want[eventlog.ParseMembership(word)] = true
	}
	return rm.members.sorted(func(m eventlog.Membership) bool { return m != eventlog.None && want[m] })
}

func (rm *Room) joined() []id.UserID {
	rm.mu.RLock()
	list := rm.members.list
	rm.mu.RUnlock()
	if list != nil {
		return list
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if rm.members.list == nil {
		rm.members.list = rm.members.sorted(func(m eventlog.Membership) bool { return m == eventlog.Join })
	}
	return rm.members.list
}

func (m *roster) sorted(keep func(eventlog.Membership) bool) []id.UserID {
	out := make([]id.UserID, 0, len(m.is))
	for user, mem := range m.is {
		if keep(mem.is) {
			out = append(out, user)
		}
	}
	sortBy(out, func(u id.UserID) int64 { return m.is[u].order })
	return out
}

// MemberCount returns how many users have membership.
func (rm *Room) MemberCount(membership string) int {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	m := eventlog.ParseMembership(membership)
	if m == eventlog.None {
		return 0
	}
	return rm.members.count[m]
}

// MembershipOf returns the membership of user, "" when there never was one.
func (rm *Room) MembershipOf(user id.UserID) string {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	return rm.members.is[user].is.String()
}
