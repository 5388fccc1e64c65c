package sliding_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const (
	unstable = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
	v4       = "/_matrix/client/v4/sync"
)

type more = hstest.More

// device is a client whose requests are written as they travel.
type device struct {
	*hstest.Client
	t *testing.T
}

// ask sends a request in the unstable form.
func (d *device) ask(query, body string) hstest.JSON {
	d.t.Helper()
	return d.Post(unstable+query, json.RawMessage(body))
}

// askV4 sends a request in the accepted form.
func (d *device) askV4(body string) hstest.JSON {
	d.t.Helper()
	return d.Post(v4, json.RawMessage(body))
}

// rooms are the rooms of an answer, by name.
func names(a hstest.JSON) (out []string) {
	a.Get("rooms").ForEach(func(_, room hstest.JSON) bool {
		out = append(out, room.Get("name").Str)
		return true
	})
	return out
}

// entry returns what is said of a room.
func entry(a hstest.JSON, room id.RoomID) hstest.JSON {
	return a.Get("rooms." + strings.ReplaceAll(string(room), ".", `\.`))
}

// types are the types of events, sorted.
func types(events hstest.JSON) (out []string) {
	for _, e := range events.Array() {
		typ := e.Get("type").Str
		if typ == "m.room.member" {
			typ = id.UserID(e.Get("state_key").Str).Localpart() + " " + e.Get("content.membership").Str
		}
		out = append(out, typ)
	}
	slices.Sort(out)
	return out
}

// want compares what something is with what it should be.
func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: %s, want %s", what, g, w)
	}
}

// What the room list of Element X asks for, word for word: matrix-rust-sdk of
// August 2026.
const (
	roomState = `[["m.room.name",""],["m.room.encryption",""],["m.room.member","$LAZY"],["m.room.member","$ME"],["m.room.topic",""],` +
		`["m.room.avatar",""],["m.room.canonical_alias",""],["m.room.power_levels",""],["org.matrix.msc3401.call.member","*"],` +
		`["m.room.join_rules",""],["m.room.tombstone",""],["m.room.create",""],["m.room.history_visibility",""],` +
		`["io.element.functional_members",""],["m.space.parent","*"],["m.space.child","*"],["org.matrix.msc3672.beacon_info","*"]]`
	pinned         = `,["m.room.pinned_events",""]]`
	roomExtensions = `{"account_data":{"enabled":true},"receipts":{"enabled":true,"rooms":["*"]},"typing":{"enabled":true}}`
)

// roomList is a request of the room list that looks at the first rooms, and
// follows some.
func roomList(last int, followed ...id.RoomID) string {
	subscriptions := ""
	if len(followed) > 0 {
		list := make([]string, len(followed))
		for i, room := range followed {
			list[i] = fmt.Sprintf(`%q:{"required_state":%s,"timeline_limit":20}`, room, strings.TrimSuffix(roomState, "]")+pinned)
		}
		subscriptions = `"room_subscriptions":{` + strings.Join(list, ",") + `},`
	}
	return fmt.Sprintf(`{"conn_id":"room-list","lists":{"all_rooms":{"ranges":[[0,%d]],"required_state":%s,"timeline_limit":1,"filters":{}}},%s"extensions":%s}`,
		last, roomState, subscriptions, roomExtensions)
}

const (
	encryption = `{"conn_id":"encryption","extensions":{"to_device":{"enabled":true%s},"e2ee":{"enabled":true}}}`
	pushState  = `[["m.room.encryption",""],["m.room.member","$LAZY"],["m.room.member","$ME"],["m.room.canonical_alias",""],["m.room.name",""],` +
		`["m.room.avatar",""],["m.room.power_levels",""],["m.room.join_rules",""],["org.matrix.msc3401.call.member","*"],["m.room.create",""],` +
		`["io.element.functional_members",""]]`
)

