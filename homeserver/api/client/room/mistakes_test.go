package room_test

import (
	"net/http"
	"net/url"
	"testing"

	"plenum/internal/matrix"
)

// Whatever a client sends, the mistake is its own: an answer of 4xx with a code.
func TestMistakesAreTheClients(t *testing.T) {
	t.Parallel()
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	each(t, func(w *world) {
		ada := w.as("ada")
		room := ada.create(`{"preset":"private_chat"}`)
		ev := ada.say(room, "hi")
		in := func(parts ...string) string { return path(append([]string{v3, "rooms", room}, parts...)...) }
		in1 := func(parts ...string) string { return path(append([]string{v1, "rooms", room}, parts...)...) }
		for _, c := range []struct {
			method, path, body string
			code               matrix.Code
		}{
			{get, in("messages") + "?dir=x", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&from=nonsense", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&to=t1x", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&limit=x", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&limit=-1", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&limit=99999999999999999999", "", matrix.InvalidParam},
			{get, in("messages") + "?dir=b&filter=%7B", "", matrix.NotJSON},
			{get, in("messages") + "?dir=b&filter=" + url.QueryEscape(`{"types":7}`), "", matrix.BadJSON},
			{get, in("context", "nothing"), "", matrix.NotFound},
			{get, in("context", ev) + "?limit=-3", "", matrix.InvalidParam},
			{get, in("event", "$\x00"), "", ""},
			{get, in("event", "$nothing"), "", matrix.NotFound},
			{get, in("state", "m.room.name", ""), "", matrix.NotFound},
			{get, in("state", "m.room.create", "") + "?format=xml", "", matrix.InvalidParam},
			{get, in("members") + "?membership=guest", "", matrix.InvalidParam},
			{get, in("members") + "?not_membership=guest", "", matrix.InvalidParam},
			{get, in("members") + "?at=yesterday", "", matrix.InvalidParam},
			{get, in("initialSync") + "?limit=-1", "", matrix.InvalidParam},
			{get, in1("relations", ev) + "?dir=up", "", matrix.InvalidParam},
			{get, in1("relations", ev) + "?from=-", "", matrix.InvalidParam},
			{get, in1("relations", ev) + "?recurse=perhaps", "", matrix.InvalidParam},
			{get, in1("relations", "$nothing"), "", matrix.NotFound},
			{get, in1("threads") + "?include=some", "", matrix.InvalidParam},
			{get, in1("threads") + "?from=x", "", matrix.InvalidParam},
			{get, in1("timestamp_to_event") + "?ts=1", "", matrix.MissingParam},
			{get, in1("timestamp_to_event") + "?dir=f", "", matrix.MissingParam},
			{get, in1("timestamp_to_event") + "?dir=f&ts=today", "", matrix.InvalidParam},
			{get, in1("hierarchy") + "?limit=x", "", matrix.InvalidParam},
			{get, in1("hierarchy") + "?from=x", "", matrix.InvalidParam},
			{get, path(v1, "room_summary", "nonsense"), "", matrix.InvalidParam},
			{get, path(v1, "room_summary", "!nothing"), "", matrix.NotFound},
			{post, v3 + "/createRoom", `{`, matrix.NotJSON},
			{post, v3 + "/createRoom", `{"name":7}`, matrix.BadJSON},
			{post, v3 + "/createRoom", `{"room_version":"99"}`, matrix.UnsupportedRoomVersion},
			{post, v3 + "/createRoom", `{"invite":["bob"]}`, matrix.InvalidParam},
			{post, path(v3, "join", "nonsense"), `{}`, matrix.InvalidParam},
			{post, path(v3, "join", "#nothing:one.example"), `{}`, matrix.NotFound},
			{post, path(v3, "rooms", "!nothing", "join"), `{}`, ""},
			{post, path(v3, "knock", room), `{}`, matrix.Forbidden},
			{post, in("invite"), `{}`, matrix.MissingParam},
			{post, in("invite"), `{"user_id":7}`, matrix.BadJSON},
			{post, in("invite"), `{"user_id":"bob"}`, matrix.InvalidParam},
			{post, in("kick"), `{"user_id":"@nobody:one.example"}`, matrix.Forbidden},
			{post, in("upgrade"), `{}`, matrix.MissingParam},
			{post, in("upgrade"), `{"new_version":"x"}`, matrix.UnsupportedRoomVersion},
			{put, in("send", "m.room.message", "t"), `[]`, matrix.BadJSON},
			{put, in("send", "m.room.message", "t"), `{"a":1.5}`, matrix.BadJSON},
			{put, in("send", "m.room.member", "t"), `{}`, matrix.BadJSON},
			{put, in("state", "m.room.create", ""), `{}`, matrix.BadJSON},
			{put, in("redact", "$nothing", "t"), `{}`, matrix.NotFound},
			{post, in("report", "$nothing"), `{}`, ""},
		} {
			status, answer := ada.try(c.method, c.path, c.body)
			code := matrix.Code(answer.Get("errcode").Str)
			if c.code != "" && code != c.code || status < 400 && c.code != "" || status >= 500 {
				w.Errorf("%s %s %s: status %d, %s; want %s", c.method, c.path, c.body, status, answer, c.code)
			}
		}
		// A room that does not exist cannot be told from one that is closed.
		for name, p := range endpoints("!nothing:one.example", ev) {
			want := http.StatusForbidden
			if name == "event" || name == "relations" {
				want = http.StatusNotFound
			}
			if status, answer := ada.try(get, p, ""); status != want {
				w.Errorf("%s of no room: status %d, %s; want %d", name, status, answer, want)
			}
		}
	})
}
