package sync_test

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestANewDeviceIsToldEverything(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		h.join(bob, room)
		h.say(bob, room, "hello")
		e := h.client(ada, `{"room":{"timeline":{"limit":2}}}`).sync().joined(room)
		e.want("timeline", "bob join", "hello")
		e.wantIn("state", "m.room.create", "ada join", "name Garden", "m.room.power_levels")
		e.wantNotIn("state", "bob join") // it is in the timeline
		e.wantLimited(true)
	})
}

func TestWithoutNewsThereIsOnlyAToken(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada)
		c := h.synced(ada, "")
		c.sync().wantNothing()
		c.sync().wantNothing()
	})
}

func TestNewEventsComeOnceAndInOrder(t *testing.T) {
	each(t, func(h *house) {
		room, other := h.public(ada), h.public(ada)
		c := h.synced(ada, "")
		h.say(ada, room, "one")
		h.say(ada, other, "elsewhere")
		h.say(ada, room, "two")
		a := c.sync()
		a.joined(room).want("timeline", "one", "two")
		a.joined(room).want("state")
		a.joined(room).wantLimited(false)
		a.joined(other).want("timeline", "elsewhere")
		c.sync().wantNothing()
		h.name(ada, room, "Garden")
		e := c.sync().joined(room)
		e.want("timeline", "name Garden")
		e.want("state")
	})
}

func TestTheSameTokenGivesTheSameAnswer(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, "")
		h.join(bob, room)
		h.say(bob, room, "hello")
		h.name(ada, room, "Garden")
		strip := func(a answer) string { return passing.ReplaceAllString(a.Raw, "") }
		first := strip(c.peek())
		if again := strip(c.peek()); again != first {
			t.Errorf("asked twice, told\n%s\nand then\n%s", first, again)
		}
		h.reopen()
		if again := strip(c.peek()); again != first {
			t.Errorf("after a restart, told\n%s\nbefore it\n%s", again, first)
		}
	})
}

func TestALongAbsenceLeavesAGap(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, `{"room":{"timeline":{"limit":3}}}`)
		h.say(ada, room, "1")
		h.name(ada, room, "Old")
		h.name(ada, room, "Garden")
		h.join(bob, room)
		for i := 2; i <= 5; i++ {
			h.say(ada, room, fmt.Sprint(i))
		}
		before := c.since
		e := c.sync().joined(room)
		e.want("timeline", "3", "4", "5")
		e.wantLimited(true)
		e.want("state", "name Garden", "bob join")

		from := must(rooms.ParseToken(e.Get("timeline.prev_batch").Str))(h)
		to := must(rooms.ParseToken(before))(h)
		page := must(h.Messages(h.Context(), as(ada), room, rooms.Page{From: &from, To: &to, Backwards: true, Limit: 100}))(h)
		var gap []string
		for _, ev := range page.Events {
			gap = append(gap, ev.Type)
		}
		if want := "[m.room.message m.room.member m.room.name m.room.name m.room.message]"; fmt.Sprint(gap) != want {
			t.Errorf("the gap holds %v, want %v", gap, want)
		}
	})
}

func TestARoomThatOneJoinsIsToldWhole(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.name(ada, room, "Garden")
		h.say(ada, room, "before")
		c := h.synced(bob, `{"room":{"timeline":{"limit":2}}}`)
		h.join(bob, room)
		e := c.sync().joined(room)
		e.want("timeline", "before", "bob join")
		e.wantLimited(true)
		e.wantIn("state", "m.room.create", "ada join", "name Garden")
		c.sync().wantNothing()
	})
}

func TestARoomThatOneMadeIsToldWhole(t *testing.T) {
	each(t, func(h *house) {
		c := h.synced(ada, "")
		room := h.create(ada, rooms.CreateRequest{Preset: "private_chat"})
		e := c.sync().joined(room)
		e.wantIn("timeline", "m.room.create", "ada join", "m.room.power_levels", "m.room.join_rules")
		e.want("state")
	})
}

