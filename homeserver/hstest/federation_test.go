package hstest_test

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// versions are the room versions that conversations between servers are tried
// in: with ids of hashes, of before and after redactions moved, and the newest.
var versions = []string{"6", "10", "11", "12"}

// eachVersion runs fn as a parallel subtest per room version, with people on
// two servers.
func eachVersion(t *testing.T, fn func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, v := range versions {
		t.Run("version "+v, func(t *testing.T) {
			t.Parallel()
			fn(newWorld(t, v))
		})
	}
}

// world is ada on one server, and bob and eve on another.
type world struct {
	*testing.T
	version       string
	one, two      *hstest.Server
	ada, bob, eve *hstest.Client
}

func newWorld(t *testing.T, version string) *world {
	t.Helper()
	servers := hstest.Federation(t, "one.example", "two.example")
	one, two := servers[0], servers[1]
	return &world{T: t, version: version, one: one, two: two, ada: one.Client("ada"), bob: two.Client("bob"), eve: two.Client("eve")}
}

// room is a room of ada's.
func (w *world) room(preset string, more ...hstest.More) id.RoomID {
	w.Helper()
	return w.ada.CreateRoom(preset, append(more, hstest.More{"room_version": w.version})...)
}

// join lets somebody of the other server join by way of ada's.
func join(c *hstest.Client, room id.RoomID, via string) {
	c.Post(hstest.Path(v3, "join", room)+"?via="+via, hstest.More{})
}

// meet is a public room with ada and bob.
func (w *world) meet(more ...hstest.More) id.RoomID {
	w.Helper()
	room := w.room(hstest.Public, more...)
	join(w.bob, room, "one.example")
	w.ada.Until("bob has joined", func(a hstest.JSON) bool { return w.ada.Members(room)[w.bob.User] == "join" })
	return room
}

func (w *world) same(what string, got, want any) {
	w.Helper()
	if got != want {
		w.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestConversationAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.room(hstest.Public, hstest.More{"room_alias_name": "tea", "name": "Tea"})
		before := w.ada.Say(room, "is somebody there?")
		w.bob.Join("#tea:one.example")
		w.same("name", w.bob.State(room, "m.room.name", "").Get("name").Str, "Tea")
		hello := w.ada.Say(room, "hello")
		w.bob.WaitFor(room, hello)
		answer := w.bob.Say(room, "hello ada")
		w.ada.WaitFor(room, answer)
		w.same("members here", w.ada.Members(room)[w.bob.User], "join")
		w.same("members there", w.bob.Members(room)[w.ada.User], "join")
		found := false
		for _, ev := range w.bob.Messages(room) {
			found = found || ev.Get("event_id").Str == string(before)
		}
		w.same("history from before the join", found, true)
	})
}

func TestInviteAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.room(hstest.Private, hstest.More{"name": "Secret"})
		w.ada.Invite(room, w.bob)
		invite := w.bob.WaitForInvite(room)
		named := false
		for _, ev := range invite.Array() {
			named = named || ev.Get("content.name").Str == "Secret"
		}
		w.same("the invitation names the room", named, true)
		w.eve.Refused(matrix.Forbidden).Post(hstest.Path(v3, "join", room)+"?via=one.example", hstest.More{})
		w.bob.Join(room)
		w.ada.WaitFor(room, w.bob.Say(room, "thanks"))

		w.ada.Invite(room, w.eve)
		w.eve.WaitForInvite(room)
		w.eve.Leave(room)
		w.ada.Until("eve has declined", func(hstest.JSON) bool { return w.ada.Members(room)[w.eve.User] == "leave" })
	})
}

func TestLeaveKickAndBanAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.meet()
		w.bob.Leave(room)
		w.ada.Until("bob has left", func(hstest.JSON) bool { return w.ada.Members(room)[w.bob.User] == "leave" })
		join(w.bob, room, "one.example")
		w.ada.Until("bob is back", func(hstest.JSON) bool { return w.ada.Members(room)[w.bob.User] == "join" })
		w.ada.Kick(room, w.bob)
		w.bob.Until("bob is out", func(a hstest.JSON) bool { return hstest.Part(a, "rooms", "leave", string(room)).Exists() })
		join(w.bob, room, "one.example")
		w.ada.Ban(room, w.bob)
		w.bob.Until("bob is banned", func(a hstest.JSON) bool { return hstest.Part(a, "rooms", "leave", string(room)).Exists() })
		w.bob.Refused(matrix.Forbidden).Post(hstest.Path(v3, "join", room)+"?via=one.example", hstest.More{})
		w.ada.Unban(room, w.bob)
		join(w.bob, room, "one.example")
		w.ada.WaitFor(room, w.bob.Say(room, "here again"))
	})
}

func TestRedactionAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.meet()
		said := w.ada.Say(room, "oops")
		w.bob.WaitFor(room, said)
		w.ada.Redact(room, said)
		w.bob.Until("it is redacted", func(hstest.JSON) bool { return !w.bob.Event(room, said).Get("content.body").Exists() })
		theirs := w.bob.Say(room, "oops too")
		w.ada.WaitFor(room, theirs)
		w.ada.Redact(room, theirs) // she is an administrator of the room
		w.bob.Until("it is redacted", func(hstest.JSON) bool { return !w.bob.Event(room, theirs).Get("content.body").Exists() })
	})
}

func TestKnockAcrossServers(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"7", "10", "12"} {
		t.Run("version "+v, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v)
			room := w.room(hstest.Private, hstest.More{"name": "Door"})
			w.ada.SetState(room, "m.room.join_rules", "", hstest.More{"join_rule": "knock"})
			w.bob.Post(hstest.Path(v3, "knock", room)+"?via=one.example", hstest.More{"reason": "let me in"})
			w.ada.Until("bob knocks", func(hstest.JSON) bool { return w.ada.Members(room)[w.bob.User] == "knock" })
			w.bob.Until("bob sees it", func(a hstest.JSON) bool { return hstest.Part(a, "rooms", "knock", string(room)).Exists() })
			w.ada.Invite(room, w.bob)
			w.bob.WaitForInvite(room)
			w.bob.Join(room)
			w.ada.WaitFor(room, w.bob.Say(room, "thanks"))

			w.eve.Post(hstest.Path(v3, "knock", room)+"?via=one.example", hstest.More{})
			w.eve.Leave(room)
			w.ada.Until("eve has gone", func(hstest.JSON) bool { return w.ada.Members(room)[w.eve.User] == "leave" })
		})
	}
}

func TestRestrictedRoomAcrossServers(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"8", "10", "11", "12"} {
		t.Run("version "+v, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v)
			space := w.room(hstest.Public)
			room := w.room(hstest.Private)
			w.ada.SetState(room, "m.room.join_rules", "", hstest.More{
				"join_rule": "restricted", "allow": []hstest.More{{"type": "m.room_membership", "room_id": space}},
			})
			path := hstest.Path(v3, "join", room) + "?via=one.example"
			w.bob.Refused(matrix.Forbidden).Post(path, hstest.More{})
			join(w.bob, space, "one.example")
			w.ada.Until("bob is in the space", func(hstest.JSON) bool { return w.ada.Members(space)[w.bob.User] == "join" })
			w.bob.Post(path, hstest.More{})
			w.same("who let bob in", w.bob.State(room, "m.room.member", string(w.bob.User)).Get("join_authorised_via_users_server").Str, string(w.ada.User))
			w.ada.WaitFor(room, w.bob.Say(room, "here"))
		})
	}
}

func TestUpgradeAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.meet()
		next := id.RoomID(w.ada.Post(hstest.Path(v3, "rooms", room, "upgrade"), hstest.More{"new_version": "12"}).Get("replacement_room").Str)
		w.bob.Until("the room is replaced", func(hstest.JSON) bool {
			tombstone := w.bob.Get(hstest.Path(v3, "rooms", room, "state")).Get(`#(type=="m.room.tombstone").content.replacement_room`)
			return tombstone.Str == string(next)
		})
		join(w.bob, next, "one.example")
		w.ada.WaitFor(next, w.bob.Say(next, "moved"))
	})
}

