package sliding_test

import (
	"testing"

	"plenum/homeserver/sliding"
	"plenum/rooms"
)

func TestInvitations(t *testing.T) {
	each(t, func(h *house) {
		for form, name := range map[sliding.Form]string{sliding.Unstable: "invite_state", sliding.V4: "stripped_state"} {
			room := h.create(bob, rooms.CreateRequest{Preset: "private_chat", Name: "Cellar"})
			h.say(bob, room, "secret")
			c := h.client(ada)
			c.q.Form = form
			c.list("all", 10, "*", "*")
			c.sync()
			h.invite(bob, room, ada)
			e := c.sync().room(room)
			e.wantThat("initial", "true")
			for _, path := range []string{"timeline", "required_state", "joined_count", "heroes", "prev_batch"} {
				e.wantThat(path, "")
			}
			if got := e.words(name); got[len(got)-1] != "ada invite" {
				t.Errorf("%s is %q", name, got)
			}
			if form == sliding.V4 {
				e.wantThat("membership", `"invite"`)
			}
			bump := e.Get("bump_stamp").Raw
			h.say(bob, room, "more secrets")
			c.sync().wantRooms()
			other := h.client(ada)
			other.q.Conn = "other"
			other.sync().room(room).wantThat("bump_stamp", bump)

			h.join(ada, room)
			e = c.sync().room(room)
			e.wantThat("initial", "true")
			e.wantThat(name, "")
			e.wantThat("name", `"Cellar"`)
			if got := e.words("timeline"); got[len(got)-1] != "ada join" {
				t.Errorf("after joining, the timeline is %q", got)
			}
			h.leave(ada, room)
			c.sync()
		}
	})
}

func TestADeclinedInvitation(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(bob, rooms.CreateRequest{Preset: "private_chat", Name: "Cellar"})
		h.invite(bob, room, ada)
		c := h.client(ada)
		c.list("all", 10, "*", "*", "m.room.member", "$LAZY", "m.room.member", "$ME")
		c.sync().wantRooms(room)
		h.say(bob, room, "secret")
		h.leave(ada, room)
		h.say(bob, room, "secret")
		a := c.sync()
		a.wantRooms(room)
		e := a.room(room)
		e.want("ada leave")
		e.wantState("ada leave") // nothing of a room that they never were in
		e.wantThat("name", "")
		e.wantThat("invite_state", "")
		a = c.sync()
		a.wantRooms()
		a.wantCount("all", 0)
		h.client(ada).sync().wantRooms()
	})
}

func TestKnocking(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(bob, rooms.CreateRequest{Preset: "private_chat", Name: "Cellar"})
		h.set(bob, room, "m.room.join_rules", "", `{"join_rule":"knock"}`)
		c := h.client(ada)
		c.sync()
		h.must(h.Knock(h.Context(), as(ada), rooms.MemberChange{Room: room}))
		e := c.sync().room(room)
		if got := e.words("invite_state"); got[len(got)-1] != "ada knock" {
			t.Errorf("the state is %q", got)
		}
		h.invite(bob, room, ada)
		e = c.sync().room(room)
		if got := e.words("invite_state"); got[len(got)-1] != "ada invite" {
			t.Errorf("the state is %q", got)
		}
	})
}

func TestLeaving(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(bob, "Garden")
		h.join(ada, room)
		c, other := h.client(ada), h.client(ada)
		c.list("all", 10, "m.room.member", "$ME", "m.room.topic", "")
		other.q.Conn, other.q.Form = "other", sliding.V4
		c.sync().wantRooms(room)
		h.say(bob, room, "seen")
		h.leave(ada, room)
		h.say(bob, room, "unseen")
		h.set(bob, room, "m.room.topic", "", `{"topic":"unseen"}`)
		other.sync().wantRooms() // it never knew the room
		a := c.sync()
		a.wantCount("all", 1)
		e := a.room(room)
		e.want("seen", "ada leave")
		e.wantState("ada leave")
		e.wantThat("initial", "")
		a = c.sync()
		a.wantRooms()
		a.wantCount("all", 0)

		h.join(ada, room)
		for _, c := range []*client{c, other} {
			a = c.sync()
			a.wantCount("all", 1)
			a.room(room).wantThat("initial", "true")
		}
	})
}

func TestLeavingAndComingBackUnseen(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(bob, "Garden")
		h.set(bob, room, "m.room.history_visibility", "", `{"history_visibility":"joined"}`)
		h.join(ada, room)
		c := h.client(ada)
		c.sync()
		h.say(bob, room, "seen")
		h.leave(ada, room)
		h.say(bob, room, "unseen")
		h.join(ada, room)
		h.say(bob, room, "seen again")
		e := c.sync().room(room)
		e.want("seen", "ada leave", "ada join", "seen again")
		e.wantThat("initial", "")
	})
}

func TestThrownOut(t *testing.T) {
	each(t, func(h *house) {
		kicked, banned, unwanted := h.public(bob, "kicked"), h.public(bob, "banned"), h.public(bob, "unwanted")
		h.join(ada, kicked)
		h.join(ada, banned)
		c := h.client(ada)
		c.sync().wantRooms(banned, kicked)
		h.say(bob, kicked, "seen")
		h.kick(bob, kicked, ada)
		h.ban(bob, banned, ada)
		h.ban(bob, unwanted, ada) // where they never were
		h.name(bob, kicked, "unseen")
		h.say(bob, kicked, "unseen")
		a := c.sync()
		a.wantRooms(banned, kicked)
		a.room(kicked).want("seen", "ada leave")
		a.room(kicked).wantThat("name", "")
		a.room(banned).want("ada ban")
		c.sync().wantRooms()

		later := h.client(ada) // who does not know
		later.q.Form = sliding.V4
		later.list("all", 2, "m.room.name", "", "m.room.member", "$ME")
		a = later.sync()
		a.wantRooms(banned, kicked)
		a.wantCount("all", 2)
		e := a.room(kicked)
		e.want("seen", "ada leave")
		e.wantState("name kicked", "ada leave")
		e.wantThat("initial", "true")
		e.wantThat("name", `"kicked"`)
		e.wantThat("joined_count", "")
		e.wantThat("membership", `"leave"`)
		later.sync().wantRooms()

		h.must(h.Forget(h.Context(), as(ada), kicked))
		later.q.Pos = ""
		later.sync().wantRooms(banned)
	})
}

func TestForgottenRooms(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(bob, "Garden")
		h.join(ada, room)
		c := h.client(ada)
		c.sync()
		h.leave(ada, room)
		h.must(h.Forget(h.Context(), as(ada), room))
		a := c.sync()
		a.wantRooms(room) // or it would stay there for ever
		a.room(room).want("ada leave")
		c.sync().wantRooms()
		c.subscribe(room, 10, "*", "*")
		c.sync().wantRooms()
	})
}

func TestSubscribingToARoomThatOneLeft(t *testing.T) {
	each(t, func(h *house) {
		room, never := h.public(bob, "Garden"), h.create(bob, rooms.CreateRequest{Preset: "private_chat"})
		h.join(ada, room)
		h.leave(ada, room)
		h.name(bob, room, "unseen")
		h.invite(bob, never, ada)
		h.leave(ada, never)
		c := h.client(ada)
		c.subscribe(room, 1, "m.room.name", "")
		c.subscribe(never, 1, "*", "*")
		a := c.sync()
		a.wantRooms(room)
		a.wantCount("all", 0)
		e := a.room(room)
		e.want("ada leave")
		e.wantState("name Garden")
		c.sync().wantRooms()
	})
}
