package rooms

import (
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/storage/eventlog"
)

// maxHeroes is how many members stand for a room without a name.
//
// Spec: client-server-api#get_matrixclientv3sync_response-200_roomsummary
const maxHeroes = 5

// isPresent reports whether somebody with the membership counts as a member
// for whom a room can be named.
func isPresent(is eventlog.Membership) bool { return is == eventlog.Join || is == eventlog.Invite }

// Heroes returns up to five members other than user, by whom a room without a
// name is called: the first who are joined or invited, or when there are none,
// the first who were.
func (rm *Room) Heroes(user id.UserID) []id.UserID {
	if heroes := without(rm.firstPresent(), user); len(heroes) > 0 {
		return heroes
	}
	return without(rm.Members("leave", "ban"), user)
}

// firstPresent returns enough members to choose heroes for anybody from.
func (rm *Room) firstPresent() []id.UserID {
	rm.mu.RLock()
	first := rm.members.first
	rm.mu.RUnlock()
	if first != nil {
		return first
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	all := rm.members.sorted(isPresent)
	rm.members.first = slices.Clone(all[:min(len(all), maxHeroes+1)])
	return rm.members.first
}

// touchFirst drops the cached first members when user's new membership changes
// who they are.
func (m *roster) touchFirst(user id.UserID, is eventlog.Membership) {
	if isPresent(is) && len(m.first) <= maxHeroes || slices.Contains(m.first, user) {
		m.first = nil
	}
}

func without(users []id.UserID, user id.UserID) []id.UserID {
	out := make([]id.UserID, 0, maxHeroes)
	for _, u := range users {
		if u != user && len(out) < maxHeroes {
			out = append(out, u)
		}
	}
	return out
}
