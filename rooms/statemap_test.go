package rooms_test

import (
	"fmt"
	"testing"

	"plenum/rooms"
)

func TestARoomReadAgainKnowsItsRecentState(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		for i := range 6 {
			key, content := "", fmt.Appendf(nil, `{"name":"Name %d"}`, i)
			_, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.name", StateKey: &key, Content: content})
			h.must(err)
			h.say(ada, room, "between")
		}
		h.join(bob, room)
		type moment struct{ name, bob string }
		look := func() (out []moment) {
			rm := h.room(room)
			for pos := rm.LastPos(); pos > 0; pos-- {
				state, err := rm.StateAt(h.Context(), pos)
				h.must(err)
				evs, err := state.Events(h.Context(), nil)
				h.must(err)
				var m moment
				for _, e := range evs {
					switch {
					case e.Is("m.room.name", ""):
						m.name = e.Content().Get("name").Str
					case e.Is("m.room.member", string(bob)):
						m.bob = e.Membership()
					}
				}
				out = append(out, m)
			}
			return out
		}
		before := look()
		h.reopen()
		if after := look(); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("read again, the state was\n%v\nit was\n%v", after, before)
		}
	})
}
