package sliding_test

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestTheLiveliestRoomsComeFirst(t *testing.T) {
	each(t, func(h *house) {
		a, b, x := h.public(ada, "a"), h.public(ada, "b"), h.public(ada, "x")
		h.public(bob, "not of ada")
		c := h.client(ada)
		got := c.peek()
		got.wantRooms(x, b, a)
		got.wantCount("all", 3)
		h.set(ada, a, "m.room.topic", "", `{"topic":"housekeeping counts"}`)
		c.window("all", 0, 0)
		got = c.sync()
		got.wantRooms(a)
		got.wantCount("all", 3)
		c.window("all", 0, 1)
		c.sync().wantRooms(x)
		h.say(ada, b, "hello")
		c.sync().wantRooms(b)
		c.window("all", 0, 2)
		c.sync().wantRooms()
	})
}

func TestWindows(t *testing.T) {
	each(t, func(h *house) {
		var names []id.RoomID
		for i := range 6 {
			names = append(names, h.public(ada, fmt.Sprint(i)))
		}
		at := func(places ...int) (out []id.RoomID) {
			for _, p := range places {
				out = append(out, names[len(names)-1-p])
			}
			return out
		}
		for _, w := range []struct{ ranges, want []int }{
			{nil, []int{0, 1, 2, 3, 4, 5}},
			{[]int{0, 0}, []int{0}},
			{[]int{2, 3}, []int{2, 3}},
			{[]int{4, 1 << 40}, []int{4, 5}},
			{[]int{6, 9}, nil},
			{[]int{4, 5, 0, 1, 1, 1}, []int{0, 1, 4, 5}},
		} {
			c := h.client(ada)
			c.window("all", w.ranges...)
			a := c.peek()
			a.wantRooms(at(w.want...)...)
			a.wantCount("all", 6)
		}
		c := h.client(ada)
		c.window("all", 4, 5, 0, 1)
		want := fmt.Sprintf(`[{"op":"SYNC","range":[4,5],"room_ids":[%q,%q]},{"op":"SYNC","range":[0,1],"room_ids":[%q,%q]}]`,
			names[1], names[0], names[5], names[4])
		if got := c.sync().at("lists", "all", "ops").Raw; got != want {
			t.Errorf("the operations are %s, want %s", got, want)
		}
		if got := c.sync().at("lists", "all", "ops").Raw; got != "[]" {
			t.Errorf("later they are %s", got)
		}
		c.q.Form = sliding.V4
		if got := c.sync().at("lists", "all").Raw; got != `{"count":6}` {
			t.Errorf("in the other form the list is %s", got)
		}
	})
}

func TestFilters(t *testing.T) {
	each(t, func(h *house) {
		plain := h.public(ada, "plain")
		space := h.create(ada, rooms.CreateRequest{Preset: "public_chat", CreationContent: []byte(`{"type":"m.space"}`)})
		secret := h.public(ada, "secret")
		h.set(ada, secret, "m.room.encryption", "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		invited := h.create(bob, rooms.CreateRequest{CreationContent: []byte(`{"type":"m.space"}`)})
		h.set(bob, invited, "m.room.encryption", "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		h.invite(bob, invited, ada)
		h.note(ada, "", "m.direct", fmt.Sprintf(`{"@bob:one.example":[%q]}`, secret))
		h.note(ada, plain, "m.tag", `{"tags":{"m.favourite":{},"u.work":{}}}`)
		h.note(ada, secret, "m.tag", `{"tags":{"u.work":{}}}`)
		for _, child := range []struct {
			room id.RoomID
			via  string
		}{{plain, `["one.example"]`}, {secret, `[]`}} {
			h.set(ada, space, "m.space.child", string(child.room), fmt.Sprintf(`{"via":%s}`, child.via))
		}
		yes, no := true, false
		for what, f := range map[string]struct {
			f    sliding.Filters
			want []id.RoomID
		}{
			"all":             {sliding.Filters{}, []id.RoomID{space, invited, secret, plain}},
			"direct":          {sliding.Filters{IsDM: &yes}, []id.RoomID{secret}},
			"not direct":      {sliding.Filters{IsDM: &no}, []id.RoomID{space, invited, plain}},
			"encrypted":       {sliding.Filters{IsEncrypted: &yes}, []id.RoomID{invited, secret}},
			"not encrypted":   {sliding.Filters{IsEncrypted: &no}, []id.RoomID{space, plain}},
			"invited":         {sliding.Filters{IsInvited: &yes}, []id.RoomID{invited}},
			"not invited":     {sliding.Filters{IsInvited: &no}, []id.RoomID{space, secret, plain}},
			"spaces":          {sliding.Filters{Types: []string{"m.space"}}, []id.RoomID{space, invited}},
			"not spaces":      {sliding.Filters{NotTypes: []string{"m.space"}}, []id.RoomID{secret, plain}},
			"without a type":  {sliding.Filters{Types: []string{""}}, []id.RoomID{secret, plain}},
			"no type at all":  {sliding.Filters{Types: []string{}}, nil},
			"not wins":        {sliding.Filters{Types: []string{"", "m.space"}, NotTypes: []string{""}}, []id.RoomID{space, invited}},
			"tagged":          {sliding.Filters{Tags: []string{"m.favourite", "u.x"}}, []id.RoomID{plain}},
			"not tagged":      {sliding.Filters{NotTags: []string{"u.work"}}, []id.RoomID{space, invited}},
			"tagged and not":  {sliding.Filters{Tags: []string{"u.work"}, NotTags: []string{"m.favourite"}}, []id.RoomID{secret}},
			"in a space":      {sliding.Filters{Spaces: []id.RoomID{space, "!nowhere"}}, []id.RoomID{plain}},
			"in no space":     {sliding.Filters{Spaces: []id.RoomID{}}, nil},
			"in another":      {sliding.Filters{Spaces: []id.RoomID{invited}}, nil},
			"several filters": {sliding.Filters{IsDM: &yes, IsEncrypted: &yes, IsInvited: &no}, []id.RoomID{secret}},
		} {
			c := h.client(ada)
			c.filter("all", f.f)
			a := c.peek()
			t.Log(what)
			a.wantRooms(f.want...)
			a.wantCount("all", int64(len(f.want)))
		}
	})
}

func TestARoomInSeveralListsIsToldWithAllThatAnyWants(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.say(ada, room, "one")
		h.say(ada, room, "two")
		c := h.client(ada)
		c.list("all", 1, "m.room.name", "")
		c.list("more", 2, "m.room.create", "")
		c.subscribe(room, 1, "m.room.member", "$ME")
		a := c.sync()
		a.wantRooms(room)
		e := a.room(room)
		e.want("one", "two")
		e.wantState("name Garden", "m.room.create", "ada join")
	})
}

