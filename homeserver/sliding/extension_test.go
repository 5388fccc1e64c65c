package sliding_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
)

// extension returns what an extension says.
func (a answer) extension(path ...string) gjson.Result {
	return a.at(append([]string{"extensions"}, path...)...)
}

// wantExtension checks what an extension says, written as JSON; empty: nothing.
func (a answer) wantExtension(want string, path ...string) {
	a.c.Helper()
	if got := a.extension(path...).Raw; got != want {
		a.c.Errorf("%v is %s, want %s", path, got, want)
	}
}

func TestMailHasATokenOfItsOwn(t *testing.T) {
	each(t, func(h *house) {
		c := h.client(ada)
		c.q.Lists, c.q.Extensions = nil, sliding.Extensions{ToDevice: &sliding.ToDevice{Limit: 2}}
		mail := func(a answer) (out []int64) {
			for _, m := range a.extension("to_device", "events").Array() {
				out = append(out, m.Get("content.n").Int())
			}
			return out
		}
		want := func(a answer, numbers ...int64) {
			t.Helper()
			if got := mail(a); !slices.Equal(got, numbers) {
				t.Errorf("the mail is %v, want %v", got, numbers)
			}
		}
		for n := range 5 {
			h.post(bob, ada, "m.x", fmt.Sprintf(`{"n":%d}`, n))
		}
		a := c.sync()
		want(a, 0, 1)
		want(c.sync(), 0, 1) // nothing says that they arrived
		received := a.extension("to_device", "next_batch").Str
		c.q.Extensions.ToDevice.Since = received
		a = c.sync()
		want(a, 2, 3)

		h.reopen() // neither the connection nor the process matters
		c.house, c.q.Pos = h, ""
		want(c.sync(), 2, 3)
		c.q.Extensions.ToDevice.Since = ""
		want(c.sync(), 2, 3) // what has arrived is gone
		c.q.Extensions.ToDevice.Since = a.extension("to_device", "next_batch").Str
		a = c.sync()
		want(a, 4)
		c.q.Extensions.ToDevice.Since = a.extension("to_device", "next_batch").Str
		a = c.sync()
		want(a)
		if !a.extension("to_device", "next_batch").Exists() {
			t.Errorf("there is no next_batch: %s", a.Raw)
		}
		h.post(bob, ada, "m.x", `{"n":5}`)
		c.q.Extensions.ToDevice.Since = "999999999" // of a future that will not be
		want(c.sync(), 5)
	})
}

func TestDeviceListsAndKeys(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		c := h.client(ada)
		c.q.Lists, c.q.Extensions = nil, sliding.Extensions{E2EE: true}
		a := c.sync()
		a.wantExtension("", "e2ee", "device_lists")
		a.wantExtension(`{"signed_curve25519":0}`, "e2ee", "device_one_time_keys_count")
		a.wantExtension("[]", "e2ee", "device_unused_fallback_key_types")
		h.upload(bob)
		a = c.sync()
		a.wantExtension(`{"changed":["@bob:one.example"]}`, "e2ee", "device_lists")
		c.sync().wantExtension("", "e2ee", "device_lists")
		h.leave(bob, room)
		c.sync().wantExtension(`{"left":["@bob:one.example"]}`, "e2ee", "device_lists")

		late := h.client(ada) // asks only later
		late.q.Conn = "late"
		late.sync().wantExtension("", "e2ee")
		h.join(bob, room)
		late.sync()
		late.q.Extensions.E2EE = true
		late.sync().wantExtension(`{"changed":["@bob:one.example"]}`, "e2ee", "device_lists")
	})
}

