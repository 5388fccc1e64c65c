package hstest_test

import (
	"net/url"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// TestFollowingEventsTheOldWay follows one's rooms, and one that one only
// looks at.
func TestFollowingEventsTheOldWay(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Public)
		other := ada.CreateRoom(hstest.Private)
		bob.Join(room)
		follow := func(c *hstest.Client, from string, more ...string) (ids []string, end string) {
			t.Helper()
			q := url.Values{"from": {from}, "timeout": {"0"}}
			for i := 0; i < len(more); i += 2 {
				q.Set(more[i], more[i+1])
			}
			a := c.Get("/_matrix/client/v3/events?" + q.Encode())
			for _, e := range a.Get("chunk").Array() {
				ids = append(ids, e.Get("event_id").Str)
			}
			return ids, a.Get("end").Str
		}
		none, now := follow(bob, "")
		if none != nil || now == "" {
			t.Errorf("at first: %q, %q", none, now)
		}
		said := ada.Say(room, "one")
		ada.Say(other, "unheard")
		heard, next := follow(bob, now)
		if len(heard) != 1 || heard[0] != string(said) {
			t.Errorf("bob hears %q, want %q", heard, said)
		}
		if again, _ := follow(bob, next, "timeout", "1"); again != nil {
			t.Errorf("then %q", again)
		}

		peek := "/_matrix/client/v3/events?room_id=" + url.QueryEscape(string(other))
		bob.Refused(matrix.Forbidden).Get(peek)
		ada.SetState(other, "m.room.history_visibility", "", hstest.More{"history_visibility": "world_readable"})
		_, now = follow(bob, "", "room_id", string(other))
		seen := ada.Say(other, "for all")
		if heard, _ := follow(bob, now, "room_id", string(other)); len(heard) != 1 || heard[0] != string(seen) {
			t.Errorf("looking on, bob hears %q, want %q", heard, seen)
		}

		one := func(ev id.EventID) string { return hstest.Path("/_matrix/client/v3/events", ev) }
		if got := bob.Get(one(said)).Get("content.body").Str; got != "one" {
			t.Errorf("the event says %q", got)
		}
		bob.Refused(matrix.NotFound).Get(one("$none"))
		bob.Refused(matrix.NotFound).Get(one(ada.Say(ada.CreateRoom(hstest.Private), "secret")))
	})
}