func TestComingBackBetweenTwoSyncsIsNoLeaving(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(bob, "")
		h.join(bob, room)
		joined := h.client(bob, "")
		joined.since = c.since
		joined.sync()
		h.leave(bob, room)
		h.name(ada, room, "Garden")
		h.join(bob, room)
		for who, c := range map[string]*client{"knew the room": joined, "did not": c} {
			a := c.sync()
			a.left(room).wantEntry(false)
			a.joined(room).wantIn("timeline", "bob leave", "name Garden", "bob join")
			if t.Failed() {
				t.Fatal(who)
			}
		}
	})
}

func TestHistoryThatIsNotForOneStaysHidden(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.set(ada, room, "m.room.history_visibility", "", map[string]any{"history_visibility": "joined"})
		h.say(ada, room, "secret")
		c := h.synced(bob, "")
		h.join(bob, room)
		h.say(ada, room, "welcome")
		for _, c := range []*client{c, h.client(bob, "")} {
			e := c.sync().joined(room)
			e.wantIn("timeline", "bob join", "welcome")
			e.wantNotIn("timeline", "secret")
		}
	})
}

func TestFullState(t *testing.T) {
	each(t, func(h *house) {
		room, busy := h.public(ada), h.public(ada)
		h.name(ada, room, "Garden")
		c := h.synced(ada, "")
		h.name(ada, busy, "Street")
		h.say(ada, busy, "hello")
		c.query.FullState = true
		a := c.sync()
		a.joined(room).wantIn("state", "m.room.create", "name Garden", "ada join")
		a.joined(room).want("timeline")
		a.joined(room).wantLimited(false)
		a.joined(busy).want("timeline", "name Street", "hello")
		a.joined(busy).wantNotIn("state", "name Street")
		a.joined(busy).wantIn("state", "m.room.create")
	})
}

func TestForeignTokensAreTheClientsMistake(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada)
		c := h.client(ada, "")
		for _, since := range []string{"x", "s", "s1", "t1_x", "s-5_0", "s999999999_1", "s1_2_3"} {
			c.since = since
			if _, err := c.ask(h.Context(), 0); !matrix.IsCode(err, matrix.InvalidParam) {
				t.Errorf("since %q: %v, want M_INVALID_PARAM", since, err)
			}
		}
	})
}

func TestATokenFromBeforeTheClockWasSetBackWorks(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, "")
		tok := must(rooms.ParseToken(c.since))(h)
		tok.Serial *= 2
		c.since = tok.Sync()
		h.must(h.data.SetTyping(h.Context(), as(ada), room, 1e9))
		c.sync().joined(room).want("ephemeral", "m.typing")
		c.sync().wantNothing()
	})
}

func TestHeroesAndCounts(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", Invite: []id.UserID{bob}})
		c := h.client(ada, "")
		wantSummary := func(heroes string, joined, invited int64) {
			t.Helper()
			s := c.sync().joined(room).Get("summary")
			if s.Get(`m\.heroes`).Raw != heroes || s.Get(`m\.joined_member_count`).Int() != joined || s.Get(`m\.invited_member_count`).Int() != invited {
				t.Errorf("summary is %s, want heroes %s, %d joined, %d invited", s.Raw, heroes, joined, invited)
			}
		}
		wantNone := func() {
			t.Helper()
			if s := c.sync().joined(room).Get("summary"); s.Exists() {
				t.Errorf("summary is %s, want none", s.Raw)
			}
		}
		wantSummary(`["@bob:one.example"]`, 1, 1)
		h.say(ada, room, "no change")
		wantNone()
		h.join(bob, room)
		wantSummary(`["@bob:one.example"]`, 2, 0)
		h.set(bob, room, "m.room.member", string(bob), map[string]any{"membership": "join", "displayname": "Bobby"})
		wantNone()
		h.name(ada, room, "Garden")
		wantSummary(``, 2, 0)
		h.join(eve, room)
		wantSummary(``, 3, 0)
		h.name(ada, room, "")
		wantSummary(`["@bob:one.example","@eve:one.example"]`, 3, 0)
	})
}
