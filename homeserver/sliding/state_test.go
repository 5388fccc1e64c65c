package sliding_test

import (
	"testing"

	"plenum/homeserver/sliding"
	"plenum/rooms"
)

func TestWantedState(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", Name: "Garden"})
		h.join(bob, room)
		h.set(ada, room, "org.example.plant", "rose", `{}`)
		h.set(ada, room, "org.example.plant", "oak", `{}`)
		h.set(ada, room, "org.example.tree", "oak", `{}`)
		const create, levels, rules, history = "m.room.create", "m.room.power_levels", "m.room.join_rules", "m.room.history_visibility"
		const plant, tree = "org.example.plant", "org.example.tree"
		for _, w := range []struct{ ask, want []string }{
			{nil, nil},
			{[]string{create, ""}, []string{create}},
			{[]string{create, "no such key", "no.such.type", ""}, nil},
			{[]string{plant, "*"}, []string{plant, plant}},
			{[]string{"*", "oak"}, []string{plant, tree}},
			{[]string{plant, "rose", plant, "*"}, []string{plant, plant}},
			{[]string{"m.room.member", "$ME"}, []string{"ada join"}},
			{[]string{"m.room.member", "*"}, []string{"ada join", "bob join"}},
			{[]string{"m.room.member", "*", "m.room.member", "$LAZY"}, []string{"ada join"}},
			{[]string{"*", "*"}, []string{create, levels, rules, history, "name Garden", "ada join", "bob join", plant, plant, tree}},
			{[]string{"*", "*", "m.room.member", "$LAZY"}, []string{create, levels, rules, history, "name Garden", "ada join", plant, plant, tree}},
			{[]string{"*", "*", "m.room.member", "$LAZY", "m.room.member", string(bob)}, []string{create, levels, rules, history, "name Garden", "ada join", "bob join", plant, plant, tree}},
		} {
			c := h.client(ada)
			c.list("all", 1, w.ask...)
			t.Log(w.ask)
			c.sync().room(room).wantState(w.want...)
		}
	})
}

func TestExcludedState(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", Name: "Garden"})
		h.join(bob, room)
		c := h.client(ada)
		typ := func(s string) *string { return &s }
		c.q.Lists["all"] = sliding.List{Wish: sliding.Wish{Timeline: 1, State: sliding.State{
			Include: []sliding.Entry{{}},
			Exclude: []sliding.Entry{
				{Type: typ("m.room.create"), Key: typ("")}, {Type: typ("m.room.join_rules")}, {Key: typ(string(bob))},
				{Type: typ("m.room.history_visibility"), Key: typ("other")},
			},
		}}}
		c.sync().room(room).wantState("m.room.power_levels", "m.room.history_visibility", "name Garden", "ada join")
		h.set(ada, room, "m.room.join_rules", "", `{"join_rule":"invite"}`)
		h.set(ada, room, "m.room.topic", "", `{"topic":"plants"}`)
		c.sync().room(room).wantState("m.room.topic")
	})
}

func TestOnlyChangesOfStateAreTold(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.list("all", 0, "m.room.name", "", "org.example.plant", "*")
		c.sync()
		h.set(ada, room, "org.example.plant", "rose", `{"n":1}`)
		h.set(ada, room, "org.example.plant", "rose", `{"n":2}`)
		h.set(ada, room, "m.room.topic", "", `{"topic":"unwanted"}`)
		e := c.sync().room(room)
		e.wantState("org.example.plant")
		e.wantThat("required_state.0.content.n", "2")
		h.say(ada, room, "hello")
		c.sync().room(room).wantState()
	})
}

