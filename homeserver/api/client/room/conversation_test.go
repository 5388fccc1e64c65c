package room_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"plenum/internal/matrix"
)

func TestAConversation(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room := ada.create(`{"name":"Tea","topic":"at five","preset":"private_chat","invite":["@bob:one.example"]}`)
		bob.refused(http.StatusForbidden, matrix.Forbidden, http.MethodGet, path(v3, "rooms", room, "messages")+"?dir=b", "")
		w.same("joined", bob.post(path(v3, "join", room), "").Get("room_id").Str, room)
		w.same("rooms of bob", bob.get(v3+"/joined_rooms").Get("joined_rooms.0").Str, room)

		hello := ada.say(room, "hello")
		w.same("the same transaction", ada.say(room, "hello"), hello)
		hi := bob.say(room, "hi")

		page := bob.get(path(v3, "rooms", room, "messages") + "?dir=b&limit=2")
		w.same("newest", words(page.Get("chunk")), "hi hello")
		page = bob.get(path(v3, "rooms", room, "messages") + "?dir=f&from=" + page.Get("end").Str)
		w.same("forwards again", words(page.Get("chunk")), "hello hi")
		w.same("the end", page.Get("end").Exists(), false)

		ev := ada.get(path(v3, "rooms", room, "event", hi))
		w.same("sender", ev.Get("sender").Str, bob.id())
		w.same("room", ev.Get("room_id").Str, room)
		around := ada.get(path(v3, "rooms", room, "context", hello) + "?limit=2")
		w.same("after", words(around.Get("events_after")), "hi")
		w.same("event", around.Get("event.event_id").Str, hello)

		// Edit, reply in a thread, react, redact.
		edit := ada.send(room, "e", `{"body":"* hello there","m.new_content":{"body":"hello there"},"m.relates_to":{"rel_type":"m.replace","event_id":"`+hello+`"}}`)
		reply := bob.send(room, "r", `{"body":"thread","m.relates_to":{"rel_type":"m.thread","event_id":"`+hello+`"}}`)
		react := path(v3, "rooms", room, "send", "m.reaction", "x")
		reaction := bob.put(react, `{"m.relates_to":{"rel_type":"m.annotation","event_id":"`+hello+`","key":"+1"}}`).Get("event_id").Str
		ev = bob.get(path(v3, "rooms", room, "event", hello))
		w.same("edit", ev.Get(`unsigned.m\.relations.m\.replace.event_id`).Str, edit)
		w.same("thread", ev.Get(`unsigned.m\.relations.m\.thread.latest_event.event_id`).Str, reply)
		list := path(v1, "rooms", room, "relations", hello)
		w.same("relations", ids(bob.get(list).Get("chunk")), []string{reaction, reply, edit})
		w.same("reactions", ids(bob.get(list+"/m.annotation/m.reaction").Get("chunk")), []string{reaction})
		w.same("threads", ids(bob.get(path(v1, "rooms", room, "threads")+"?include=participated").Get("chunk")), []string{hello})
		bob.put(path(v3, "rooms", room, "redact", reaction, "z"), `{"reason":"no"}`)
		w.same("reactions left", ids(bob.get(list+"/m.annotation").Get("chunk")), []string(nil))
		w.same("redacted", bob.get(path(v3, "rooms", room, "event", reaction)).Get("unsigned.redacted_because.content.reason").Str, "no")

		// State and members.
		w.same("name", bob.get(path(v3, "rooms", room, "state", "m.room.name")).Get("name").Str, "Tea")
		w.same("name with a slash", bob.get(path(v3, "rooms", room, "state", "m.room.name")+"/").Get("name").Str, "Tea")
		ada.put(path(v3, "rooms", room, "state", "m.room.topic", ""), `{"topic":"at six"}`)
		topic := bob.get(path(v3, "rooms", room, "state", "m.room.topic") + "?format=event")
		w.same("topic", topic.Get("content.topic").Str, "at six")
		w.same("topic before", topic.Get("unsigned.prev_content.topic").Str, "at five")
		w.same("members", len(bob.get(path(v3, "rooms", room, "members")+"?membership=join").Get("chunk").Array()), 2)
		joined := bob.get(path(v3, "rooms", room, "joined_members")).Get("joined")
		w.same("name of ada", joined.Get(`@ada:one\.example.display_name`).Str, "ada")
		w.same("avatar of ada", joined.Get(`@ada:one\.example.avatar_url`).Raw, "null")
		w.same("aliases", bob.get(path(v3, "rooms", room, "aliases")).Raw, `{"aliases":[]}`)
		preview := bob.get(path(v3, "rooms", room, "initialSync") + "?limit=3")
		w.same("preview", preview.Get("messages.chunk.#").Int(), 3)
		w.same("preview state", preview.Get(`state.#(type=="m.room.topic").content.topic`).Str, "at six")
		w.same("preview membership", preview.Get("membership").Str, "join")

		// Leaving.
		bob.post(path(v3, "rooms", room, "leave"), `{}`)
		ada.say(room, "gone")
		w.same("after leaving", words(bob.get(path(v3, "rooms", room, "messages")+"?dir=b&limit=4").Get("chunk")), "")
		bob.refused(http.StatusForbidden, matrix.Forbidden, http.MethodPut, path(v3, "rooms", room, "send", "m.room.message", "late"), `{}`)
		bob.post(path(v3, "rooms", room, "forget"), `{}`)
		bob.refused(http.StatusForbidden, matrix.Forbidden, http.MethodGet, path(v3, "rooms", room, "messages"), "")
	})
}