// TestWhatElementXRuns walks through the three connections of Element X as it
// makes them: signing in, growing the list of rooms, opening a room, a push
// that wakes it, a server that forgot it.
func TestWhatElementXRuns(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		var rooms []id.RoomID
		for i := range 25 {
			rooms = append(rooms, ada.CreateRoom(hstest.Public, more{"name": fmt.Sprintf("Room %d", i)}))
		}
		bob.Join(rooms[7])
		for i := range 30 {
			bob.Say(rooms[7], fmt.Sprintf("message %d", i))
		}
		phone := &device{s.SignIn(ada.User), t}

		// The list grows until it is whole, without waiting.
		a := phone.ask("?timeout=0", roomList(19))
		want(t, "rooms at first", len(a.Get("rooms").Map()), 20)
		want(t, "rooms in all", a.Get("lists.all_rooms.count").Int(), 25)
		want(t, "the liveliest", names(a)[0], "Room 7")
		e := entry(a, rooms[7])
		want(t, "initial", e.Get("initial").Bool(), true)
		want(t, "timeline", e.Get("timeline.#").Int(), 1)
		want(t, "last message", e.Get("timeline.0.content.body").Str, "message 29")
		want(t, "limited", e.Get("limited").Bool(), true)
		want(t, "members", e.Get("joined_count").Int(), 2)
		want(t, "state", types(e.Get("required_state")), []string{
			"ada join", "bob join", "m.room.create", "m.room.history_visibility", "m.room.join_rules", "m.room.name", "m.room.power_levels",
		})
		want(t, "unread", e.Get("notification_count").Int(), 30)
		a = phone.ask("?timeout=0&pos="+a.Get("pos").Str, roomList(99))
		want(t, "the other rooms", len(a.Get("rooms").Map()), 5)
		list := a.Get("pos").Str

		// Beside it, what encryption needs.
		a = phone.ask("?timeout=0", fmt.Sprintf(encryption, ""))
		want(t, "rooms of encryption", a.Get("rooms").Raw, "{}")
		want(t, "lists of encryption", a.Get("lists").Raw, "{}")
		want(t, "keys left", a.Get("extensions.e2ee.device_unused_fallback_key_types").Raw, "[]")
		crypto, since := a.Get("pos").Str, a.Get("extensions.to_device.next_batch").Str
		bob.Put(hstest.Path("/_matrix/client/v3", "sendToDevice", "m.dummy", "1"),
			more{"messages": more{string(ada.User): more{"*": more{"hello": "ada"}}}})
		a = phone.ask("?timeout=30000&pos="+crypto, fmt.Sprintf(encryption, `,"since":"`+since+`"`))
		want(t, "a message to the device", a.Get("extensions.to_device.events.0.content.hello").Str, "ada")
		crypto, since = a.Get("pos").Str, a.Get("extensions.to_device.next_batch").Str

		// A room is opened: it comes at once, with more of its history.
		a = phone.ask("?timeout=30000&pos="+list, roomList(24, rooms[7]))
		e = entry(a, rooms[7])
		want(t, "rooms when one is opened", len(a.Get("rooms").Map()), 1)
		want(t, "its timeline", e.Get("timeline.#").Int(), 20)
		want(t, "flagged", e.Get("unstable_expanded_timeline").Bool(), true)
		want(t, "not new", e.Get("num_live").Int(), 0)
		list = a.Get("pos").Str

		// Something is said, and read.
		said := bob.Say(rooms[7], "news")
		a = phone.ask("?timeout=30000&pos="+list, roomList(24, rooms[7]))
		e = entry(a, rooms[7])
		want(t, "what is new", e.Get("timeline.#.content.body").Raw, `["news"]`)
		want(t, "live", e.Get("num_live").Int(), 1)
		want(t, "unread", e.Get("notification_count").Int(), 31)
		want(t, "no state again", e.Get("required_state").Exists(), false)
		list = a.Get("pos").Str
		phone.Post(hstest.Path("/_matrix/client/v3", "rooms", rooms[7], "receipt", "m.read", said), more{})
		a = phone.ask("?timeout=30000&pos="+list, roomList(24, rooms[7]))
		want(t, "unread after reading", entry(a, rooms[7]).Get("notification_count").Raw, "0")
		receipts := a.Get("extensions.receipts.rooms").Map()[string(rooms[7])]
		want(t, "own receipt", receipts.Get("content").Map()[string(said)].Get(`m\.read`).Map()[string(ada.User)].Exists(), true)
		list = a.Get("pos").Str

		// A push arrives: a short connection looks at the room and the invitations.
		invited := bob.CreateRoom(hstest.Private, more{"name": "Secret", "invite": []id.UserID{ada.User}})
		push := fmt.Sprintf(`{"conn_id":"notifications","lists":{"invites":{"ranges":[[0,16]],"required_state":%s,"timeline_limit":8,"filters":{"is_invite":true}}},`+
			`"room_subscriptions":{%q:{"required_state":%s,"timeline_limit":16}},"extensions":{"account_data":{"enabled":true}}}`, pushState, rooms[7], pushState)
		a = phone.ask("?timeout=1000", push)
		want(t, "rooms for a push", len(a.Get("rooms").Map()), 2)
		want(t, "the message", entry(a, rooms[7]).Get("timeline.15.event_id").Str, string(said))
		stripped := entry(a, invited).Get("invite_state")
		want(t, "the invitation", slices.Contains(types(stripped), "ada invite"), true)
		want(t, "invitations", a.Get("lists.invites.count").Int(), 1)

		// It has not disturbed the others.
		a = phone.ask("?timeout=30000&pos="+list, roomList(25, rooms[7]))
		want(t, "the invitation in the list", len(entry(a, invited).Get("invite_state").Array()) > 0, true)
		list = a.Get("pos").Str
		phone.Leave(invited)
		a = phone.ask("?timeout=30000&pos="+list, roomList(25, rooms[7]))
		want(t, "declined", types(entry(a, invited).Get("required_state")), []string{"ada leave"})
		list = a.Get("pos").Str

		// The server starts again, and has forgotten the connections, but no mail.
		bob.Put(hstest.Path("/_matrix/client/v3", "sendToDevice", "m.dummy", "2"),
			more{"messages": more{string(ada.User): more{"*": more{"hello": "again"}}}})
		s.Restart()
		phone.Refused(matrix.UnknownPos).Post(unstable+"?timeout=30000&pos="+list, json.RawMessage(roomList(24)))
		phone.Refused(matrix.UnknownPos).Post(unstable+"?timeout=30000&pos="+crypto, json.RawMessage(fmt.Sprintf(encryption, "")))
		a = phone.ask("?timeout=0", roomList(19))
		want(t, "rooms after a restart", len(a.Get("rooms").Map()), 20)
		a = phone.ask("?timeout=0", fmt.Sprintf(encryption, `,"since":"`+since+`"`))
		want(t, "messages after a restart", a.Get("extensions.to_device.events.#.content.hello").Raw, `["again"]`)
	})
}

