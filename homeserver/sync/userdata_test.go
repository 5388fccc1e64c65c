package sync_test

import (
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/rooms"
)

// data returns account data in an answer or an entry by its type.
func data(r gjson.Result, typ string) gjson.Result {
	return r.Get(`account_data.events.#(type=="` + typ + `").content`)
}

func TestAccountData(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		put := func(room id.RoomID, typ, content string) {
			t.Helper()
			h.must(h.data.SetAccountData(h.Context(), ada, room, typ, []byte(content)))
		}
		put("", "org.example.colour", `{"is":"red"}`)
		put(room, "org.example.note", `{"is":"old"}`)
		c := h.client(ada, "")
		a := c.sync()
		if got := data(a.Result, "org.example.colour").Get("is").Str; got != "red" {
			t.Errorf("the colour is %q", got)
		}
		if got := data(a.joined(room).Result, "org.example.note").Get("is").Str; got != "old" {
			t.Errorf("the note is %q", got)
		}
		c.sync().wantNothing()
		put(room, "org.example.note", `{"is":"new"}`)
		a = c.sync()
		if got := data(a.joined(room).Result, "org.example.note").Get("is").Str; got != "new" {
			t.Errorf("the note is %q", got)
		}
		if a.Get("account_data").Exists() || a.joined(room).Get("timeline").Exists() {
			t.Errorf("more than the note is told: %s", a.Raw)
		}
		put("", "org.example.colour", `{"is":"blue"}`)
		a = c.sync()
		if got := data(a.Result, "org.example.colour").Get("is").Str; got != "blue" {
			t.Errorf("the colour is %q", got)
		}
		a.wantNoRooms()
		c.sync().wantNothing()
	})
}

func TestDefaultsOfAccountDataComeOnce(t *testing.T) {
	each(t, func(h *house) {
		c := h.client(ada, "") // on a server where nothing ever happened
		if rules := data(c.sync().Result, "m.push_rules"); !rules.Get("global.underride").Exists() {
			t.Errorf("the rules are %s", rules.Raw)
		}
		c.sync().wantNothing()
		room := h.public(bob)
		h.join(ada, room)
		a := c.sync()
		a.joined(room).wantEntry(true)
		if data(a.Result, "m.push_rules").Exists() {
			t.Error("the rules are told again")
		}
	})
}

func TestAccountDataOfARoomComesWithTheRoom(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.must(h.data.SetAccountData(h.Context(), bob, room, "org.example.note", []byte(`{"is":"mine"}`)))
		c := h.synced(bob, "")
		h.join(bob, room)
		if got := data(c.sync().joined(room).Result, "org.example.note").Get("is").Str; got != "mine" {
			t.Errorf("the note is %q", got)
		}
	})
}

func TestFiltersOfAccountData(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		c := h.synced(ada, `{"account_data":{"not_types":["org.example.*"]},"room":{"account_data":{"types":[]},"ephemeral":{"types":[]},"timeline":{"not_types":["m.room.message"]}},"presence":{"types":[]}}`)
		h.must(h.data.SetAccountData(h.Context(), ada, "", "org.example.colour", []byte(`{"is":"red"}`)))
		h.must(h.data.SetAccountData(h.Context(), ada, room, "org.example.note", []byte(`{"is":"old"}`)))
		h.must(h.data.SetTyping(h.Context(), as(ada), room, time.Minute))
		h.say(ada, room, "hello")
		c.sync().wantNothing()
	})
}

func TestOnlyWantedRooms(t *testing.T) {
	each(t, func(h *house) {
		room, other := h.public(ada), h.public(ada)
		c := h.client(ada, `{"room":{"not_rooms":["`+string(other)+`"]}}`)
		a := c.sync()
		a.joined(room).wantEntry(true)
		a.joined(other).wantEntry(false)
		h.say(ada, other, "hello")
		c.sync().wantNothing()
	})
}

func TestFiltersByID(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		name := must(h.data.AddFilter(h.Context(), ada, []byte(`{"room":{"timeline":{"limit":1}}}`)))(h)
		h.say(ada, room, "hello")
		h.client(ada, name).sync().joined(room).want("timeline", "hello")
		for _, missing := range []string{"999", "x", `{"room":1}`} {
			c := h.client(ada, missing)
			if _, err := c.ask(h.Context(), 0); err == nil {
				t.Errorf("filter %s is taken", missing)
			}
		}
	})
}

