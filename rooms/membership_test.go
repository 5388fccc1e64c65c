package rooms_test

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestMemberships(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		room := h.create(ada, rooms.CreateRequest{})
		about := func(user id.UserID) rooms.MemberChange {
			return rooms.MemberChange{Room: room, User: user, Reason: "because"}
		}
		is := func(user id.UserID, want string) {
			t.Helper()
			if got := h.room(room).MembershipOf(user); got != want {
				t.Errorf("%s is %q, want %q", user, got, want)
			}
		}
		h.refused(h.Join(ctx, as(bob), rooms.MemberChange{Room: room}), matrix.Forbidden)
		h.refused(h.Invite(ctx, as(bob), about(eve)), matrix.Forbidden)
		h.must(h.Invite(ctx, as(ada), about(bob)))
		is(bob, "invite")
		h.must(h.Leave(ctx, as(bob), about(bob)))
		is(bob, "leave")
		h.refused(h.Join(ctx, as(bob), rooms.MemberChange{Room: room}), matrix.Forbidden)
		h.must(h.Invite(ctx, as(ada), about(bob)))
		h.join(bob, room)
		h.join(bob, room) // changes nothing
		is(bob, "join")
		h.refused(h.Invite(ctx, as(ada), about(bob)), matrix.Forbidden)
		h.refused(h.Kick(ctx, as(bob), about(ada)), matrix.Forbidden)
		h.must(h.Kick(ctx, as(ada), about(bob)))
		is(bob, "leave")
		h.refused(h.Kick(ctx, as(ada), about(bob)), matrix.Forbidden)
		h.refused(h.Unban(ctx, as(ada), about(bob)), matrix.BadState)
		h.must(h.Ban(ctx, as(ada), about(bob)))
		is(bob, "ban")
		h.refused(h.Invite(ctx, as(ada), about(bob)), matrix.Forbidden)
		h.refused(h.Kick(ctx, as(ada), about(bob)), matrix.Forbidden)
		h.must(h.Unban(ctx, as(ada), about(bob)))
		is(bob, "leave")
		h.refused(h.Leave(ctx, as(eve), about(eve)), matrix.Forbidden)
		h.refused(h.Invite(ctx, as(ada), about("bob")), matrix.InvalidParam)
		h.refused(h.Join(ctx, as(eve), rooms.MemberChange{Room: "!none:one.example"}), matrix.NotFound)
		if got := h.state(room, "m.room.member", string(bob)).Get("reason").Str; got != "because" {
			t.Errorf("reason %q", got)
		}
		all, err := h.MembershipsOf(ctx, bob)
		if h.must(err); len(all) != 1 || all[0].Membership != "leave" || all[0].Prev != "ban" {
			t.Errorf("bob's memberships: %+v", all)
		}
	})
}

func TestRestrictedJoin(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"restricted", "knock_restricted"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				space := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
				rules, err := json.Marshal(map[string]any{"join_rule": rule, "allow": []any{map[string]any{"type": "m.room_membership", "room_id": space}}})
				h.must(err)
				room := h.create(ada, rooms.CreateRequest{InitialState: []rooms.InitialState{{Type: "m.room.join_rules", Content: rules}}})
				h.refused(h.Join(h.Context(), as(bob), rooms.MemberChange{Room: room}), matrix.Forbidden)
				h.join(bob, space)
				h.join(bob, room)
				if got := h.state(room, "m.room.member", string(bob)).Get("join_authorised_via_users_server").Str; got != string(ada) {
					t.Errorf("let in by %q", got)
				}
				// The profile of one who was let in can change.
				h.profiles.names[bob] = "Robert"
				h.must(h.SetProfile(h.Context(), bob))
				if got := h.state(room, "m.room.member", string(bob)).Get("displayname").Str; got != "Robert" {
					t.Errorf("bob is called %q", got)
				}
			})
		})
	}
}

func TestKnock(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Name: "Club", InitialState: []rooms.InitialState{{Type: "m.room.join_rules", Content: json.RawMessage(`{"join_rule":"knock"}`)}}})
		h.must(h.Knock(h.Context(), as(bob), rooms.MemberChange{Room: room, Reason: "hello?"}))
		m, err := h.MembershipOf(h.Context(), bob, room)
		if h.must(err); m.Membership != "knock" {
			t.Fatalf("%+v", m)
		}
		var seen []struct {
			Type    string
			Content map[string]any
		}
		h.must(json.Unmarshal(m.Stripped, &seen))
		if seen[0].Type != "m.room.create" || seen[1].Content["name"] != "Club" {
			t.Errorf("bob sees %s", m.Stripped)
		}
		h.must(h.Invite(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		h.join(bob, room)
		closed := h.create(ada, rooms.CreateRequest{})
		h.refused(h.Knock(h.Context(), as(bob), rooms.MemberChange{Room: closed}), matrix.Forbidden)
	})
}

func TestProfileReachesEveryRoom(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		one, two := h.create(ada, rooms.CreateRequest{}), h.create(ada, rooms.CreateRequest{})
		h.profiles.names[ada] = "Countess"
		h.must(h.SetProfile(h.Context(), ada))
		last := h.room(one).LastPos()
		h.must(h.SetProfile(h.Context(), ada)) // changes nothing
		if h.room(one).LastPos() != last {
			t.Error("the same profile made another event")
		}
		for _, room := range []id.RoomID{one, two} {
			if got := h.state(room, "m.room.member", string(ada)).Get("displayname").Str; got != "Countess" {
				t.Errorf("ada is called %q", got)
			}
		}
	})
}

func TestForget(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		h.refused(h.Forget(h.Context(), as(bob), room), matrix.Unknown)
		h.must(h.Leave(h.Context(), as(bob), rooms.MemberChange{Room: room}))
		h.must(h.Forget(h.Context(), as(bob), room))
		h.reopen()
		m, err := h.MembershipOf(h.Context(), bob, room)
		if h.must(err); !m.Forgotten {
			t.Error("not forgotten")
		}
		h.join(bob, room)
		if m, _ = h.MembershipOf(h.Context(), bob, room); m.Forgotten {
			t.Error("forgotten although bob is back")
		}
	})
}
