package rooms_test

import (
	"fmt"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

func TestHeroesAreTheFirstOthers(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		want := func(user id.UserID, heroes ...id.UserID) {
			t.Helper()
			if got := h.room(room).Heroes(user); !slices.Equal(got, heroes) {
				t.Errorf("heroes for %s are %v, want %v", user, got, heroes)
			}
		}
		want(ada)
		h.must(h.Invite(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		want(ada, bob)
		want(bob, ada)
		var more []id.UserID
		for i := range 8 {
			user := id.UserID(fmt.Sprintf("@user%d:%s", i, here))
			h.join(user, room)
			more = append(more, user)
		}
		want(ada, append([]id.UserID{bob}, more[:4]...)...)
		h.must(h.Kick(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		want(ada, more[:5]...)
		want(more[0], append([]id.UserID{ada}, more[1:5]...)...)
		for _, user := range more {
			h.must(h.Leave(h.Context(), as(user), rooms.MemberChange{Room: room, User: user}))
		}
		want(ada, append([]id.UserID{bob}, more[:4]...)...)
	})
}
