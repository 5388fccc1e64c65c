package homeserver_test

import (
	"net/http"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/rooms/event"
)

// TestWhatServersSee asks for messages from before a server came into a room,
// from when it was there, and from after it left, in rooms of all history
// visibilities: "y" is the message, "r" its redacted form, "n" a refusal.
func TestWhatServersSee(t *testing.T) {
	t.Parallel()
	for visibility, want := range map[string]map[string]string{
		"world_readable": {"in": "yyy", "was": "yyy", "never": "nnn", "denied": "nnn"},
		"shared":         {"in": "yyy", "was": "yyn", "never": "nnn", "denied": "nnn"},
		"invited":        {"in": "ryy", "was": "ryn", "never": "nnn", "denied": "nnn"},
		"joined":         {"in": "ryy", "was": "ryn", "never": "nnn", "denied": "nnn"},
	} {
		t.Run(visibility, func(t *testing.T) {
			t.Parallel()
			n := hstest.NewNetwork()
			one := hstest.New(t, hstest.Options{Network: n})
			ada := one.Client("ada")
			peers := map[string]*hstest.Peer{}
			for who := range want {
				peers[who] = hstest.NewPeer(t, n, who+".example")
			}
			room := ada.CreateRoom(hstest.Public)
			ada.SetState(room, "m.room.history_visibility", "", hstest.More{"history_visibility": visibility})
			said := []any{ada.Say(room, "before")}
			stays := map[string]*hstest.Stay{}
			for _, who := range []string{"in", "was", "denied"} {
				stays[who] = peers[who].Join(one, room, peers[who].User("eve"))
			}
			said = append(said, ada.Say(room, "while"))
			leave(t, one, peers["was"], stays["was"])
			ada.SetState(room, "m.room.server_acl", "", hstest.More{"allow": []string{"*"}, "deny": []string{"denied.*"}})
			said = append(said, ada.Say(room, "after"))
			for who, want := range want {
				got := ""
				for _, ev := range said {
					status, a := peers[who].Ask(one, http.MethodGet, hstest.Path("/_matrix/federation/v1/event", ev), nil)
					switch {
					case status == http.StatusForbidden:
						got += "n"
					case status != http.StatusOK:
						t.Errorf("%s: status %d, %s", who, status, a.Raw)
					case a.Get("pdus.0.content.body").Exists():
						got += "y"
					default:
						got += "r"
					}
				}
				if got != want {
					t.Errorf("%s sees %s, want %s", who, got, want)
				}
			}
		})
	}
}

// leave lets a user of another server leave a room.
func leave(t *testing.T, s *hstest.Server, p *hstest.Peer, st *hstest.Stay) {
	t.Helper()
	user := string(st.User)
	e := st.Build(event.Draft{Type: "m.room.member", StateKey: &user, Content: content(hstest.More{"membership": "leave"})})
	status, a := p.Ask(s, http.MethodPut, hstest.Path("/_matrix/federation/v2/send_leave", st.Room, e.ID), []byte(e.JSON))
	if status != http.StatusOK {
		t.Fatalf("send_leave: status %d with %s", status, a.Raw)
	}
}
