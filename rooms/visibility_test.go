package rooms_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	cyd = id.UserID("@cyd:one.example")
	dan = id.UserID("@dan:one.example")
	fay = id.UserID("@fay:one.example")
)

// withVisibility asks for a room that everybody may join.
func withVisibility(word string) rooms.CreateRequest {
	return rooms.CreateRequest{Preset: "public_chat", InitialState: []rooms.InitialState{{
		Type: "m.room.history_visibility", Content: json.RawMessage(`{"history_visibility":"` + word + `"}`),
	}}}
}

func (h *house) invite(by, user id.UserID, room id.RoomID) {
	h.Helper()
	h.must(h.Invite(h.Context(), as(by), rooms.MemberChange{Room: room, User: user}))
}

func (h *house) leave(user id.UserID, room id.RoomID) {
	h.Helper()
	h.must(h.Leave(h.Context(), as(user), rooms.MemberChange{Room: room}))
}

// read returns the bodies of all messages that user finds in a room, oldest
// first, page by page, with pages of three.
func (h *house) read(user id.UserID, room id.RoomID, back bool) ([]string, error) {
	h.Helper()
	var words []string
	q := rooms.Page{Backwards: back, Limit: 3}
	for range 100 {
		c, err := h.Messages(h.Context(), as(user), room, q)
		if err != nil {
			return nil, err
		}
		for _, e := range c.Events {
			if e.Type == "m.room.message" {
				words = append(words, e.Content().Get("body").Str)
			}
		}
		if c.End == nil {
			if back {
				slices.Reverse(words)
			}
			return words, nil
		}
		q.From = c.End
	}
	h.Error("the pages have no end")
	return words, nil
}

// The same people in the same story, in rooms of every visibility.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	const everything = "early invited together left late"
	for visibility, want := range map[string]map[id.UserID]string{
		"shared":         {ada: everything, bob: "early invited together", cyd: everything, dan: "-", eve: "-", fay: "-"},
		"world_readable": {ada: everything, bob: everything, cyd: everything, dan: everything, eve: everything, fay: everything},
		"invited":        {ada: everything, bob: "invited together", cyd: "late", dan: "-", eve: "-", fay: "-"},
		"joined":         {ada: everything, bob: "together", cyd: "late", dan: "-", eve: "-", fay: "-"},
		"nonsense":       {ada: everything, bob: "early invited together", cyd: everything, dan: "-", eve: "-", fay: "-"},
	} {
		t.Run(visibility, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				room, said := h.story(visibility)
				h.wantSeen(room, said, want)
				h.reopen()
				h.wantSeen(room, said, want)
			})
		})
	}
}

// story is that of a room: bob is invited, joins and leaves; cyd joins at the
// end; dan stays invited, eve is banned, fay has nothing to do with it.
func (h *house) story(visibility string) (id.RoomID, map[string]id.EventID) {
	h.Helper()
	room := h.create(ada, withVisibility(visibility))
	said := map[string]id.EventID{}
	say := func(word string) { said[word] = h.say(ada, room, word) }
	say("early")
	h.invite(ada, bob, room)
	h.invite(ada, dan, room)
	h.must(h.Ban(h.Context(), as(ada), rooms.MemberChange{Room: room, User: eve}))
	say("invited")
	h.join(bob, room)
	say("together")
	h.leave(bob, room)
	say("left")
	h.join(cyd, room)
	say("late")
	return room, said
}

func (h *house) wantSeen(room id.RoomID, said map[string]id.EventID, want map[id.UserID]string) {
	h.Helper()
	for user, words := range want {
		h.wantReads(user, room, words)
		for word, ev := range said {
			_, _, err := h.EventIn(h.Context(), as(user), room, ev)
			if sees := slices.Contains(strings.Fields(words), word); sees != (err == nil) {
				h.Errorf("%s asks for the event %q: %v", user, word, err)
			}
			_, err = h.Around(h.Context(), as(user), rooms.AroundQuery{Room: room, Event: ev, Limit: 5})
			if sees := slices.Contains(strings.Fields(words), word); sees != (err == nil) {
				h.Errorf("%s asks for what is around %q: %v", user, word, err)
			}
		}
	}
}

