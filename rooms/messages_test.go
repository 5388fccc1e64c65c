package rooms_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func bodies(evs []*rooms.Event) string {
	var words []string
	for _, e := range evs {
		if e.Type == "m.room.message" {
			words = append(words, e.Content().Get("body").Str)
		} else {
			words = append(words, strings.TrimPrefix(e.Type, "m.room."))
		}
	}
	return strings.Join(words, " ")
}

func (h *house) page(user id.UserID, room id.RoomID, q rooms.Page) rooms.Chunk {
	h.Helper()
	c, err := h.Messages(h.Context(), as(user), room, q)
	if err != nil {
		h.Fatal(err)
	}
	return c
}

func (h *house) events(raw string) *filter.Events {
	h.Helper()
	f, err := filter.ParseEvents([]byte(raw))
	h.must(err)
	return f
}

func TestPagesOfHistory(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		start := rooms.Token{Pos: h.room(room).LastPos()}
		for i := range 7 {
			h.say(ada, room, fmt.Sprint("m", i))
		}
		for range 2 {
			c := h.page(ada, room, rooms.Page{Backwards: true, Limit: 3})
			if got := bodies(c.Events); got != "m6 m5 m4" || c.End == nil {
				h.Fatalf("newest page: %s, end %v", got, c.End)
			}
			if got := bodies(h.page(ada, room, rooms.Page{Backwards: true, Limit: 3, From: c.End}).Events); got != "m3 m2 m1" {
				h.Errorf("page before: %s", got)
			}
			// The same gap is where a page in the other direction begins.
			if got := bodies(h.page(ada, room, rooms.Page{Limit: 3, From: c.End}).Events); got != "m4 m5 m6" {
				h.Errorf("page behind: %s", got)
			}
			if c = h.page(ada, room, rooms.Page{Limit: 100, From: &start}); bodies(c.Events) != "m0 m1 m2 m3 m4 m5 m6" || c.End != nil || c.Start != start {
				h.Errorf("forwards: %s, start %v, end %v", bodies(c.Events), c.Start, c.End)
			}
			if c = h.page(ada, room, rooms.Page{Backwards: true, Limit: 100, To: &start}); bodies(c.Events) != "m6 m5 m4 m3 m2 m1 m0" || c.End != nil {
				h.Errorf("backwards to: %s, end %v", bodies(c.Events), c.End)
			}
			if c = h.page(ada, room, rooms.Page{Backwards: true, Limit: 100}); !strings.HasSuffix(bodies(c.Events), "create") || c.End != nil {
				h.Errorf("everything: %s, end %v", bodies(c.Events), c.End)
			}
			if c = h.page(ada, room, rooms.Page{From: &rooms.Token{Pos: h.room(room).LastPos()}}); len(c.Events) != 0 || c.End != nil {
				h.Errorf("behind the newest: %s, end %v", bodies(c.Events), c.End)
			}
			h.reopen()
		}
	})
}

func TestFiltersDoNotLoseThePage(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		for i := range 300 {
			user := ada
			if i%100 == 0 {
				user = bob
			}
			h.say(user, room, fmt.Sprint("m", i))
		}
		c := h.page(ada, room, rooms.Page{Backwards: true, Limit: 3, Filter: h.events(`{"senders":["@bob:one.example"],"types":["m.room.message"]}`)})
		if got := bodies(c.Events); got != "m200 m100 m0" {
			h.Errorf("said by bob: %s", got)
		}
		ignored := func(e *rooms.Event) bool { return e.Sender == ada && !e.IsState() }
		c = h.page(ada, room, rooms.Page{Backwards: true, Limit: 3, Skip: ignored})
		if got := bodies(c.Events); got != "m200 m100 m0" {
			h.Errorf("without ada: %s", got)
		}
		c = h.page(ada, room, rooms.Page{Limit: 3, Filter: h.events(`{"contains_url":true}`)})
		if len(c.Events) != 0 || c.End != nil {
			h.Errorf("with a url: %s, end %v", bodies(c.Events), c.End)
		}
	})
}

func TestFilterByWhatRelates(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		a, b := h.say(ada, room, "a"), h.say(ada, room, "b")
		h.say(ada, room, "c")
		h.relate(ada, room, "m.thread", a, `"body":"ra"`)
		h.relate(bob, room, "m.thread", b, `"body":"rb"`)
		for raw, want := range map[string]string{
			`{"related_by_rel_types":["m.thread"]}`:                                            "b a",
			`{"related_by_senders":["@bob:one.example"]}`:                                      "b",
			`{"related_by_rel_types":["m.replace"],"related_by_senders":["@bob:one.example"]}`: "",
		} {
			if got := bodies(h.page(ada, room, rooms.Page{Backwards: true, Filter: h.events(raw)}).Events); got != want {
				h.Errorf("%s: %q, want %q", raw, got, want)
			}
		}
	})
}

