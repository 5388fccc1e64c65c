package rooms_test

import (
	"fmt"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

func TestKindsOfRooms(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		plain, space := h.create(ada, rooms.CreateRequest{}), h.create(ada, rooms.CreateRequest{CreationContent: []byte(`{"type":"m.space"}`)})
		check := func(when string, want ...rooms.Kind) {
			t.Helper()
			got, err := h.Kinds(h.Context(), []id.RoomID{plain, "!nowhere", space})
			h.must(err)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		check("new", rooms.Kind{}, rooms.Kind{}, rooms.Kind{Type: "m.space"})
		h.setState(ada, plain, "m.room.encryption", "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		check("encrypted", rooms.Kind{Encrypted: true}, rooms.Kind{}, rooms.Kind{Type: "m.space"})
		h.reopen()
		h.setState(ada, space, "m.room.encryption", "", `{"algorithm":"m.megolm.v1.aes-sha2"}`)
		check("after a restart", rooms.Kind{Encrypted: true}, rooms.Kind{}, rooms.Kind{Type: "m.space", Encrypted: true})
		check("asked again", rooms.Kind{Encrypted: true}, rooms.Kind{}, rooms.Kind{Type: "m.space", Encrypted: true})
	})
}

func TestRoomsWhoseHistoryIsGuarded(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		for _, c := range []struct {
			visibilities []string
			guarded      bool
		}{
			{nil, false},
			{[]string{"shared", "world_readable", "shared"}, false},
			{[]string{"joined"}, true},
			{[]string{"invited", "shared"}, true},
		} {
			room := h.create(ada, rooms.CreateRequest{})
			check := func(when string) {
				t.Helper()
				got, err := h.Kinds(h.Context(), []id.RoomID{room})
				h.must(err)
				if got[0].Guarded != c.guarded {
					t.Errorf("%v, %s: guarded %v", c.visibilities, when, got[0].Guarded)
				}
			}
			for _, v := range c.visibilities {
				h.setState(ada, room, "m.room.history_visibility", "", fmt.Sprintf(`{"history_visibility":%q}`, v))
			}
			check("as it is made")
			h.reopen()
			check("after a restart")
		}
	})
}

func TestWhatStirsARoom(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		first, _, err := h.room(room).Timeline(h.Context(), 0, h.db.Committed(), 100)
		h.must(err)
		want := first[0].Pos // the room was made
		check := func(when string) {
			t.Helper()
			got, err := h.room(room).Stirred(h.Context())
			h.must(err)
			if got != want {
				t.Errorf("%s: %d, want %d", when, got, want)
			}
		}
		check("made")
		h.say(ada, room, "hello")
		want = h.room(room).LastPos()
		check("said")
		for i := range 120 { // more than a room keeps in memory when it is read
			h.setState(ada, room, "m.room.topic", "", fmt.Sprintf(`{"topic":"%d"}`, i))
		}
		check("after housekeeping")
		h.reopen()
		check("after a restart")
		check("asked again")
		h.say(ada, room, "again")
		want = h.room(room).LastPos()
		check("said again")
	})
}

func TestStateOfOneType(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{})
		for _, key := range []string{"b", "a", "c"} {
			h.setState(ada, room, "org.example.thing", key, `{}`)
		}
		before := h.db.Committed()
		h.setState(ada, room, "org.example.thing", "d", `{}`)
		check := func(when string, typ string, want int) {
			t.Helper()
			s, err := h.room(room).StateAt(h.Context(), before)
			h.must(err)
			got := s.OfType(typ, func(k rooms.StateKey) bool { return k.Key != "b" })
			if len(got) != want {
				t.Errorf("%s: %d events of %s, want %d", when, len(got), typ, want)
			}
		}
		for _, when := range []string{"in memory", "after a restart"} {
			check(when, "org.example.thing", 2)
			check(when, "m.room.member", 1)
			check(when, "org.example.other", 0)
			h.reopen()
		}
	})
}