// TestTheSameInTheAcceptedForm is the walk of Element X as it will be.
func TestTheSameInTheAcceptedForm(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		var rooms []id.RoomID
		for i := range 6 {
			rooms = append(rooms, ada.CreateRoom(hstest.Public, more{"name": fmt.Sprintf("Room %d", i)}))
		}
		bob.Join(rooms[2])
		for i := range 5 {
			bob.Say(rooms[2], fmt.Sprintf("message %d", i))
		}
		phone := &device{s.SignIn(ada.User), t}
		wanted := fmt.Sprintf(`{"include":[{"type":"m.room.name","state_key":""},{"type":"m.room.create","state_key":""},`+
			`{"type":"m.room.member","state_key":%q},{"type":"m.space.child"}],"lazy_members":true}`, ada.User)
		request := func(pos string, timeout, last, timeline int) string {
			if pos != "" {
				pos = `"pos":"` + pos + `",`
			}
			return fmt.Sprintf(`{"conn_id":"room-list",%s"timeout":%d,"set_presence":"offline","lists":{"all":{"range":[0,%d],"required_state":%s,"timeline_limit":%d}},`+
				`"extensions":{"account_data":{"enabled":true},"org.matrix.msc4508.typing":{"enabled":true},"com.example.unknown":{"enabled":true}}}`,
				pos, timeout, last, wanted, timeline)
		}
		a := phone.askV4(request("", 30000, 1, 1))
		want(t, "the list", a.Get("lists").Raw, `{"all":{"count":6}}`)
		want(t, "rooms at first", names(a), []string{"Room 2", "Room 5"})
		e := entry(a, rooms[2])
		want(t, "state", types(e.Get("required_state")), []string{"ada join", "bob join", "m.room.create", "m.room.name"})
		want(t, "membership", e.Get("membership").Str, "join")
		want(t, "lists", e.Get("lists").Raw, `["all"]`)
		for _, gone := range []string{"notification_count", "highlight_count", "invite_state", "unstable_expanded_timeline"} {
			want(t, gone, e.Get(gone).Exists(), false)
		}
		a = phone.askV4(request(a.Get("pos").Str, 0, 1, 4))
		e = entry(a, rooms[2])
		want(t, "more history", e.Get("timeline.#.content.body").Raw, `["message 1","message 2","message 3","message 4"]`)
		want(t, "flagged", e.Get("expanded_timeline").Bool(), true)
		pos := a.Get("pos").Str

		// The position is good for reading back.
		page := phone.Get(hstest.Path("/_matrix/client/v3", "rooms", rooms[2], "messages") + "?dir=b&limit=1&from=" + pos)
		want(t, "read back", page.Get("chunk.0.content.body").Str, "message 4")

		bob.Put(hstest.Path("/_matrix/client/v3", "rooms", rooms[2], "typing", bob.User), more{"typing": true, "timeout": 30000})
		a = phone.askV4(request(pos, 30000, 1, 4))
		typing := a.Get(`extensions.org\.matrix\.msc4508\.typing.rooms`).Map()[string(rooms[2])]
		want(t, "typing", typing.Get("content.user_ids").Raw, `["@bob:one.example"]`)
		pos = a.Get("pos").Str

		// A name that is gone is told to be gone.
		ada.SetState(rooms[2], "m.room.name", "", more{})
		a = phone.askV4(request(pos, 30000, 1, 4))
		want(t, "name", entry(a, rooms[2]).Get("name").Raw, "null")
		pos = a.Get("pos").Str
		again := phone.askV4(request(pos, 0, 1, 4))
		phone.askV4(request(again.Get("pos").Str, 0, 1, 4))

		invited := bob.CreateRoom(hstest.Private, more{"invite": []id.UserID{ada.User}})
		a = phone.askV4(`{"conn_id":"invites","lists":{"invites":{"filters":{"is_invited":true},"required_state":{},"timeline_limit":1}}}`)
		want(t, "invitations", len(a.Get("rooms").Map()), 1)
		want(t, "stripped state", slices.Contains(types(entry(a, invited).Get("stripped_state")), "ada invite"), true)
		want(t, "membership", entry(a, invited).Get("membership").Str, "invite")
	})
}