func TestAccountData(t *testing.T) {
	each(t, func(h *house) {
		quiet, busy := h.public(ada, "quiet"), h.public(ada, "busy")
		h.note(ada, "", "org.example.x", `{"n":1}`)
		h.note(ada, quiet, "org.example.q", `{"n":1}`)
		h.note(ada, busy, "org.example.b", `{"n":1}`)
		c := h.client(ada)
		c.q.Extensions.AccountData = &sliding.Scope{}
		c.window("all", 0, 0)
		a := c.sync()
		types := func(r gjson.Result) (out []string) {
			for _, e := range r.Array() {
				out = append(out, e.Get("type").Str)
			}
			slices.Sort(out)
			return out
		}
		if got := types(a.extension("account_data", "global")); !slices.Equal(got, []string{"m.push_rules", "org.example.x"}) {
			t.Errorf("the data is of the types %v", got)
		}
		const b1, q1, q2 = `[{"content":{"n":1},"type":"org.example.b"}]`, `[{"content":{"n":1},"type":"org.example.q"}]`, `[{"content":{"n":2},"type":"org.example.q"}]`
		a.wantExtension(b1, "account_data", "rooms", string(busy))
		a.wantExtension("", "account_data", "rooms", string(quiet))
		c.sync().wantExtension("", "account_data")

		h.note(ada, quiet, "org.example.q", `{"n":2}`)
		h.note(ada, "", "org.example.y", `{}`)
		h.note(ada, "", "org.example.x", `{"n":2}`)
		a = c.sync()
		a.wantExtension(`[{"content":{"n":2},"type":"org.example.x"}]`, "account_data", "global")
		a.wantExtension("", "account_data", "rooms")
		c.window("all", 0, 1)
		a = c.sync()
		a.wantExtension(q2, "account_data", "rooms", string(quiet)) // it is new
		a.wantExtension("", "account_data", "rooms", string(busy))
		c.window("all", 0, 0)
		h.note(ada, quiet, "org.example.q", `{"n":1}`)
		c.sync().wantExtension("", "account_data")
		c.window("all", 0, 1)
		c.sync().wantExtension(q1, "account_data", "rooms", string(quiet)) // it changed unseen
		h.note(ada, quiet, "org.example.q", `{"n":2}`)
		c.sync().wantExtension(q2, "account_data", "rooms", string(quiet))
		c.q.Extensions.AccountData = nil
		h.note(ada, quiet, "org.example.q", `{"n":1}`)
		c.sync().wantExtension("", "account_data")
		c.q.Extensions.AccountData = &sliding.Scope{}
		c.sync().wantExtension(q1, "account_data", "rooms", string(quiet))
		c.sync().wantExtension("", "account_data")
	})
}

func TestReceiptsOfANewRoomAreThoseOfItsTimeline(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		h.join(eve, room)
		one, two, three := h.say(ada, room, "one"), h.say(ada, room, "two"), h.say(bob, room, "three")
		h.read(eve, room, one)
		h.read(ada, room, one)
		h.read(bob, room, two)
		c := h.client(ada)
		c.list("all", 2)
		c.q.Extensions.Receipts = &sliding.Scope{}
		who := func(a answer) (out []string) {
			a.extension("receipts", "rooms", string(room), "content").ForEach(func(ev, kinds gjson.Result) bool {
				kinds.Get(gjson.Escape("m.read")).ForEach(func(user, _ gjson.Result) bool {
					word := map[id.EventID]string{one: " one", two: " two", three: " three"}[id.EventID(ev.Str)]
					out = append(out, id.UserID(user.Str).Localpart()+word)
					return true
				})
				return true
			})
			slices.Sort(out)
			return out
		}
		want := func(a answer, words ...string) {
			t.Helper()
			if got := who(a); !slices.Equal(got, words) {
				t.Errorf("receipts of %v, want %v", got, words)
			}
		}
		want(c.sync(), "ada one", "bob two")
		c.sync().wantExtension("", "receipts")
		h.read(eve, room, three)
		want(c.sync(), "eve three")
		c.list("all", 10) // more of the timeline
		want(c.sync(), "ada one", "bob two", "eve three")
		c.sync().wantExtension("", "receipts")

		h.ignore(ada, eve)
		h.read(eve, room, h.say(ada, room, "four"))
		want(c.sync())
	})
}

