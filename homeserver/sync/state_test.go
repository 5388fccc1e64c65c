package sync_test

import (
	"fmt"
	"testing"

	"github.com/tidwall/gjson"
)

func TestStateThatAFilterKeepsOutOfTheTimelineIsNotLost(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, `{"room":{"timeline":{"types":["m.room.message"]}}}`)
		h.say(ada, room, "one")
		h.name(ada, room, "Garden")
		h.name(ada, room, "Park")
		h.say(ada, room, "two")
		e := c.sync().joined(room)
		e.want("timeline", "one", "two")
		e.want("state", "name Park")
		h.name(ada, room, "Field")
		e = c.sync().joined(room)
		e.want("timeline")
		e.want("state", "name Field")
	})
}

func TestAnInitialSyncHoldsStateThatAFilterKeepsOutOfTheTimeline(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		h.say(ada, room, "zero")
		h.say(ada, room, "one")
		h.name(ada, room, "Park")
		h.say(ada, room, "two")
		e := h.client(ada, `{"room":{"timeline":{"limit":2,"not_types":["m.room.name"]}}}`).sync().joined(room)
		e.want("timeline", "one", "two")
		e.wantIn("state", "name Park", "m.room.create")
		e.wantNotIn("state", "name Garden")
	})
}

func TestStateAtTheStartOrAtTheEnd(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		const filter = `{"room":{"timeline":{"limit":2},"state":{"types":["m.room.name"]}}}`
		before, after, unstable := h.synced(ada, filter), h.synced(ada, filter), h.synced(ada, filter)
		after.query.StateAfter = "state_after"
		unstable.query.StateAfter = "org.matrix.msc4222.state_after"
		h.name(ada, room, "Garden")
		h.say(ada, room, "one")
		h.name(ada, room, "Park")
		h.say(ada, room, "two")

		e := before.sync().joined(room)
		e.want("timeline", "name Park", "two")
		e.want("state", "name Garden")

		for _, c := range []*client{after, unstable} {
			e = c.sync().joined(room)
			e.want("timeline", "name Park", "two")
			e.want("state")
			e.want(c.query.StateAfter, "name Park")
		}
		h.say(ada, room, "three")
		for _, c := range []*client{after, unstable} {
			e = c.sync().joined(room)
			e.want("timeline", "three")
			if raw := e.Get(gjson.Escape(c.query.StateAfter)).Raw; raw != `{"events":[]}` {
				t.Errorf("state after, of which there is none, is %s", raw)
			}
			c.sync().wantNothing()
			whole := *c
			whole.since = ""
			e = whole.sync().joined(room)
			e.want(c.query.StateAfter, "name Park")
		}
	})
}

func TestStateAfterLeaving(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(bob, "")
		c.query.StateAfter = "state_after"
		h.name(ada, room, "Garden")
		h.leave(bob, room)
		h.name(ada, room, "Secret")
		e := c.sync().left(room)
		e.want("timeline", "name Garden", "bob leave")
		e.want("state_after", "name Garden", "bob leave")
	})
}

func TestAFilterOfState(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		for filter, want := range map[string][]string{
			`{"room":{"timeline":{"limit":0},"state":{"types":["m.room.name"]}}}`:                              {"name Garden"},
			`{"room":{"timeline":{"limit":0},"state":{"types":[]}}}`:                                           {},
			`{"room":{"timeline":{"limit":0},"state":{"types":["m.room.n*"],"senders":["@bob:one.example"]}}}`: {},
		} {
			h.client(ada, filter).sync().joined(room).want("state", want...)
		}
	})
}

func TestMembersAreLoadedLazily(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden") // so that nobody is a hero
		h.join(bob, room)
		h.join(eve, room)
		h.say(bob, room, "hello")
		h.say(ada, room, "hello")
		c := h.client(ada, `{"room":{"timeline":{"limit":2},"state":{"lazy_load_members":true}}}`)
		e := c.sync().joined(room)
		e.wantIn("state", "ada join", "bob join")
		e.wantNotIn("state", "eve join")

		h.say(bob, room, "known")
		c.sync().joined(room).want("state")
		h.say(eve, room, "not known")
		lost := *c // the answer gets lost on the way
		c.sync().joined(room).want("state", "eve join")
		lost.sync().joined(room).want("state", "eve join")
		h.say(eve, room, "known")
		c.sync().joined(room).want("state")

		h.reopen() // what is not remembered is told again
		h.say(eve, room, "again")
		c.sync().joined(room).want("state", "eve join")
	})
}

func TestRedundantMembersForThoseWhoAsk(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		c := h.synced(ada, `{"room":{"state":{"lazy_load_members":true,"include_redundant_members":true}}}`)
		for range 2 {
			h.say(ada, room, "hello")
			c.sync().joined(room).want("state", "ada join")
		}
	})
}

func TestMembersThatChangedInAGapAreNotLost(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		h.join(bob, room)
		c := h.synced(ada, `{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}`)
		h.join(eve, room)
		h.leave(bob, room)
		for i := range 3 {
			h.say(ada, room, fmt.Sprint(i))
		}
		c.sync().joined(room).wantIn("state", "eve join", "bob leave")
	})
}

func TestHeroesAreLoadedToo(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		h.say(ada, room, "hello")
		c := h.client(ada, `{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}`)
		c.sync().joined(room).wantIn("state", "bob join", "ada join")
	})
}

func TestOnesOwnMembershipIsToldOnJoining(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		c := h.synced(bob, `{"room":{"timeline":{"limit":1},"state":{"lazy_load_members":true}}}`)
		h.join(bob, room)
		h.say(ada, room, "welcome")
		e := c.sync().joined(room)
		e.want("timeline", "welcome")
		e.wantIn("state", "bob join", "ada join")
	})
}
