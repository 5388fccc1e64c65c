package appservice_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
)

// limited are the settings of a server on which nobody does much at once.
func limited(registration string) func(*config.Config) {
	return func(c *config.Config) {
		few := config.Rate{PerSecond: 0.0001, Burst: 2}
		c.RateLimits = config.RateLimits{Default: few, Login: few, Register: few, Message: few, Join: few, Invite: few}
		c.Bridges.Registrations = []string{registration}
	}
}

// A bridge hears what happens where it has users, and nothing else.
func TestABridgeHearsWhatConcernsIt(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		g := b.ghost(ghost)
		elsewhere := eve.CreateRoom(hstest.Public)
		eve.Say(elsewhere, "nobody hears")
		room := eve.CreateRoom(hstest.Private)
		before := eve.Say(room, "before it came")
		eve.Invite(room, g)
		g.Join(room)
		var said []id.EventID
		for n := range 5 {
			said = append(said, eve.Say(room, fmt.Sprint(n)), g.Say(room, fmt.Sprint("ghost ", n)))
		}
		g.Leave(room)
		after := eve.Say(room, "after it left")
		eve.Say(elsewhere, "nobody hears")
		end := b.ghost("@irc_end:one.example").CreateRoom(hstest.Public)
		last := b.as("@irc_end:one.example").Say(end, "the end")

		var heard []id.EventID
		for _, e := range b.waitFor(last) {
			ev := id.EventID(e.Get("event_id").Str)
			switch {
			case e.Get("room_id").Str == string(elsewhere), ev == before, ev == after:
				t.Errorf("heard %s", e)
			case e.Get("type").Str == "m.room.message" && e.Get("room_id").Str == string(room):
				heard = append(heard, ev)
			case e.Get("type").Str == "m.room.member" && e.Get("sender").Str == string(eve.User) && e.Get("state_key").Str == string(eve.User):
				t.Errorf("heard of a member that was there before: %s", e)
			}
		}
		if !slices.Equal(heard, said) {
			t.Errorf("heard %v, want %v", heard, said)
		}
	})
}

// While the bridge is away nothing is lost; what was on its way comes again as
// it was, also when the server was stopped meanwhile.
func TestABridgeThatWasAway(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		g := b.ghost(ghost)
		room := g.CreateRoom(hstest.Public)
		eve.Join(room)
		b.waitFor(eve.Say(room, "hello"))
		b.setAway(true)
		var said []id.EventID
		say := func(n int) {
			for range n {
				said = append(said, eve.Say(room, "x"))
			}
		}
		say(1)
		b.until("a transaction that is refused", func(all []heard) bool { return all[len(all)-1].refused })
		say(150)
		b.one.Restart()
		say(150)
		g.Leave(room) // what was said before concerns it all the same
		b.setAway(false)
		b.as("").Get(v3 + "/account/whoami") // a sign of life
		b.waitFor(said[len(said)-1])

		b.mu.Lock()
		defer b.mu.Unlock()
		var heard []id.EventID
		for _, e := range events(b.heard, "events") {
			if e.Get("type").Str == "m.room.message" && e.Get("sender").Str == string(eve.User) {
				heard = append(heard, id.EventID(e.Get("event_id").Str))
			}
		}
		if !slices.Equal(heard[1:], said) {
			t.Errorf("heard %d of %d messages, or in another order", len(heard)-1, len(said))
		}
		bodies := map[string]string{}
		for _, h := range b.heard {
			if was, known := bodies[h.id]; known && was != h.body.Raw {
				t.Errorf("transaction %s was another before", h.id)
			}
			bodies[h.id] = h.body.Raw
			if n := len(h.body.Get("events").Array()); n > 100 {
				t.Errorf("a transaction of %d events", n)
			}
		}
	})
}

// A new bridge is not told what happened before it.
func TestANewBridgeBeginsNow(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		g := b.ghost(ghost)
		room := g.CreateRoom(hstest.Public)
		b.waitFor(g.Say(room, "one"))
		b.one.Restart()
		last := g.Say(room, "two")
		b.waitFor(last)
		var texts []string
		b.until("both", func(all []heard) bool {
			texts = nil
			for _, e := range events(all, "events") {
				if text := e.Get("content.body").Str; text != "" {
					texts = append(texts, text)
				}
			}
			return true
		})
		if !slices.Equal(texts, []string{"one", "two"}) {
			t.Errorf("heard %q: each once", texts)
		}
	})
}

