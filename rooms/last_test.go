package rooms_test

import (
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

func TestLastAfterTellsWhichRoomsChanged(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		quiet, busy := h.create(ada, rooms.CreateRequest{}), h.create(ada, rooms.CreateRequest{})
		from := h.db.Committed()
		h.say(ada, busy, "hello")
		want := h.room(busy).LastPos()
		check := func(when string) {
			t.Helper()
			got, err := h.LastAfter(h.Context(), from, []id.RoomID{quiet, busy, "!nowhere"})
			h.must(err)
			if got[0] != 0 || got[1] != want || got[2] != 0 {
				t.Errorf("%s: changes at %v, want 0, %d, 0", when, got, want)
			}
		}
		check("from memory")
		h.reopen()
		check("after a restart")
		check("asked again")
		h.say(ada, busy, "again")
		want = h.room(busy).LastPos()
		check("after both")
	})
}
