package e2ee_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// TestDeviceListsBetweenAnyTwoMoments lets people come and go at random and
// then asks for the changes between moments that lie behind: whoever shared a
// room at the first, with these changes made, has to be who shared one at the
// second, whatever came later.
func TestDeviceListsBetweenAnyTwoMoments(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		people := []id.UserID{bob, eve, "@joe:one.example"} // ada stays in her rooms
		places := []id.RoomID{h.room(), h.room(), h.room()}
		joined := map[id.RoomID]map[id.UserID]bool{}
		for _, room := range places {
			joined[room] = map[id.UserID]bool{ada: true}
		}
		type moment struct {
			pos    matrix.Position
			shares map[id.UserID]bool // with bob
		}
		var moments []moment
		for range 60 {
			user, room := people[rand.IntN(len(people))], places[rand.IntN(len(places))]
			change := h.rooms.Join
			if joined[room][user] {
				change = h.rooms.Leave
			}
			h.must(change(h.Context(), on(user, "PHONE"), rooms.MemberChange{Room: room}))
			joined[room][user] = !joined[room][user]
			m := moment{h.db.Committed(), map[id.UserID]bool{}}
			for _, members := range joined {
				for other, is := range members {
					if is && members[bob] && other != bob {
						m.shares[other] = true
					}
				}
			}
			moments = append(moments, m)
		}
		for range 300 {
			i := rand.IntN(len(moments))
			from, to := moments[i], moments[i+rand.IntN(len(moments)-i)]
			changed, left, err := h.Changes(h.Context(), bob, from.pos, to.pos)
			h.must(err)
			got := maps.Clone(from.shares)
			for _, user := range changed {
				got[user] = true
			}
			for _, user := range left {
				delete(got, user)
			}
			if !maps.Equal(got, to.shares) {
				t.Fatalf("from %v, changed %v and left %v make %v, want %v", names(from.shares), changed, left, names(got), names(to.shares))
			}
			if rand.IntN(50) == 0 {
				h.reopen()
			}
		}
	})
}

func names(set map[id.UserID]bool) string { return fmt.Sprint(slices.Sorted(maps.Keys(set))) }

// Whoever was away between two syncs could not ask for keys, nor be asked for.
func TestDeviceListsOfAMomentAway(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		room := h.room(bob, eve)
		for _, again := range []bool{false, true} {
			since := h.db.Committed()
			h.must(h.rooms.Leave(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
			h.must(h.rooms.Join(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
			h.setName(room, eve, "Eve")
			if again {
				h.reopen()
			}
			h.wantChanges(bob, since, []id.UserID{eve}, nil)
			h.wantChanges(eve, since, []id.UserID{ada, bob}, nil)
			since = h.db.Committed()
			h.setName(room, eve, "Eva")
			h.wantChanges(bob, since, nil, nil)
			h.wantChanges(eve, since, nil, nil)
		}
	})
}

func TestADeclinedInvitationIsNoDeviceListNews(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		room := h.room(bob)
		since := h.db.Committed()
		h.must(h.rooms.Invite(h.Context(), on(ada, "PHONE"), rooms.MemberChange{Room: room, User: eve}))
		h.wantChanges(bob, since, nil, nil)
		h.must(h.rooms.Leave(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
		for _, user := range []id.UserID{bob, eve} {
			h.wantChanges(user, since, nil, nil)
		}
	})
}

// setName changes how a member appears in a room.
func (h *house) setName(room id.RoomID, user id.UserID, name string) {
	h.Helper()
	key := string(user)
	_, err := h.rooms.Send(h.Context(), on(user, "PHONE"), rooms.Draft{
		Room: room, Type: "m.room.member", StateKey: &key, Content: raw(map[string]string{"membership": "join", "displayname": name}),
	})
	h.must(err)
}