// Typing, receipts and presence are told to bridges that ask for them.
func TestWhatDoesNotLast(t *testing.T) {
	t.Parallel()
	each(t, "receive_ephemeral: true", func(t *testing.T, b *bridge) {
		eve, bob := b.one.Client("eve"), b.one.Client("bob")
		g := b.ghost(ghost)
		room, elsewhere := g.CreateRoom(hstest.Public), bob.CreateRoom(hstest.Public)
		eve.Join(room)
		eve.Join(elsewhere)
		said := g.Say(room, "read this")
		hidden := bob.Say(elsewhere, "not for bridges")
		eve.Post(hstest.Path(v3, "rooms", elsewhere, "receipt", "m.read", hidden), hstest.More{})
		eve.Put(hstest.Path(v3, "rooms", elsewhere, "typing", eve.User), hstest.More{"typing": true, "timeout": 30000})
		eve.Post(hstest.Path(v3, "rooms", room, "receipt", "m.read.private", said), hstest.More{})
		eve.Put(hstest.Path(v3, "rooms", room, "typing", eve.User), hstest.More{"typing": true, "timeout": 30000})
		eve.Put(hstest.Path(v3, "presence", eve.User, "status"), hstest.More{"presence": "unavailable"})
		eve.Post(hstest.Path(v3, "rooms", room, "receipt", "m.read", said), hstest.More{})
		for _, list := range []string{"ephemeral", `de\.sorunome\.msc2409\.ephemeral`} {
			var typing, read, there bool
			b.until("typing, a receipt and presence", func(all []heard) bool {
				for _, e := range events(all, list) {
					if e.Get("room_id").Str == string(elsewhere) {
						t.Fatalf("heard %s", e)
					}
					receipt := hstest.Part(e, "content", string(said))
					if receipt.Get(`m\.read\.private`).Exists() {
						t.Errorf("heard of a private receipt: %s", e)
					}
					typing = typing || e.Get("type").Str == "m.typing" && e.Get("content.user_ids.0").Str == string(eve.User)
					read = read || e.Get("type").Str == "m.receipt" && hstest.Part(receipt, "m.read", string(eve.User), "ts").Exists()
					there = there || e.Get("type").Str == "m.presence" && e.Get("sender").Str == string(eve.User) && e.Get("content.presence").Str == "unavailable"
				}
				return typing && read && there
			})
		}
	})
}

// Others do not hear of it.
func TestWhatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		g := b.ghost(ghost)
		room := g.CreateRoom(hstest.Public)
		g.Put(hstest.Path(v3, "rooms", room, "typing", ghost), hstest.More{"typing": true, "timeout": 30000})
		b.waitFor(g.Say(room, "x"))
		b.until("", func(all []heard) bool {
			for _, h := range all {
				if h.body.Get("ephemeral").Exists() || h.body.Get("to_device").Exists() {
					t.Errorf("heard %s without having asked for it", h.body)
				}
			}
			return true
		})
	})
}

// A bridge that encrypts hears in transactions what sync tells a device.
func TestDevicesInTransactions(t *testing.T) {
	t.Parallel()
	each(t, "receive_ephemeral: true\norg.matrix.msc3202: true", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		g := b.ghost(ghost)
		g.Put(hstest.Path(v3, "devices", "BRIDGE"), hstest.More{"display_name": "bridge"})
		room := g.CreateRoom(hstest.Public, hstest.More{"initial_state": []hstest.More{{
			"type": "m.room.encryption", "state_key": "", "content": hstest.More{"algorithm": "m.megolm.v1.aes-sha2"},
		}}})
		eve.Join(room)
		eve.Put(hstest.Path(v3, "sendToDevice", "m.test", "1"), hstest.More{"messages": hstest.More{string(ghost): hstest.More{"BRIDGE": hstest.More{"n": 1}}}})
		var mail, eveCame bool
		b.until("a message to the device", func(all []heard) bool {
			for _, h := range all {
				for _, name := range []string{"device_lists", `org\.matrix\.msc3202\.device_lists`} {
					eveCame = eveCame || slices.ContainsFunc(h.body.Get(name+".changed").Array(), func(u gjson.Result) bool { return u.Str == string(eve.User) })
				}
				for _, m := range h.body.Get("to_device").Array() {
					mail = true
					if m.Get("to_user_id").Str != string(ghost) || m.Get("to_device_id").Str != "BRIDGE" || m.Get("sender").Str != string(eve.User) || m.Get("content.n").Int() != 1 {
						t.Errorf("mail: %s", m)
					}
					if left := hstest.Part(h.body, "device_one_time_keys_count", string(ghost), "BRIDGE", "signed_curve25519"); left.Raw != "0" {
						t.Errorf("keys left: %s in %s", left.Raw, h.body)
					}
					if !hstest.Part(h.body, "org.matrix.msc3202.device_unused_fallback_key_types", string(ghost), "BRIDGE").IsArray() {
						t.Errorf("no fallback keys in %s", h.body)
					}
				}
			}
			return mail && eveCame
		})
		// It has arrived, so the device does not get it again.
		b.waitFor(g.Say(room, "later"))
		on := b.one.Service(asToken, ghost, "BRIDGE")
		if got := on.Sync().Get("to_device.events"); len(got.Array()) > 0 {
			t.Errorf("again: %s", got)
		}
	})
}