// wantReads wants the pages of both directions to say words; "-" means that
// user may not enter.
func (h *house) wantReads(user id.UserID, room id.RoomID, words string) {
	h.Helper()
	for _, back := range []bool{true, false} {
		got, err := h.read(user, room, back)
		if words == "-" {
			h.refused(err, matrix.Forbidden)
		} else if err != nil || strings.Join(got, " ") != words {
			h.Errorf("%s (backwards %v) reads %q, %v; want %q", user, back, got, err, words)
		}
	}
}

// Whoever changes from one visibility to another does not change the past.
func TestVisibilityOfThePast(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		set := func(word string) {
			key := ""
			_, err := h.Send(h.Context(), as(ada), rooms.Draft{
				Room: room, Type: "m.room.history_visibility", StateKey: &key, Content: json.RawMessage(`{"history_visibility":"` + word + `"}`),
			})
			h.must(err)
		}
		h.say(ada, room, "secret")
		set("world_readable")
		h.say(ada, room, "open")
		set("joined")
		h.say(ada, room, "closed")
		h.join(bob, room)
		h.say(ada, room, "here")
		h.wantReads(bob, room, "open here")
		h.wantReads(fay, room, "-") // it is not world readable now
		set("shared")
		h.say(ada, room, "shared")
		h.join(cyd, room)
		h.wantReads(cyd, room, "open shared")
		h.reopen()
		h.wantReads(bob, room, "open here shared")
		h.wantReads(cyd, room, "open shared")

		// The changes themselves are seen from either side.
		var seen []string
		c, err := h.Messages(h.Context(), as(cyd), room, rooms.Page{Limit: 100})
		h.must(err)
		for _, e := range c.Events {
			if e.Type == "m.room.history_visibility" {
				seen = append(seen, e.Content().Get("history_visibility").Str)
			}
		}
		if want := []string{"joined", "world_readable", "joined", "shared"}; fmt.Sprint(seen) != fmt.Sprint(want) {
			h.Errorf("changes seen: %v, want %v", seen, want)
		}
	})
}

// A member sees how they came and went, though nothing else around.
func TestOwnMembershipIsSeen(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.say(ada, room, "before")
		h.join(bob, room)
		h.must(h.Kick(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob, Reason: "noise"}))
		h.say(ada, room, "after")
		c, err := h.Messages(h.Context(), as(bob), room, rooms.Page{Backwards: true, Limit: 2})
		h.must(err)
		if len(c.Events) != 2 || c.Events[0].Membership() != "leave" || c.Events[1].Membership() != "join" {
			h.Errorf("bob sees %v", c.Events)
		}
	})
}

func TestForgottenRoomsAreClosed(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.say(ada, room, "early")
		h.join(bob, room)
		h.leave(bob, room)
		h.wantReads(bob, room, "early")
		h.must(h.Forget(h.Context(), as(bob), room))
		h.wantReads(bob, room, "-")
		h.reopen()
		h.wantReads(bob, room, "-")
		h.join(bob, room)
		h.wantReads(bob, room, "early")
	})
}

// Whoever is invited again still sees what they saw before.
func TestInvitedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.join(bob, room)
		h.say(ada, room, "one")
		h.leave(bob, room)
		h.say(ada, room, "two")
		h.invite(ada, bob, room)
		h.wantReads(bob, room, "one")
		h.join(bob, room)
		h.say(ada, room, "three")
		h.wantReads(bob, room, "one three")
		h.leave(bob, room)
		h.must(h.Ban(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		h.say(ada, room, "four")
		h.wantReads(bob, room, "one three")
		h.reopen()
		h.wantReads(bob, room, "one three")
	})
}

func TestVisibleKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room, _ := h.story("joined")
		rm := h.room(room)
		all, _, err := rm.Timeline(h.Context(), 0, rm.LastPos(), 100)
		h.must(err)
		before := slices.Clone(all)
		seen, err := rm.Visible(h.Context(), bob, all)
		h.must(err)
		if !slices.Equal(all, before) {
			h.Error("Visible wrote into the slice of others")
		}
		if len(seen) == 0 || len(seen) >= len(all) {
			h.Errorf("bob sees %d of %d events", len(seen), len(all))
		}
		if seen, err = rm.Visible(h.Context(), ada, all); err != nil || len(seen) != len(all) {
			h.Errorf("ada sees %d of %d events, %v", len(seen), len(all), err)
		}
	})
}