func TestLazyMembersOfAPage(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		h.join(cyd, room)
		h.say(bob, room, "b")
		from := rooms.Token{Pos: h.room(room).LastPos()}
		h.say(cyd, room, "c")
		h.setState(cyd, room, "m.room.member", string(cyd), `{"membership":"join","displayname":"Cydney"}`)
		h.say(cyd, room, "d")
		c := h.page(ada, room, rooms.Page{From: &from, Limit: 1, Filter: h.events(`{"lazy_load_members":true}`)})
		if len(c.State) != 1 || *c.State[0].StateKey != string(cyd) || c.State[0].Content().Get("displayname").Str != "cyd" {
			h.Errorf("members of the page: %v", c.State)
		}
		c = h.page(ada, room, rooms.Page{Backwards: true, Filter: h.events(`{"lazy_load_members":true,"types":["m.room.message"]}`)})
		if len(c.State) != 2 || c.State[1].Content().Get("displayname").Str != "Cydney" {
			h.Errorf("members of the page: %v", c.State)
		}
		if c = h.page(ada, room, rooms.Page{Backwards: true}); c.State != nil {
			h.Errorf("state without having asked: %v", c.State)
		}
	})
}

// A long stretch that somebody may not see is stepped over, not read.
func TestHiddenStretches(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.join(bob, room)
		h.say(ada, room, "early")
		h.leave(bob, room)
		for i := range 250 {
			h.say(ada, room, fmt.Sprint("hidden", i))
		}
		h.join(bob, room)
		h.say(ada, room, "late")
		for range 2 {
			c := h.page(bob, room, rooms.Page{Backwards: true, Limit: 5})
			if got := bodies(c.Events); got != "late member member early member" {
				h.Errorf("backwards: %s", got)
			}
			c = h.page(bob, room, rooms.Page{Limit: 100, Filter: h.events(`{"types":["m.room.message"]}`)})
			if got := bodies(c.Events); got != "early late" || c.End != nil {
				h.Errorf("forwards: %s, end %v", got, c.End)
			}
			h.reopen()
		}
	})
}

func TestAround(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		var evs []id.EventID
		for i := range 9 {
			evs = append(evs, h.say(ada, room, fmt.Sprint("m", i)))
		}
		h.setState(ada, room, "m.room.name", "", `{"name":"late"}`)
		ask := func(limit int, raw string) rooms.Surroundings {
			q := rooms.AroundQuery{Room: room, Event: evs[4], Limit: limit}
			if raw != "" {
				q.Filter = h.events(raw)
			}
			c, err := h.Around(h.Context(), as(ada), q)
			h.must(err)
			return c
		}
		c := ask(4, "")
		if bodies(c.Before) != "m3 m2" || bodies(c.After) != "m5 m6" || c.Event.ID != evs[4] {
			h.Errorf("around m4: %s | %s", bodies(c.Before), bodies(c.After))
		}
		if got := bodies(h.page(ada, room, rooms.Page{Backwards: true, Limit: 2, From: &c.Start}).Events); got != "m1 m0" {
			h.Errorf("before the start: %s", got)
		}
		if got := bodies(h.page(ada, room, rooms.Page{Limit: 2, From: &c.End}).Events); got != "m7 m8" {
			h.Errorf("behind the end: %s", got)
		}
		if got := bodies(c.State); !strings.Contains(got, "create") || strings.Contains(got, "name") || strings.Count(got, "member") != 2 {
			h.Errorf("state: %s", got)
		}
		if c = ask(0, ""); len(c.Before)+len(c.After) != 0 || c.Event == nil {
			h.Errorf("limit 0: %s | %s", bodies(c.Before), bodies(c.After))
		}
		if c = ask(-1, ""); len(c.Before) != 5 {
			h.Errorf("no limit: %s | %s", bodies(c.Before), bodies(c.After))
		}
		if c = ask(4, `{"lazy_load_members":true}`); strings.Count(bodies(c.State), "member") != 1 {
			h.Errorf("lazy: state %s", bodies(c.State))
		}
		_, err := h.Around(h.Context(), as(ada), rooms.AroundQuery{Room: room, Event: "$nothing"})
		h.refused(err, matrix.NotFound)
		_, err = h.Around(h.Context(), as(fay), rooms.AroundQuery{Room: room, Event: evs[0]})
		h.refused(err, matrix.Forbidden)
		other := h.create(ada, withVisibility("shared"))
		_, err = h.Around(h.Context(), as(ada), rooms.AroundQuery{Room: other, Event: evs[0]})
		h.refused(err, matrix.NotFound)
	})
}

