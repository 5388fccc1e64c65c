package rooms_test

import (
	"encoding/json"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// isRedacted reports whether an event was redacted, also after a restart.
func (h *house) isRedacted(ev id.EventID) bool {
	h.Helper()
	e, err := h.Event(h.Context(), ev)
	h.must(err)
	return e.RedactedBy != 0
}

func TestWhatRelatesIsRedactedToo(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		root := h.say(bob, room, "root")
		edit := h.relate(bob, room, "m.replace", root, `"body":"edited"`)
		reply := h.relate(bob, room, "m.thread", root, `"body":"reply"`)
		foreign := h.relate(ada, room, "m.thread", root, `"body":"of ada"`)
		reaction := h.relate(bob, room, "m.annotation", root, `"body":""`)

		q := rooms.Redaction{Room: room, Event: root, Txn: "t", Related: []string{"m.replace", "m.thread"}}
		_, err := h.Redact(h.Context(), as(bob), q)
		h.must(err)
		h.reopen()
		for ev, want := range map[id.EventID]bool{root: true, edit: true, reply: true, foreign: false, reaction: false} {
			if h.isRedacted(ev) != want {
				t.Errorf("%s: redacted %v, want %v", ev, !want, want)
			}
		}
		last := h.room(room).LastPos()
		_, err = h.Redact(h.Context(), as(bob), q)
		h.must(err)
		if h.room(room).LastPos() != last {
			t.Error("the same request again did something")
		}
		_, err = h.Redact(h.Context(), as(ada), rooms.Redaction{Room: room, Event: root, Related: []string{"*"}}) // a moderator
		h.must(err)
		if !h.isRedacted(foreign) || !h.isRedacted(reaction) {
			t.Error("something that relates is left")
		}
	})
}

func TestWhatSomebodySentIsRedacted(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		var spam []id.EventID
		for _, text := range []string{"one", "two", "three"} {
			spam = append(spam, h.say(bob, room, text))
			h.say(ada, room, "in between")
		}
		mine := h.say(ada, room, "of ada")
		redact := func(who id.UserID, user id.UserID, limit int) (rooms.UserRedacted, error) {
			return h.RedactUser(h.Context(), as(who), rooms.UserRedaction{Room: room, User: user, Limit: limit, Content: json.RawMessage(`{"reason":"spam"}`)})
		}
		if _, err := redact(bob, ada, 0); !matrix.IsCode(err, matrix.Forbidden) {
			t.Errorf("who may not: %v", err)
		}
		if _, err := redact(eve, bob, 0); !matrix.IsCode(err, matrix.Forbidden) {
			t.Errorf("who is not in the room: %v", err)
		}
		out, err := redact(ada, bob, 2)
		h.must(err)
		if out != (rooms.UserRedacted{Total: 2, More: true}) {
			t.Errorf("first: %+v", out)
		}
		state := func() (done []bool) {
			for _, ev := range spam {
				done = append(done, h.isRedacted(ev))
			}
			return done
		}
		if got := state(); !slices.Equal(got, []bool{false, true, true}) {
			t.Errorf("after the first: %v", got)
		}
		h.must(h.Ban(h.Context(), as(ada), rooms.MemberChange{Room: room, User: bob}))
		out, err = redact(ada, bob, 0) // the first message, and that he joined
		h.must(err)
		if out != (rooms.UserRedacted{Total: 2}) || slices.Contains(state(), false) {
			t.Errorf("then: %+v, %v", out, state())
		}
		if out, err = redact(ada, bob, 0); err != nil || out != (rooms.UserRedacted{}) {
			t.Errorf("once more: %+v, %v", out, err)
		}
		if h.isRedacted(mine) || h.room(room).MembershipOf(bob) != "ban" {
			t.Error("something else was changed")
		}
		if _, err = redact(ada, ada, 100); err != nil { // the room outlives it
			t.Error(err)
		}
		h.say(ada, room, "still here")
	})
}