func TestEventsInOtherForms(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.say(ada, room, "hello")
		e := h.client(ada, `{"event_fields":["content.body"],"room":{"timeline":{"limit":1}}}`).sync().joined(room)
		if raw := e.Get("timeline.events").Raw; raw != `[{"content":{"body":"hello"}}]` {
			t.Errorf("told %s", raw)
		}
		e = h.client(ada, `{"event_format":"federation","room":{"timeline":{"limit":1}}}`).sync().joined(room)
		if ev := e.Get("timeline.events.0"); !ev.Get("hashes").Exists() || !ev.Get("auth_events").Exists() {
			t.Errorf("told %s", ev.Raw)
		}
	})
}

// receipts returns the receipts of an entry as "event kind user thread".
func receipts(e entry) map[string]bool {
	out := map[string]bool{}
	for _, ev := range e.Get("ephemeral.events").Array() {
		if ev.Get("type").Str != "m.receipt" {
			continue
		}
		ev.Get("content").ForEach(func(event, kinds gjson.Result) bool {
			kinds.ForEach(func(kind, users gjson.Result) bool {
				users.ForEach(func(user, r gjson.Result) bool {
					out[event.Str+" "+kind.Str+" "+user.Str+" "+r.Get("thread_id").Str] = r.Get("ts").Int() > 0
					return true
				})
				return true
			})
			return true
		})
	}
	return out
}

func TestReceipts(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		said := h.say(ada, room, "hello")
		root := string(said)
		reply := h.send(bob, room, "m.room.message", map[string]any{"body": "reply", "m.relates_to": map[string]any{"rel_type": "m.thread", "event_id": root}})
		adas, bobs := h.synced(ada, ""), h.synced(bob, "")
		read := func(user id.UserID, kind string, ev, thread id.EventID) {
			t.Helper()
			h.must(h.data.SetReceipt(h.Context(), as(user), room, kind, ev, thread))
		}
		want := func(c *client, list ...string) {
			t.Helper()
			got := receipts(c.sync().joined(room))
			if len(got) != len(list) {
				t.Errorf("receipts are %v, want %v", got, list)
			}
			for _, r := range list {
				if !got[r] {
					t.Errorf("receipts are %v, want %s", got, r)
				}
			}
		}
		read(bob, userdata.Read, said, "")
		public := root + " m.read @bob:one.example "
		want(adas, public)
		want(bobs, public)
		adas.sync().wantNothing()

		read(bob, userdata.Read, said, "main") // as well: the same event, known to threads
		read(bob, userdata.Read, reply, said)
		threads := []string{root + " m.read @bob:one.example main", string(reply) + " m.read @bob:one.example " + root}
		want(adas, threads...)

		read(bob, userdata.ReadPrivate, reply, "")
		adas.sync().wantNothing()
		private := string(reply) + " m.read.private @bob:one.example "
		want(bobs, append([]string{private}, threads...)...)

		// At the same message, the receipt that knows no threads stands for both.
		want(h.client(ada, ""), public, threads[1])
		c := h.synced(eve, "")
		h.join(eve, room)
		want(c, public, threads[1])
	})
}

func TestUnreadCounts(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		whole, threads := h.synced(ada, ""), h.synced(ada, `{"room":{"timeline":{"unread_thread_notifications":true}}}`)
		root := h.say(bob, room, "one")
		h.send(bob, room, "m.room.message", map[string]any{
			"msgtype": "m.text", "body": "reply", "m.mentions": map[string]any{"user_ids": []string{string(ada)}},
			"m.relates_to": map[string]any{"rel_type": "m.thread", "event_id": string(root)},
		})
		want := func(e entry, path string, notifications, highlights int64) {
			t.Helper()
			c := e.Get(path)
			if c.Get("notification_count").Int() != notifications || c.Get("highlight_count").Int() != highlights {
				t.Errorf("%s is %s, want %d and %d", path, c.Raw, notifications, highlights)
			}
		}
		want(whole.sync().joined(room), "unread_notifications", 2, 1)
		e := threads.sync().joined(room)
		want(e, "unread_notifications", 1, 0)
		want(e, "unread_thread_notifications."+gjson.Escape(string(root)), 1, 1)

		// Reading is news to the reader even if nothing else is.
		for _, kind := range []string{userdata.ReadPrivate, userdata.Read} {
			said := h.say(bob, room, "more")
			quiet := h.synced(ada, `{"room":{"ephemeral":{"types":[]}}}`)
			h.must(h.data.SetReceipt(h.Context(), as(ada), room, kind, said, ""))
			e = quiet.sync().joined(room)
			e.wantEntry(true)
			want(e, "unread_notifications", 0, 0)
		}
	})
}

