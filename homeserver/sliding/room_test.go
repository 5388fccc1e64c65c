package sliding_test

import (
	"fmt"
	"strings"
	"testing"

	"plenum/homeserver/sliding"
	"plenum/rooms"
)

func TestFirstAndNext(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.say(bob, room, "one")
		c := h.client(ada)
		c.list("all", 2)
		e := c.sync().room(room)
		e.want("bob join", "one")
		e.wantThat("initial", "true")
		e.wantThat("name", `"Garden"`)
		e.wantThat("heroes", "")
		e.wantThat("limited", "true")
		e.wantThat("joined_count", "2")
		e.wantThat("invited_count", "0")
		e.wantThat("num_live", "0")
		if !e.Get("prev_batch").Exists() || e.Get("bump_stamp").Int() <= 0 {
			t.Errorf("there is no prev_batch or bump_stamp: %s", e.Raw)
		}
		bump := e.Get("bump_stamp").Int()

		c.sync().wantRooms()
		h.say(bob, room, "two")
		e = c.sync().room(room)
		e.want("two")
		for _, path := range []string{"initial", "name", "joined_count", "is_dm", "required_state"} {
			e.wantThat(path, "")
		}
		e.wantThat("limited", "false")
		e.wantThat("num_live", "1")
		if now := e.Get("bump_stamp").Int(); now <= bump {
			t.Errorf("bump_stamp went from %d to %d", bump, now)
		}
		for i := range 4 {
			h.say(bob, room, fmt.Sprint("more ", i))
		}
		e = c.sync().room(room)
		e.want("more 2", "more 3")
		e.wantThat("limited", "true")
		e.wantThat("num_live", "2")
	})
}

func TestHousekeepingMovesNoBumpStamp(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.sync()
		h.set(ada, room, "m.room.topic", "", `{"topic":"plants"}`)
		e := c.sync().room(room)
		e.want("m.room.topic")
		e.wantThat("bump_stamp", "")
	})
}

func TestNamesAndPictures(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "")
		h.join(bob, room)
		old, now := h.client(ada), h.client(ada)
		old.q.Conn, now.q.Form = "old", sliding.V4
		for _, c := range []*client{old, now} {
			e := c.sync().room(room)
			e.wantThat("name", "")
			e.wantThat("heroes", `[{"user_id":"@bob:one.example","displayname":"bob","avatar_url":"mxc://one.example/bob"}]`)
		}
		h.name(ada, room, "Garden")
		h.set(ada, room, "m.room.avatar", "", `{"url":"mxc://one.example/rose"}`)
		for _, c := range []*client{old, now} {
			e := c.sync().room(room)
			e.wantThat("name", `"Garden"`)
			e.wantThat("avatar", `"mxc://one.example/rose"`)
			e.wantThat("heroes", "")
			e.wantThat("joined_count", "")
		}
		h.set(ada, room, "m.room.name", "", `{}`)
		h.set(ada, room, "m.room.avatar", "", `{}`)
		for c, gone := range map[*client]string{old: "", now: "null"} {
			e := c.sync().room(room)
			e.wantThat("name", gone)
			e.wantThat("avatar", "null")
			e.wantThat("heroes.#", "1")
		}
		h.join(eve, room)
		e := now.sync().room(room)
		e.wantThat("heroes.#", "2")
		e.wantThat("joined_count", "3")
	})
}

func TestRaisedTimelineLimit(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		for i := range 6 {
			h.say(ada, room, fmt.Sprint(i))
		}
		for form, flag := range map[sliding.Form]string{sliding.Unstable: "unstable_expanded_timeline", sliding.V4: "expanded_timeline"} {
			c := h.client(ada)
			c.q.Form = form
			c.list("all", 2)
			c.sync().room(room).want("4", "5")
			c.subscribe(room, 4)
			e := c.sync().room(room)
			e.want("2", "3", "4", "5")
			e.wantThat(flag, "true")
			e.wantThat("limited", "true")
			e.wantThat("num_live", "0")
			c.sync().wantRooms()

			delete(c.q.Rooms, room) // back to two, and nothing happens
			c.sync().wantRooms()
			c.subscribe(room, 4)
			c.sync().wantRooms()
			c.subscribe(room, 3)
			c.sync().wantRooms()
		}
	})
}

