package room_test

import (
	"net/http"
	"testing"

	"plenum/internal/matrix"
)

// Who is suspended can read, leave, and take back what they said.
//
// Spec: client-server-api#account-suspension
func TestSuspendedAccounts(t *testing.T) {
	t.Parallel()
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room := ada.create(`{"preset":"public_chat"}`)
		other := ada.create(`{"preset":"public_chat"}`)
		bob.post(path(v3, "rooms", room, "join"), `{}`)
		theirs, own := ada.say(room, "hello"), bob.say(room, "nonsense")
		in := func(parts ...string) string { return path(append([]string{v3, "rooms", room}, parts...)...) }

		bob = w.as("bob/suspended")
		for _, c := range []struct{ method, path, body string }{
			{post, path(v3, "join", other), `{}`},
			{post, path(v3, "rooms", other, "join"), `{}`},
			{post, path(v3, "knock", other), `{}`},
			{post, v3 + "/createRoom", `{}`},
			{post, in("invite"), `{"user_id":"@eve:one.example"}`},
			{post, in("kick"), `{"user_id":"@ada:one.example"}`},
			{post, in("ban"), `{"user_id":"@ada:one.example"}`},
			{post, in("unban"), `{"user_id":"@ada:one.example"}`},
			{post, in("upgrade"), `{"new_version":"12"}`},
			{put, in("send", "m.room.message", "1"), `{"body":"x"}`},
			{put, in("state", "m.room.topic", ""), `{"topic":"x"}`},
			{put, in("redact", theirs, "2"), `{}`},
		} {
			bob.refused(http.StatusForbidden, matrix.UserSuspended, c.method, c.path, c.body)
		}
		bob.do(get, in("messages")+"?dir=b", "")
		bob.do(put, in("redact", own, "3"), `{}`)
		bob.do(post, in("leave"), `{}`)
	})
}