func TestMoreStateIsToldAtOnce(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.set(ada, room, "m.room.topic", "", `{"topic":"plants"}`)
		c := h.client(ada)
		c.list("all", 1, "m.room.name", "")
		c.sync().room(room).wantState("name Garden")

		c.subscribe(room, 1, "m.room.topic", "", "m.room.pinned_events", "")
		e := c.sync().room(room)
		e.wantState("m.room.topic")
		e.wantThat("timeline", "")
		c.sync().wantRooms()

		delete(c.q.Rooms, room)
		c.sync().wantRooms()
		c.subscribe(room, 1, "m.room.topic", "", "m.room.pinned_events", "")
		c.sync().wantRooms() // it has it still

		delete(c.q.Rooms, room)
		h.set(ada, room, "m.room.topic", "", `{"topic":"animals"}`)
		c.sync().room(room).wantState()
		c.subscribe(room, 1, "m.room.topic", "", "m.room.pinned_events", "")
		e = c.sync().room(room)
		e.wantState("m.room.topic")
		e.wantThat("required_state.0.content.topic", `"animals"`)
		h.set(ada, room, "m.room.pinned_events", "", `{"pinned":[]}`)
		c.sync().room(room).wantState("m.room.pinned_events")
	})
}

func TestMembersAsTheyAreNeeded(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.join(eve, room)
		h.say(ada, room, "one")
		c := h.client(ada)
		c.list("all", 2, "m.room.member", "$LAZY")
		c.sync().room(room).wantState("ada join", "eve join") // eve came into the room
		h.say(ada, room, "two")
		c.sync().room(room).wantState()
		h.say(bob, room, "three")
		c.sync().room(room).wantState("bob join")
		h.say(bob, room, "four")
		c.sync().room(room).wantState()

		// Whoever changes is told of, whether or not they are needed.
		h.set(eve, room, "m.room.member", string(eve), `{"membership":"join","displayname":"Eva"}`)
		e := c.sync().room(room)
		e.wantState("eve join")
		e.wantThat("required_state.0.content.displayname", `"Eva"`)

		// After a gap, what was known may have changed.
		h.set(bob, room, "m.room.member", string(bob), `{"membership":"join","displayname":"Bobby"}`)
		h.say(ada, room, "five")
		h.say(ada, room, "six")
		c.sync().room(room).wantState("ada join")
		h.say(bob, room, "seven")
		e = c.sync().room(room)
		e.wantState("bob join")
		e.wantThat("required_state.0.content.displayname", `"Bobby"`)
		h.say(ada, room, "eight")
		c.sync().room(room).wantState()
	})
}

func TestMembersAreOfARoomAndAConnection(t *testing.T) {
	each(t, func(h *house) {
		garden, park := h.public(ada, "Garden"), h.public(ada, "Park")
		h.join(bob, garden)
		h.join(bob, park)
		c, other := h.client(ada), h.client(ada)
		c.list("all", 1, "m.room.member", "$LAZY")
		other.list("all", 1, "m.room.member", "$LAZY")
		other.q.Conn = "other"
		c.sync()
		other.sync()
		h.say(ada, garden, "x")
		h.say(ada, park, "x")
		c.sync()
		other.sync()
		h.say(bob, garden, "one")
		c.sync().room(garden).wantState() // he joined in its timeline
		h.say(bob, park, "two")
		other.sync().room(garden).wantState()
		c.sync().room(park).wantState()
	})
}

func TestAMemberWhoseAnswerWasLostIsToldAgain(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.say(ada, room, "one")
		c := h.client(ada)
		c.list("all", 1, "m.room.member", "$LAZY")
		c.sync().room(room).wantState("ada join")
		h.say(bob, room, "two")
		c.peek().room(room).wantState("bob join") // lost
		h.say(bob, room, "three")
		c.list("all", 2, "m.room.member", "$LAZY") // another question
		c.sync().room(room).wantState("bob join")
		h.say(bob, room, "four")
		c.sync().room(room).wantState()
	})
}

func TestNotLazyAnyMore(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.say(bob, room, "one")
		c := h.client(ada)
		c.list("all", 1, "m.room.member", "$LAZY")
		c.sync().room(room).wantState("bob join")
		c.list("all", 1)
		h.set(bob, room, "m.room.member", string(bob), `{"membership":"join","displayname":"Bobby"}`)
		c.sync().room(room).wantState()
		c.list("all", 1, "m.room.member", "$LAZY")
		h.say(bob, room, "two")
		e := c.sync().room(room)
		e.wantState("bob join")
		e.wantThat("required_state.0.content.displayname", `"Bobby"`)
	})
}
