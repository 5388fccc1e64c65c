package appservice_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// The bridge's own user needs no account to be opened; others do, and only
// those of its namespace.
func TestWhomABridgeSpeaksFor(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		who := b.as("").Get(v3 + "/account/whoami")
		if who.Get("user_id").Str != string(bot) || who.Get("device_id").Exists() {
			t.Errorf("the bridge is %s", who)
		}
		b.as(ghost).Refused(matrix.Forbidden).Get(v3 + "/account/whoami")
		b.as(eve.User).Refused(matrix.Forbidden).Get(v3 + "/account/whoami")
		if who := b.ghost(ghost).Get(v3 + "/account/whoami"); who.Get("user_id").Str != string(ghost) {
			t.Errorf("the ghost is %s", who)
		}
		b.one.Service("secret of another", "", "").Refused(matrix.UnknownToken).Get(v3 + "/account/whoami")
		b.one.Service(hsToken, "", "").Refused(matrix.UnknownToken).Get(v3 + "/account/whoami")
	})
}

func TestNamesOfABridge(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		eve := b.one.Client("eve")
		register := func(c *hstest.Client, name string) hstest.JSON {
			t.Helper()
			return c.Post(v3+"/register", hstest.More{"type": "m.login.application_service", "username": name})
		}
		register(b.as("").Refused(matrix.Exclusive), "mallory")
		register(b.as("").Refused(matrix.MissingParam), "")
		register(b.one.Nobody().Refused(matrix.MissingToken), "irc_ada")
		register(eve.Refused(matrix.UnknownToken), "irc_ada")
		b.one.Nobody().Refused(matrix.Exclusive).Post(v3+"/register", hstest.More{
			"username": "irc_eve", "password": hstest.Password, "auth": hstest.More{"type": "m.login.dummy"},
		})
		b.one.Nobody().Refused(matrix.Exclusive).Get(v3 + "/register/available?username=irc_eve")
		b.one.Nobody().Refused(matrix.Exclusive).Get(v3 + "/register/available?username=bridge")
		got := register(b.as(ghost), "irc_ada") // it may name whom it registers already
		if got.Get("user_id").Str != string(ghost) || got.Get("access_token").Str == "" || got.Get("device_id").Str == "" {
			t.Errorf("registered: %s", got)
		}
		register(b.as("").Refused(matrix.UserInUse), "irc_ada")

		room := eve.CreateRoom(hstest.Public)
		alias := hstest.Path(v3, "directory", "room", "#irc_plenum:one.example")
		eve.Refused(matrix.Exclusive).Put(alias, hstest.More{"room_id": room})
		eve.Refused(matrix.Exclusive).Post(v3+"/createRoom", hstest.More{"room_alias_name": "irc_plenum"})
		b.ghost("@irc_bob:one.example").Join(room)
		b.as("@irc_bob:one.example").Put(alias, hstest.More{"room_id": room})
	})
}

// status returns the status of the answer to {}.
func status(c *hstest.Client, method, path string) int {
	resp := c.Send(method, path, strings.NewReader(`{}`), nil)
	defer resp.Body.Close()
	return resp.StatusCode
}

// A bridge makes devices without signing in, and takes them away without
// anybody's password.
func TestDevicesOfABridge(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		g := b.ghost(ghost)
		device := hstest.Path(v3, "devices", "BRIDGE")
		for what, want := range []int{http.StatusCreated, http.StatusOK} {
			if got := status(g, http.MethodPut, device); got != want {
				t.Errorf("time %d: status %d, want %d", what+1, got, want)
			}
		}
		g.Put(device, hstest.More{"display_name": "of the bridge"})
		if name := g.Get(device).Get("display_name").Str; name != "of the bridge" {
			t.Errorf("the device is called %q", name)
		}
		on := b.one.Service(asToken, ghost, "BRIDGE")
		if who := on.Get(v3 + "/account/whoami"); who.Get("device_id").Str != "BRIDGE" {
			t.Errorf("it is on %s", who)
		}
		old := b.one.Service(asToken, "", "")
		if who := old.Get(v3 + "/account/whoami?org.matrix.msc3202.device_id=BRIDGE&user_id=" + string(ghost)); who.Get("device_id").Str != "BRIDGE" {
			t.Errorf("by the older name it is on %s", who)
		}
		b.one.Service(asToken, ghost, "OTHER").Refused(matrix.UnknownDevice).Get(v3 + "/account/whoami")
		on.Post(v3+"/keys/upload", hstest.More{"one_time_keys": hstest.More{}})
		g.Delete(device, hstest.More{})
		on.Refused(matrix.UnknownDevice).Get(v3 + "/account/whoami")

		in := g.Post(v3+"/login", hstest.More{
			"type": "m.login.application_service", "identifier": hstest.More{"type": "m.id.user", "user": ghost}, "device_id": "PHONE",
		})
		if in.Get("device_id").Str != "PHONE" || in.Get("access_token").Str == "" {
			t.Errorf("signed in: %s", in)
		}
		ordinary := b.one.Nobody()
		ordinary.Token = in.Get("access_token").Str
		ordinary.Get(v3 + "/account/whoami")
		b.as("").Refused(matrix.Exclusive).Post(v3+"/login", hstest.More{
			"type": "m.login.application_service", "identifier": hstest.More{"type": "m.id.user", "user": "eve"},
		})
	})
}

// What a bridge says happened when it happened elsewhere.
func TestTimesOfABridge(t *testing.T) {
	t.Parallel()
	each(t, "", func(t *testing.T, b *bridge) {
		g := b.ghost(ghost)
		room := g.CreateRoom(hstest.Public)
		said := id.EventID(g.Put(hstest.Path(v3, "rooms", room, "send", "m.room.message", "1")+"?ts=1234567", hstest.More{"body": "x"}).Get("event_id").Str)
		topic := id.EventID(g.Put(hstest.Path(v3, "rooms", room, "state", "m.room.topic", "")+"?ts=7654321", hstest.More{"topic": "x"}).Get("event_id").Str)
		for ev, want := range map[id.EventID]int64{said: 1234567, topic: 7654321} {
			if ts := g.Get(hstest.Path(v3, "rooms", room, "event", ev)).Get("origin_server_ts").Int(); ts != want {
				t.Errorf("an event is from %d, want %d", ts, want)
			}
		}
		eve := b.one.Client("eve")
		eve.Join(room)
		now := id.EventID(eve.Put(hstest.Path(v3, "rooms", room, "send", "m.room.message", "1")+"?ts=1234567", hstest.More{"body": "x"}).Get("event_id").Str)
		if ts := eve.Get(hstest.Path(v3, "rooms", room, "event", now)).Get("origin_server_ts").Int(); ts == 1234567 {
			t.Error("people cannot say when they said something")
		}
	})
}

// A bridge that the registration lets do so registers as many as it likes.
func TestNoLimitsForABridge(t *testing.T) {
	t.Parallel()
	b := newBridge(t)
	file := b.registration("")
	b.one = hstest.New(t, hstest.Options{Configure: limited(file)})
	for n := range 20 {
		b.ghost(id.UserID(fmt.Sprintf("@irc_%d:one.example", n))).Get(v3 + "/account/whoami")
	}
	nobody := b.one.Nobody()
	for range 2 {
		nobody.Challenged().Post(v3+"/register", hstest.More{"username": "eve", "password": hstest.Password})
	}
	nobody.Refused(matrix.LimitExceeded).Post(v3+"/register", hstest.More{"username": "eve", "password": hstest.Password})
}