func TestBackfillAcrossServers(t *testing.T) {
	eachVersion(t, func(w *world) {
		room := w.room(hstest.Public)
		var said []string
		for _, text := range []string{"one", "two", "three", "four", "five"} {
			for range 30 {
				w.ada.Say(room, text)
				said = append(said, text)
			}
		}
		join(w.bob, room, "one.example")
		got := w.bob.Said(room)
		w.same("messages", len(got), len(said))
		for i := range min(len(got), len(said)) {
			if got[i] != said[i] {
				w.Fatalf("message %d: %q, want %q", i, got[i], said[i])
			}
		}
	})
}

func TestAttentionAcrossServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "12")
	room := w.meet()
	w.ada.Typing(room)
	w.bob.Until("ada types", func(a hstest.JSON) bool {
		return hstest.Part(a, "rooms", "join", string(room)).Get(`ephemeral.events.#(type=="m.typing").content.user_ids.0`).Str == string(w.ada.User)
	})
	said := w.ada.Say(room, "read this")
	w.bob.WaitFor(room, said)
	w.bob.Read(room, said)
	w.ada.Until("bob has read", func(a hstest.JSON) bool {
		receipts := hstest.Part(a, "rooms", "join", string(room)).Get(`ephemeral.events.#(type=="m.receipt").content`)
		return hstest.Part(receipts, string(said), "m.read", string(w.bob.User)).Exists()
	})
}

func TestMessagesBetweenDevicesAcrossServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "12")
	w.meet()
	w.ada.Put(hstest.Path(v3, "sendToDevice", "m.test", "t1"), hstest.More{
		"messages": hstest.More{string(w.bob.User): hstest.More{string(w.bob.Device): hstest.More{"body": "psst"}}},
	})
	w.bob.Until("it has come", func(a hstest.JSON) bool {
		return a.Get(`to_device.events.#(type=="m.test").content.body`).Str == "psst"
	})
}

func TestSpaceAcrossServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "12")
	open := w.room(hstest.Public, hstest.More{"name": "Open"})
	closed := w.room(hstest.Private, hstest.More{"name": "Closed"})
	inner := w.room(hstest.Public, hstest.More{"name": "Inner", "creation_content": hstest.More{"type": "m.space"}})
	outer := w.bob.CreateRoom(hstest.Public, hstest.More{"creation_content": hstest.More{"type": "m.space"}})
	child := hstest.More{"via": []string{"one.example"}}
	w.ada.SetState(inner, "m.space.child", string(open), child)
	w.ada.SetState(inner, "m.space.child", string(closed), child)
	w.bob.SetState(outer, "m.space.child", string(inner), child)
	rooms := w.bob.Get("/_matrix/client/v1" + hstest.Path("/rooms", outer, "hierarchy")).Get("rooms")
	w.same("rooms", rooms.Get("#").Int(), int64(3))
	w.same("the space elsewhere", rooms.Get("1.name").Str, "Inner")
	w.same("its children", rooms.Get("1.children_state.#").Int(), int64(2))
	w.same("the room elsewhere", rooms.Get("2.room_id").Str, string(open))
	w.same("summary", w.bob.Get(hstest.Path("/_matrix/client/v1/room_summary", open)+"?via=one.example").Get("name").Str, "Open")
	w.bob.Refused(matrix.NotFound).Get(hstest.Path("/_matrix/client/v1/room_summary", closed) + "?via=one.example")
}

func TestJumpToDateAcrossServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "12")
	room := w.room(hstest.Public)
	first := w.ada.Say(room, "first")
	ts := w.ada.Event(room, first).Get("origin_server_ts").Int()
	for range 5 {
		w.ada.Say(room, "more")
	}
	join(w.bob, room, "one.example")
	jump := hstest.Path("/_matrix/client/v1/rooms", room, "timestamp_to_event")
	found := id.EventID(w.bob.Get(fmt.Sprintf("%s?dir=b&ts=%d", jump, ts)).Get("event_id").Str)
	w.same("time of what is found", w.bob.Event(room, found).Get("origin_server_ts").Int(), ts)
}