func TestSubscriptionsNeedNoList(t *testing.T) {
	each(t, func(h *house) {
		followed, other, foreign := h.public(ada, "followed"), h.public(ada, "other"), h.public(bob, "foreign")
		c := h.client(ada)
		c.q.Lists = nil
		c.subscribe(followed, 5)
		c.subscribe(foreign, 5, "*", "*")
		c.subscribe("!nowhere", 5)
		c.sync().wantRooms(followed)
		h.say(ada, other, "unheard")
		h.say(bob, foreign, "unheard")
		c.sync().wantRooms()
		h.say(ada, followed, "heard")
		c.sync().room(followed).want("heard")
	})
}

func TestMistakesInRequests(t *testing.T) {
	each(t, func(h *house) {
		many, wishes := map[string]sliding.List{}, map[id.RoomID]sliding.Wish{}
		for i := range 101 {
			many[fmt.Sprint(i)] = sliding.List{}
			wishes[id.RoomID(fmt.Sprintf("!%d", i))] = sliding.Wish{}
		}
		var entries []sliding.Entry
		for i := range 3000 {
			typ := fmt.Sprint("org.example.", i)
			entries = append(entries, sliding.Entry{Type: &typ})
		}
		for what, change := range map[string]func(*sliding.Request){
			"range":         func(q *sliding.Request) { q.Lists["all"] = sliding.List{Ranges: []sliding.Range{{3, 2}}} },
			"negative":      func(q *sliding.Request) { q.Lists["all"] = sliding.List{Ranges: []sliding.Range{{-1, 2}}} },
			"ranges":        func(q *sliding.Request) { q.Lists["all"] = sliding.List{Ranges: make([]sliding.Range, 101)} },
			"limit":         func(q *sliding.Request) { q.Lists["all"] = sliding.List{Wish: sliding.Wish{Timeline: -1}} },
			"lists":         func(q *sliding.Request) { q.Lists = many },
			"subscriptions": func(q *sliding.Request) { q.Rooms, q.Form = wishes, sliding.V4 },
			"unnamed":       func(q *sliding.Request) { q.Lists[""] = sliding.List{} },
			"long name":     func(q *sliding.Request) { q.Conn = fmt.Sprintf("%256d", 1) },
			"presence":      func(q *sliding.Request) { q.SetPresence = "asleep" },
			"much state": func(q *sliding.Request) {
				q.Rooms[id.RoomID("!x")] = sliding.Wish{State: sliding.State{Include: entries}}
			},
			"mail":       func(q *sliding.Request) { q.Extensions.ToDevice = &sliding.ToDevice{Limit: -1} },
			"mail token": func(q *sliding.Request) { q.Extensions.ToDevice = &sliding.ToDevice{Since: "s1_2"} },
		} {
			c := h.client(ada)
			change(&c.q)
			t.Log(what)
			c.refused(matrix.InvalidParam)
		}
		c := h.client(ada)
		c.q.Rooms = wishes // what came first knew no bounds
		c.sync().wantRooms()
	})
}
