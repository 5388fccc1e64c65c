package hstest_test

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
)

// pair is ada on one server and bob on another, and the network between.
type pair struct {
	*testing.T
	net      *hstest.Network
	one, two *hstest.Server
	ada, bob *hstest.Client
	texts    int
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{T: t, net: hstest.NewNetwork()}
	settings := func(c *config.Config) {
		c.Presence.Enabled, c.Privacy.Devices = true, true
	}
	p.one = hstest.New(t, hstest.Options{ServerName: "one.example", Network: p.net, Configure: settings})
	p.two = hstest.New(t, hstest.Options{ServerName: "two.example", Network: p.net, Configure: settings})
	p.ada, p.bob = p.one.Client("ada"), p.two.Client("bob")
	return p
}

// meet is a room of ada's that bob has joined, and both know it.
func (p *pair) meet() id.RoomID {
	p.Helper()
	room := p.ada.CreateRoom(hstest.Public)
	join(p.bob, room, "one.example")
	p.bob.WaitFor(room, p.bob.Say(room, "here"))
	p.ada.Until("bob", func(hstest.JSON) bool { return p.ada.Members(room)[p.bob.User] == "join" })
	return room
}

// awaitAda waits until bob sees what ada says in an ephemeral event of a room.
func (p *pair) awaitAda(what string, room id.RoomID, typ, at string) {
	p.Helper()
	p.bob.Until(what, func(a hstest.JSON) bool {
		for _, e := range hstest.Part(a, "rooms", "join", string(room), "ephemeral", "events").Array() {
			if e.Get("type").Str == typ && hstest.Part(e.Get("content"), at).Exists() {
				return true
			}
		}
		return false
	})
}

func TestTypingAndReceiptsAcrossServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	room := p.meet()
	said := p.bob.Say(room, "hello")
	p.ada.WaitFor(room, said)
	p.ada.Typing(room)
	p.bob.Until("typing", func(a hstest.JSON) bool {
		for _, e := range hstest.Part(a, "rooms", "join", string(room), "ephemeral", "events").Array() {
			if e.Get("type").Str == "m.typing" && e.Get("content.user_ids.0").Str == string(p.ada.User) {
				return true
			}
		}
		return false
	})
	p.ada.Read(room, said)
	p.awaitAda("a receipt", room, "m.receipt", string(said))

	p.net.Cut("two.example", true)
	more := p.ada.Say(room, "are you there?")
	p.ada.Read(room, more)
	p.net.Cut("two.example", false)
	p.ada.WaitFor(room, p.bob.Say(room, "back again")) // which wakes the other server
	p.awaitAda("what was read meanwhile", room, "m.receipt", string(more))
}

func TestPresenceAcrossServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.meet()
	p.ada.Put(hstest.Path(v3, "presence", p.ada.User, "status"), hstest.More{"presence": "online", "status_msg": "at the sea"})
	p.bob.Until("presence", func(a hstest.JSON) bool {
		for _, e := range a.Get("presence.events").Array() {
			if e.Get("sender").Str == string(p.ada.User) && e.Get("content.status_msg").Str == "at the sea" && e.Get("content.presence").Str == "online" {
				return true
			}
		}
		return false
	})
}

// mail sends a message from ada's device to bob's.
func (p *pair) mail(text string) {
	p.Helper()
	p.texts++
	p.ada.Put(hstest.Path(v3, "sendToDevice", "m.test", fmt.Sprint("t", p.texts)), hstest.More{"messages": hstest.More{
		string(p.bob.User): hstest.More{string(p.bob.Device): hstest.More{"text": text, "half": 0.5, "tag": "<&>"}},
	}})
}

// wantMail waits until bob's device has got texts, in order and once each.
func (p *pair) wantMail(texts ...string) {
	p.Helper()
	var got []string
	p.bob.Until("messages", func(a hstest.JSON) bool {
		for _, e := range a.Get("to_device.events").Array() {
			if e.Get("sender").Str != string(p.ada.User) || e.Get("content.tag").Str != "<&>" || e.Get("content.half").Num != 0.5 {
				p.Errorf("message %s", e.Raw)
			}
			got = append(got, e.Get("content.text").Str)
		}
		return len(got) >= len(texts)
	})
	if fmt.Sprint(got) != fmt.Sprint(texts) {
		p.Errorf("got %q, want %q", got, texts)
	}
}

func TestMailAcrossServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.mail("one") // without a room in common
	p.wantMail("one")
	p.net.Cut("two.example", true)
	p.mail("two")
	p.mail("three")
	p.one.Restart()
	p.mail("four")
	p.net.Cut("two.example", false)
	p.two.Restart()
	p.wantMail("two", "three", "four")
}

// changed reports whether a sync says that the devices of a user changed.
func changed(a hstest.JSON, user id.UserID) bool {
	for _, u := range a.Get("device_lists.changed").Array() {
		if u.Str == string(user) {
			return true
		}
	}
	return false
}