func TestStateForThoseWhoLeft(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.setState(ada, room, "m.room.name", "", `{"name":"then"}`)
		h.join(bob, room)
		h.leave(bob, room)
		h.setState(ada, room, "m.room.name", "", `{"name":"now"}`)
		h.setState(ada, room, "m.room.topic", "", `{"topic":"new"}`)
		h.join(cyd, room)
		name := func(user id.UserID) string {
			_, e, err := h.StateEventFor(h.Context(), as(user), room, "m.room.name", "")
			h.must(err)
			return e.Content().Get("name").Str
		}
		members := func(user id.UserID, q rooms.MembersQuery) string {
			q.Room = room
			_, evs, err := h.MembersFor(h.Context(), as(user), q)
			h.must(err)
			var out []string
			for _, e := range evs {
				out = append(out, id.UserID(*e.StateKey).Localpart()+":"+e.Membership())
			}
			return strings.Join(out, " ")
		}
		for range 2 {
			if name(ada) != "now" || name(bob) != "then" {
				h.Errorf("names: %s, %s", name(ada), name(bob))
			}
			_, _, err := h.StateEventFor(h.Context(), as(bob), room, "m.room.topic", "")
			h.refused(err, matrix.NotFound)
			_, all, err := h.StateFor(h.Context(), as(bob), room)
			h.must(err)
			if got := bodies(all); strings.Contains(got, "topic") || !strings.Contains(got, "name") {
				h.Errorf("state for bob: %s", got)
			}
			for _, c := range []struct {
				user id.UserID
				q    rooms.MembersQuery
				want string
			}{
				{ada, rooms.MembersQuery{}, "ada:join bob:leave cyd:join"},
				{bob, rooms.MembersQuery{}, "ada:join bob:leave"},
				{ada, rooms.MembersQuery{Is: "join"}, "ada:join cyd:join"},
				{ada, rooms.MembersQuery{Not: "join"}, "bob:leave"},
				{ada, rooms.MembersQuery{Is: "join", Not: "leave"}, "ada:join cyd:join"},
				{bob, rooms.MembersQuery{Is: "join"}, "ada:join"},
				{ada, rooms.MembersQuery{At: &rooms.Token{Pos: 1}}, "ada:join"},
			} {
				if got := members(c.user, c.q); got != c.want {
					h.Errorf("%s asks for members %+v: %s, want %s", c.user, c.q, got, c.want)
				}
			}
			h.reopen()
		}
		_, _, err := h.MembersFor(h.Context(), as(ada), rooms.MembersQuery{Room: room, Is: "guest"})
		h.refused(err, matrix.InvalidParam)
		for _, user := range []id.UserID{fay, ""} {
			_, _, err = h.StateFor(h.Context(), as(user), room)
			h.refused(err, matrix.Forbidden)
			_, _, err = h.MembersFor(h.Context(), as(user), rooms.MembersQuery{Room: room})
			h.refused(err, matrix.Forbidden)
		}
	})
}

func TestJoinedMembers(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("world_readable"))
		h.join(bob, room)
		h.setState(bob, room, "m.room.member", string(bob), `{"membership":"join","avatar_url":"mxc://x/y"}`)
		list, err := h.JoinedMembers(h.Context(), as(ada), room)
		h.must(err)
		if len(list) != 2 || list[0].User != ada || *list[0].Name != "ada" || list[0].Avatar != nil || list[1].Name != nil || *list[1].Avatar != "mxc://x/y" {
			raw, _ := json.Marshal(list)
			h.Errorf("members: %s", raw)
		}
		_, err = h.JoinedMembers(h.Context(), as(fay), room)
		h.refused(err, matrix.Forbidden)
	})
}

func TestEventAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		const base = int64(4_000_000_000_000) // later than the room itself
		say := func(word string, ts int64) id.EventID {
			ev, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", TS: base + ts, Content: json.RawMessage(`{"body":"` + word + `"}`)})
			h.must(err)
			return ev
		}
		a, b, c := say("a", 100), say("b", 200), say("c", 200)
		d := say("d", 300)
		for range 2 {
			for _, q := range []struct {
				ts   int64
				back bool
				want id.EventID
			}{
				{50, false, a}, {100, false, a}, {101, false, b}, {200, false, b}, {250, false, d},
				{100, true, a}, {150, true, a}, {200, true, c}, {250, true, c}, {999, true, d},
			} {
				e, err := h.EventAt(h.Context(), as(ada), room, base+q.ts, q.back)
				if err != nil || e.ID != q.want {
					h.Errorf("%+v: %v, %v", q, e, err)
				}
			}
			h.reopen()
		}
		_, err := h.EventAt(h.Context(), as(ada), room, base+301, false)
		h.refused(err, matrix.NotFound)
		_, err = h.EventAt(h.Context(), as(ada), room, 1, true)
		h.refused(err, matrix.NotFound)
		_, err = h.EventAt(h.Context(), as(fay), room, base, false)
		h.refused(err, matrix.Forbidden)
	})
}