func TestWhatAGapCosts(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.say(ada, room, "0")
		c := h.client(ada)
		c.list("all", 4)
		c.sync()
		c.list("all", 1)
		h.say(ada, room, "1")
		c.sync().room(room).want("1")
		c.list("all", 3)
		c.sync().wantRooms() // it has more than that already
		c.list("all", 1)
		h.say(ada, room, "2")
		h.say(ada, room, "3")
		c.sync().room(room).want("3")
		c.list("all", 3)
		e := c.sync().room(room)
		e.want("1", "2", "3")
		e.wantThat("unstable_expanded_timeline", "true")
		h.say(ada, room, "4")
		c.list("all", 5) // more is asked for while there is something new
		e = c.sync().room(room)
		e.want("0", "1", "2", "3", "4")
		e.wantThat("num_live", "1")
	})
}

func TestARoomOutOfSightComesBackWithWhatWasMissed(t *testing.T) {
	each(t, func(h *house) {
		quiet, busy := h.public(ada, "quiet"), h.public(ada, "busy")
		h.say(ada, quiet, "q0")
		h.say(ada, busy, "b0")
		c := h.client(ada)
		c.window("all", 0, 1)
		c.sync().wantRooms(busy, quiet)
		c.window("all", 0, 0)
		h.say(ada, quiet, "q1")
		h.name(ada, quiet, "Quiet")
		h.say(ada, busy, "b1")
		a := c.sync()
		a.wantRooms(busy)
		a.wantCount("all", 2)
		c.window("all", 0, 1)
		e := c.sync().room(quiet)
		e.want("q1", "name Quiet")
		e.wantThat("initial", "")
		e.wantThat("name", `"Quiet"`)
		e.wantThat("num_live", "0")
		c.sync().wantRooms()
	})
}

func TestDirectChats(t *testing.T) {
	each(t, func(h *house) {
		chat, garden := h.public(ada, ""), h.public(ada, "Garden")
		h.note(ada, "", "m.direct", fmt.Sprintf(`{"@bob:one.example":[%q]}`, chat))
		c := h.client(ada)
		a := c.sync()
		a.room(chat).wantThat("is_dm", "true")
		a.room(garden).wantThat("is_dm", "")
		c.sync().wantRooms()
		h.note(ada, "", "m.direct", fmt.Sprintf(`{"@bob:one.example":[%q]}`, garden))
		a = c.sync()
		a.room(chat).wantThat("is_dm", "false")
		a.room(garden).wantThat("is_dm", "true")
		a.room(garden).wantThat("timeline", "")
		c.sync().wantRooms()
	})
}

func TestUnreadCounts(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		old, now := h.client(ada), h.client(ada)
		old.q.Conn, now.q.Form = "old", sliding.V4
		old.sync()
		now.sync()
		h.say(bob, room, "one")
		last := h.say(bob, room, "ada: two")
		e := old.sync().room(room)
		e.wantThat("notification_count", "2")
		e.wantThat("highlight_count", "1")
		e = now.sync().room(room)
		e.wantThat("notification_count", "")

		h.read(bob, room, last) // what others read is not counted
		old.sync().wantRooms()
		h.read(ada, room, last)
		e = old.sync().room(room)
		e.wantThat("notification_count", "0")
		e.wantThat("timeline", "")
		old.sync().wantRooms()
		now.sync().wantRooms()
	})
}

func TestIgnoredPeopleAreNotHeard(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.ignore(ada, bob)
		c := h.client(ada)
		c.sync()
		h.say(bob, room, "boo")
		c.sync().room(room).want()
		h.name(ada, room, "Park")
		h.say(bob, room, "boo")
		c.sync().room(room).want("name Park")
		h.invite(bob, h.create(bob, rooms.CreateRequest{}), ada)
		a := c.sync()
		a.wantRooms()
		a.wantCount("all", 1)
	})
}

func TestStandingOfARoomInV4(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.q.Form = sliding.V4
		c.list("dms", 1)
		yes := true
		c.filter("dms", sliding.Filters{IsDM: &yes})
		c.list("zoo", 1)
		e := c.sync().room(room)
		e.wantThat("membership", `"join"`)
		e.wantThat("lists", `["all","zoo"]`)
		c.q.Lists = nil
		c.subscribe(room, 1)
		h.say(ada, room, "hello")
		e = c.sync().room(room)
		e.wantThat("membership", `"join"`)
		e.wantThat("lists", "")
	})
}

func TestNothingTellsMoreThanItMust(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada, "Garden")
		c := h.client(ada)
		c.q.Form = sliding.V4
		c.sync()
		a := c.sync()
		if got := strings.Replace(a.Raw, a.Get("pos").Raw, "", 1); got != `{"pos":,"lists":{"all":{"count":1}},"rooms":{},"extensions":{}}` {
			t.Errorf("an answer without news is %s", a.Raw)
		}
	})
}