func TestReceiptsOfARoomOutOfSightComeLater(t *testing.T) {
	each(t, func(h *house) {
		quiet, busy := h.public(ada, "quiet"), h.public(ada, "busy")
		h.join(bob, quiet)
		ev := h.say(ada, quiet, "one")
		h.say(ada, busy, "one")
		c := h.client(ada)
		c.q.Extensions.Receipts = &sliding.Scope{}
		c.sync()
		c.window("all", 0, 0)
		h.read(bob, quiet, ev)
		c.sync().wantExtension("", "receipts")
		c.window("all", 0, 1)
		a := c.sync()
		if !a.extension("receipts", "rooms", string(quiet), "content", string(ev)).Exists() {
			t.Errorf("there is no receipt in %s", a.Raw)
		}
	})
}

func TestTyping(t *testing.T) {
	each(t, func(h *house) {
		quiet, busy := h.public(ada, "quiet"), h.public(ada, "busy")
		h.join(bob, quiet)
		h.say(ada, busy, "hello")
		c := h.client(ada)
		c.q.Extensions.Typing, c.q.Extensions.TypingName = &sliding.Scope{}, "org.matrix.msc4508.typing"
		const on, off = `{"content":{"user_ids":["@bob:one.example"]},"type":"m.typing"}`, `{"content":{"user_ids":[]},"type":"m.typing"}`
		want := func(a answer, want string) {
			t.Helper()
			a.wantExtension(want, "org.matrix.msc4508.typing", "rooms", string(quiet))
		}
		want(c.sync(), "")
		types := func() { h.must(h.data.SetTyping(h.Context(), as(bob), quiet, long)) }
		stops := func() { h.must(h.data.SetTyping(h.Context(), as(bob), quiet, 0)) }
		types()
		want(c.sync(), on)
		want(c.sync(), "")
		stops()
		want(c.sync(), off)
		types()
		want(c.sync(), on)
		c.window("all", 0, 0) // out of sight, out of mind
		want(c.sync(), "")
		c.window("all", 0, 1)
		want(c.sync(), on)
		stops()
		types()
		want(c.sync(), on)
	})
}

func TestWhereExtensionsApply(t *testing.T) {
	each(t, func(h *house) {
		one, two, three := h.public(ada, "1"), h.public(ada, "2"), h.public(ada, "3")
		for _, room := range []id.RoomID{one, two, three} {
			h.note(ada, room, "org.example.x", `{}`)
			h.note(ada, room, "m.tag", fmt.Sprintf(`{"tags":{"u.%s":{}}}`, map[id.RoomID]string{one: "1", two: "2", three: "3"}[room]))
		}
		for _, w := range []struct {
			scope sliding.Scope
			want  []id.RoomID
		}{
			{sliding.Scope{}, []id.RoomID{one, two, three}},
			{sliding.Scope{Lists: []string{"*"}, Rooms: []string{"*"}}, []id.RoomID{one, two, three}},
			{sliding.Scope{Lists: []string{}}, []id.RoomID{three}},
			{sliding.Scope{Rooms: []string{}}, []id.RoomID{one, two}},
			{sliding.Scope{Lists: []string{"two", "no such list"}, Rooms: []string{string(one)}}, []id.RoomID{two}},
			{sliding.Scope{Lists: []string{"one"}, Rooms: []string{string(three)}}, []id.RoomID{one, three}},
			{sliding.Scope{Lists: []string{}, Rooms: []string{}}, nil},
		} {
			c := h.client(ada)
			c.q.Lists = nil
			c.list("one", 1)
			c.filter("one", sliding.Filters{Tags: []string{"u.1"}})
			c.list("two", 1)
			c.filter("two", sliding.Filters{Tags: []string{"u.2"}})
			c.subscribe(three, 1)
			c.q.Extensions.AccountData = &w.scope
			a := c.sync()
			var got []id.RoomID
			for _, room := range []id.RoomID{one, two, three} {
				if a.extension("account_data", "rooms", string(room)).Exists() {
					got = append(got, room)
				}
			}
			if !slices.Equal(got, w.want) {
				t.Errorf("%+v: data of %v, want %v", w.scope, got, w.want)
			}
		}
	})
}