// keys asks for the devices of a user.
func keysOf(c *hstest.Client, user id.UserID) hstest.JSON {
	a := c.Post(v3+"/keys/query", hstest.More{"device_keys": hstest.More{string(user): []string{}}})
	return hstest.Part(a, "device_keys", string(user))
}

func TestDeviceListsAcrossServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.meet()
	p.bob.Sync()
	p.ada.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(t, p.ada.User, p.ada.Device)})
	p.bob.Until("ada's keys", func(a hstest.JSON) bool { return changed(a, p.ada.User) })
	if !hstest.Part(keysOf(p.bob, p.ada.User), string(p.ada.Device)).Exists() {
		t.Errorf("ada's keys: %s", keysOf(p.bob, p.ada.User).Raw)
	}
	p.ada.Put(hstest.Path(v3, "devices", p.ada.Device), hstest.More{"display_name": "Telescope"})
	p.bob.Until("a name", func(a hstest.JSON) bool { return changed(a, p.ada.User) })
	if name := hstest.Part(keysOf(p.bob, p.ada.User), string(p.ada.Device), "unsigned", "device_display_name").Str; name != "Telescope" {
		t.Errorf("ada's device is called %q", name)
	}

	// With the other server away, a second device; and the sender restarts.
	p.net.Cut("two.example", true)
	second := p.one.SignIn(p.ada.User)
	second.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(t, p.ada.User, second.Device)})
	p.one.Restart()
	p.net.Cut("two.example", false)
	p.two.Restart()
	p.bob.Until("ada's second device", func(a hstest.JSON) bool { return changed(a, p.ada.User) })
	if !hstest.Part(keysOf(p.bob, p.ada.User), string(second.Device)).Exists() {
		t.Errorf("ada's keys: %s", keysOf(p.bob, p.ada.User).Raw)
	}
	second.Post(v3+"/logout", hstest.More{})
	p.bob.Until("a device less", func(a hstest.JSON) bool { return changed(a, p.ada.User) })
	if keys := keysOf(p.bob, p.ada.User); len(keys.Map()) != 1 {
		t.Errorf("ada's keys: %s", keys.Raw)
	}

	// What was once asked for can be answered when the other server is away.
	p.net.Cut("one.example", true)
	if keys := keysOf(p.bob, p.ada.User); len(keys.Map()) != 1 {
		t.Errorf("ada's keys, from memory: %s", keys.Raw)
	}
	a := p.bob.Post(v3+"/keys/query", hstest.More{"device_keys": hstest.More{"@nobody:one.example": []string{}}})
	if !hstest.Part(a, "failures", "one.example").Exists() {
		t.Errorf("nobody says that the other server is away: %s", a.Raw)
	}
}

func TestKeysAreClaimedAcrossServers(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.meet()
	p.ada.Post(v3+"/keys/upload", hstest.More{
		"device_keys":   deviceKeys(t, p.ada.User, p.ada.Device),
		"one_time_keys": hstest.More{"signed_curve25519:AAA": hstest.More{"key": "abc", "signatures": hstest.More{}}},
	})
	claim := hstest.More{"one_time_keys": hstest.More{string(p.ada.User): hstest.More{string(p.ada.Device): "signed_curve25519"}}}
	got := p.bob.Post(v3+"/keys/claim", claim)
	if hstest.Part(got, "one_time_keys", string(p.ada.User), string(p.ada.Device), "signed_curve25519:AAA", "key").Str != "abc" {
		t.Errorf("claimed: %s", got.Raw)
	}
	if got := p.bob.Post(v3+"/keys/claim", claim); hstest.Part(got, "one_time_keys", string(p.ada.User)).Exists() {
		t.Errorf("claimed twice: %s", got.Raw)
	}
}

func TestLeaversAreNotKnownFromMemory(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	room := p.meet()
	p.ada.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(t, p.ada.User, p.ada.Device)})
	p.bob.Until("ada's keys", func(a hstest.JSON) bool {
		return changed(a, p.ada.User) && hstest.Part(keysOf(p.bob, p.ada.User), string(p.ada.Device)).Exists()
	})
	p.bob.Leave(room)
	p.bob.Until("left", func(a hstest.JSON) bool { return a.Get("device_lists.left.0").Str == string(p.ada.User) })
	second := p.one.SignIn(p.ada.User)
	second.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(t, p.ada.User, second.Device)})
	if keys := keysOf(p.bob, p.ada.User); hstest.Part(keys, string(second.Device)).Exists() {
		t.Errorf("a server without a room in common learns of devices: %s", keys.Raw)
	}
	join(p.bob, room, "one.example")
	p.bob.Until("ada again", func(a hstest.JSON) bool { return changed(a, p.ada.User) })
	if keys := keysOf(p.bob, p.ada.User); !hstest.Part(keys, string(second.Device)).Exists() {
		t.Errorf("after the rejoin: %s", keys.Raw)
	}
}
