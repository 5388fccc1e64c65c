package hstest_test

import (
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// invitations returns the rooms that a new device of c sees itself invited to.
func invitations(s *hstest.Server, c *hstest.Client) map[string]hstest.JSON {
	return s.SignIn(c.User).Sync().Get("rooms.invite").Map()
}

// TestInvitationsAreBlocked goes every way on which somebody can be invited.
func TestInvitationsAreBlocked(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada"), s.Client("bob")
		before := ada.CreateRoom(hstest.Private)
		ada.Invite(before, bob)
		if len(invitations(s, bob)) != 1 {
			t.Fatal("bob is not invited to begin with")
		}
		setting := hstest.Path("/_matrix/client/v3/user", bob.User, "account_data", "m.invite_permission_config")
		bob.Put(setting, hstest.More{"default_action": "block"})

		room := ada.CreateRoom(hstest.Private)
		blocked := ada.Refused(matrix.InviteBlocked)
		blocked.Invite(room, bob)
		blocked.SetState(room, "m.room.member", string(bob.User), hstest.More{"membership": "invite"})
		blocked.CreateRoom(hstest.Private, hstest.More{"invite": []any{bob.User}})
		if m := ada.Members(room); m[bob.User] != "" {
			t.Errorf("bob is %q in the room", m[bob.User])
		}
		if all := invitations(s, bob); len(all) != 0 {
			t.Errorf("an invitation from before is still shown: %v", all)
		}

		bob.Put(setting, hstest.More{"default_action": "allow"})
		ada.Invite(room, bob)
		if all := invitations(s, bob); len(all) != 2 {
			t.Errorf("afterwards these are shown: %v", all)
		}
	})
}

// TestInvitationsAreIgnored has somebody invite who does not learn that it is
// in vain.
func TestInvitationsAreIgnored(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada, bob := s.Client("ada"), s.Client("bob")
	bob.Put(hstest.Path("/_matrix/client/v3/user", bob.User, "account_data", "org.matrix.msc4155.invite_permission_config"),
		hstest.More{"ignored_users": []string{"@ad?:*"}})
	room := ada.CreateRoom(hstest.Public)
	ada.Invite(room, bob)
	if m := ada.Members(room); m[bob.User] != "invite" {
		t.Errorf("for ada, bob is %q", m[bob.User])
	}
	if all := invitations(s, bob); len(all) != 0 {
		t.Errorf("bob learns of it: %v", all)
	}
	sliding := bob.Post("/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", hstest.More{
		"lists": hstest.More{"all": hstest.More{"ranges": [][]int{{0, 9}}, "timeline_limit": 1, "required_state": []any{}}},
	})
	if len(sliding.Get("rooms").Map()) != 0 || sliding.Get("lists.all.count").Int() != 0 {
		t.Errorf("bob learns of it by sliding sync: %s", sliding.Raw)
	}
	bob.Join(room) // who knows of the room may come
}
