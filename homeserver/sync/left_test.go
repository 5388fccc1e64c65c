package sync_test

import (
	"testing"

	"plenum/rooms"
)

const includeLeave = `{"room":{"include_leave":true}}`

func TestLeavingIsToldOnce(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(bob, "")
		h.say(ada, room, "before")
		h.leave(bob, room)
		h.say(ada, room, "after")
		h.name(ada, room, "Secret")
		a := c.sync()
		a.joined(room).wantEntry(false)
		a.left(room).want("timeline", "before", "bob leave")
		a.left(room).want("state")
		c.sync().wantNothing()
		h.client(bob, "").sync().left(room).wantEntry(false)
	})
}

func TestLeftRoomsAreThereForThoseWhoAsk(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		h.join(bob, room)
		h.leave(bob, room)
		h.say(ada, room, "after")
		h.name(ada, room, "Secret")
		c := h.client(bob, `{"room":{"include_leave":true,"timeline":{"limit":2}}}`)
		e := c.sync().left(room)
		e.want("timeline", "bob join", "bob leave")
		e.wantIn("state", "m.room.create", "name Garden")
		e.wantNotIn("state", "name Secret")
		c.sync().wantNothing()
		c.query.FullState = true
		e = c.sync().left(room)
		e.want("timeline")
		e.wantIn("state", "m.room.create", "name Garden", "bob leave")
		e.wantNotIn("state", "name Secret")
	})
}

func TestALeftRoomWithoutATimelineHasTheStateAtLeaving(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		h.name(ada, room, "Garden")
		h.leave(bob, room)
		h.name(ada, room, "Secret")
		e := h.client(bob, `{"room":{"include_leave":true,"timeline":{"limit":0}}}`).sync().left(room)
		e.want("timeline")
		e.wantIn("state", "bob leave", "name Garden")
		e.wantNotIn("state", "name Secret", "bob join")
	})
}

func TestJoiningAndLeavingBetweenTwoSyncsIsALeaving(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(bob, "")
		h.join(bob, room)
		h.say(ada, room, "hello")
		h.leave(bob, room)
		h.say(ada, room, "after")
		e := c.sync().left(room)
		e.wantIn("timeline", "bob join", "hello", "bob leave")
		e.wantNotIn("timeline", "after")
		e.wantLimited(true)
	})
}

func TestBeingThrownOut(t *testing.T) {
	each(t, func(h *house) {
		kicked, banned := h.public(ada), h.public(ada)
		h.join(bob, kicked)
		h.join(bob, banned)
		c := h.synced(bob, "")
		h.must(h.Kick(h.Context(), as(ada), rooms.MemberChange{Room: kicked, User: bob}))
		h.must(h.Ban(h.Context(), as(ada), rooms.MemberChange{Room: banned, User: bob}))
		a := c.sync()
		a.left(kicked).want("timeline", "bob leave")
		a.left(banned).want("timeline", "bob ban")
		// A ban may come to those who left before. They learn no more than that.
		h.say(ada, kicked, "after")
		h.name(ada, kicked, "Secret")
		h.must(h.Ban(h.Context(), as(ada), rooms.MemberChange{Room: kicked, User: bob}))
		e := c.sync().left(kicked)
		e.want("timeline", "bob ban")
		e.want("state")
		c.sync().wantNothing()
		// Who sees it all for the first time has the state of when they left.
		e = h.client(bob, `{"room":{"include_leave":true,"timeline":{"limit":1}}}`).sync().left(kicked)
		e.want("timeline", "bob ban")
		e.wantIn("state", "m.room.create", "bob leave")
		e.wantNotIn("state", "name Secret")
	})
}

func TestInvitesAndWhatBecomesOfThem(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "private_chat", Name: "Garden"})
		h.set(ada, room, "m.room.history_visibility", "", map[string]any{"history_visibility": "joined"})
		c := h.synced(bob, "")
		h.invite(ada, room, bob)
		a := c.sync()
		var types []string
		for _, ev := range a.invited(room).Get("invite_state.events").Array() {
			types = append(types, ev.Get("type").Str)
		}
		for _, want := range []string{"m.room.create", "m.room.name", "m.room.member", "m.room.join_rules"} {
			found := false
			for _, typ := range types {
				found = found || typ == want
			}
			if !found {
				t.Errorf("the invite shows %v, want %s too", types, want)
			}
		}
		a.joined(room).wantEntry(false)
		c.sync().wantNothing()
		h.client(bob, "").sync().invited(room).wantEntry(true)

		h.leave(bob, room)
		a = c.sync()
		a.invited(room).wantEntry(false)
		a.left(room).want("timeline", "bob leave")
		a.left(room).want("state")
		c.sync().wantNothing()
		h.client(bob, "").sync().wantNoRooms()

		h.invite(ada, room, bob)
		c.sync().invited(room).wantEntry(true)
		h.join(bob, room)
		a = c.sync()
		a.invited(room).wantEntry(false)
		a.joined(room).wantIn("timeline", "bob join")
	})
}

func TestKnocking(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Name: "Garden"})
		h.set(ada, room, "m.room.join_rules", "", map[string]any{"join_rule": "knock"})
		c := h.synced(bob, "")
		h.must(h.Knock(h.Context(), as(bob), rooms.MemberChange{Room: room}))
		knock := c.sync().at("rooms", "knock", string(room), "knock_state", "events")
		if len(knock.Array()) < 3 {
			t.Errorf("the knock shows %s", knock.Raw)
		}
		h.must(h.Kick(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		a := c.sync()
		a.left(room).want("timeline", "bob leave")
		a.left(room).want("state")
	})
}

func TestForgottenRoomsAppearOnceMore(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(bob, includeLeave)
		h.leave(bob, room)
		h.must(h.Forget(h.Context(), as(bob), room))
		c.sync().left(room).want("timeline", "bob leave") // a device that showed the room has to put it away
		c.sync().wantNoRooms()
		h.client(bob, includeLeave).sync().wantNoRooms()
		h.join(bob, room)
		c.sync().joined(room).wantIn("timeline", "bob join")
	})
}

// wantNoRooms checks that an answer is about no room.
func (a answer) wantNoRooms() {
	a.c.Helper()
	if r := a.Get("rooms"); r.Exists() {
		a.c.Errorf("there are rooms: %s", r.Raw)
	}
}