func TestTyping(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(ada, "")
		want := func(c *client, users string) {
			t.Helper()
			a := c.sync()
			if got := a.joined(room).Get(`ephemeral.events.#(type=="m.typing").content.user_ids`).Raw; got != users {
				t.Errorf("typing are %s, want %s", got, users)
			}
			if a.joined(room).Get("timeline").Exists() && users != "" && c.since != "" && c.query.Filter == "" {
				t.Errorf("there is a timeline: %s", a.Raw)
			}
		}
		h.must(h.data.SetTyping(h.Context(), as(bob), room, time.Minute))
		want(c, `["@bob:one.example"]`)
		c.sync().wantNothing()
		h.must(h.data.SetTyping(h.Context(), as(bob), room, 0))
		want(c, `[]`)
		c.sync().wantNothing()
		want(h.client(ada, "{}"), ``) // nobody is typing
		h.must(h.data.SetTyping(h.Context(), as(bob), room, time.Minute))
		want(h.client(ada, "{}"), `["@bob:one.example"]`)
	})
}

func TestIgnoredUsers(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		h.ignore(ada, bob)
		c := h.synced(ada, "")
		h.must(h.data.SetTyping(h.Context(), as(bob), room, time.Minute))
		if got := c.sync().joined(room).Get(`ephemeral.events.#(type=="m.typing").content.user_ids`).Raw; got != "[]" {
			t.Errorf("typing are %s", got)
		}
		h.must(h.data.SetTyping(h.Context(), as(bob), room, 0))
		c.sync()
		said := h.say(bob, room, "boo")
		h.say(ada, room, "peace")
		h.set(bob, room, "m.room.member", string(bob), map[string]any{"membership": "join", "displayname": "Bobby"})
		h.must(h.data.SetReceipt(h.Context(), as(bob), room, userdata.Read, said, ""))
		invited := h.create(bob, rooms.CreateRequest{Invite: []id.UserID{ada}})
		a := c.sync()
		a.joined(room).want("timeline", "peace", "bob join") // state of theirs is shown
		if len(receipts(a.joined(room))) > 0 {
			t.Errorf("receipts of somebody ignored: %s", a.Raw)
		}
		a.invited(invited).wantEntry(false)
		c.sync().wantNothing()
		h.client(ada, "").sync().invited(invited).wantEntry(false)
	})
}

func TestPresence(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(ada, "")
		want := func(a answer, users ...string) {
			t.Helper()
			got := map[string]string{}
			for _, ev := range a.Get("presence.events").Array() {
				got[ev.Get("sender").Str] = ev.Get("content.presence").Str
			}
			if len(got) != len(users) {
				t.Errorf("presence is told of %v, want %v", got, users)
			}
			for _, u := range users {
				if got[u] != "online" {
					t.Errorf("%s is %q", u, got[u])
				}
			}
		}
		h.must(h.data.SetPresence(as(eve), userdata.Online, nil))
		c.sync().wantNothing() // they have no room in common
		h.must(h.data.SetPresence(as(bob), userdata.Online, nil))
		want(c.sync(), string(bob))
		c.sync().wantNothing()
		online := h.client(ada, "")
		online.query.SetPresence = ""
		want(online.sync(), string(bob), string(ada))
		online.query.SetPresence = "asleep"
		if _, err := online.ask(h.Context(), 0); err == nil {
			t.Error("a presence that does not exist is taken")
		}
	})
}

func TestRelationsInFilters(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		root := h.say(ada, room, "root")
		h.say(ada, room, "lonely")
		h.send(bob, room, "m.room.message", map[string]any{"body": "reply", "m.relates_to": map[string]any{"rel_type": "m.thread", "event_id": string(root)}})
		for _, filter := range []string{
			`{"room":{"timeline":{"related_by_rel_types":["m.thread"]}}}`,
			`{"room":{"timeline":{"io.element.relation_senders":["@bob:one.example"]}}}`,
		} {
			h.client(ada, filter).sync().joined(room).want("timeline", "root")
		}
	})
}