func TestLazyMembers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room := ada.create(`{"preset":"public_chat"}`)
		bob.post(path(v3, "rooms", room, "join"), `{}`)
		bob.say(room, "hi")
		lazy := "&filter=" + url.QueryEscape(`{"lazy_load_members":true,"types":["m.room.message"]}`)
		page := ada.get(path(v3, "rooms", room, "messages") + "?dir=b" + lazy)
		w.same("members", page.Get("state.#").Int(), 1)
		w.same("member", page.Get("state.0.state_key").Str, bob.id())
		w.same("without the filter", ada.get(path(v3, "rooms", room, "messages")+"?dir=b").Get("state").Exists(), false)
	})
}

func TestIgnoredUsersAreSilent(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room := ada.create(`{"preset":"public_chat"}`)
		bob.post(path(v3, "rooms", room, "join"), `{}`)
		root := ada.say(room, "root")
		bob.send(room, "t", `{"body":"reply","m.relates_to":{"rel_type":"m.thread","event_id":"`+root+`"}}`)
		messages, list := path(v3, "rooms", room, "messages")+"?dir=b&limit=3", path(v1, "rooms", room, "relations", root)
		w.same("before", words(ada.get(messages).Get("chunk")), "reply root")
		err := w.userdata.SetAccountData(w.Context(), "@ada:one.example", "", "m.ignored_user_list", json.RawMessage(`{"ignored_users":{"@bob:one.example":{}}}`))
		if err != nil {
			w.Fatal(err)
		}
		page := ada.get(messages).Get("chunk")
		w.same("messages", words(page), "root")
		w.same("bob's join is shown", page.Get("#(type==\"m.room.member\").state_key").Str, bob.id())
		w.same("thread", page.Get(`#(type=="m.room.message").unsigned.m\.relations`).Exists(), false)
		w.same("relations", words(ada.get(list).Get("chunk")), "")
		w.same("for bob", words(bob.get(messages).Get("chunk")), "reply root")
	})
}

func TestJumpToADate(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada := w.as("ada")
		room := ada.create(`{"preset":"private_chat"}`)
		first := ada.say(room, "first")
		ts := ada.get(path(v3, "rooms", room, "event", first)).Get("origin_server_ts").Raw
		found := ada.get(path(v1, "rooms", room, "timestamp_to_event") + "?dir=b&ts=99999999999999")
		w.same("newest", found.Get("event_id").Str, first)
		w.same("time", found.Get("origin_server_ts").Raw, ts)
		ada.refused(http.StatusNotFound, matrix.NotFound, http.MethodGet, path(v1, "rooms", room, "timestamp_to_event")+"?dir=b&ts=1", "")
		w.as("eve").refused(http.StatusForbidden, matrix.Forbidden, http.MethodGet, path(v1, "rooms", room, "timestamp_to_event")+"?dir=b&ts=1", "")
	})
}
