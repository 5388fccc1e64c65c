package sync_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// stick sends an event that is sticky for so many milliseconds.
func (h *house) stick(user id.UserID, room id.RoomID, text string, ms int64) id.EventID {
	h.Helper()
	content := must(json.Marshal(map[string]any{"body": text, "msgtype": "m.text"}))(h)
	return must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: "m.room.message", Content: content, Sticky: ms}))(h)
}

const (
	section = "msc4354_sticky"
	hour    = 3_600_000
)

// TestStickyEventsAreToldToEverybody: whoever comes late learns of them, however
// much else was said, and everybody learns once.
func TestStickyEventsAreToldToEverybody(t *testing.T) {
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{
			Preset:       "public_chat",
			InitialState: []rooms.InitialState{{Type: "m.room.history_visibility", Content: json.RawMessage(`{"history_visibility":"joined"}`)}},
		})
		c := h.synced(ada, `{"room":{"timeline":{"limit":3}}}`)
		h.stick(ada, room, "sticky", hour)
		a := c.sync().joined(room)
		a.want("timeline", "sticky") // and so nowhere else
		a.want(section)
		if ttl := a.Get("timeline.events.0.unsigned.msc4354_sticky_duration_ttl_ms").Int(); ttl <= 0 || ttl > hour {
			t.Errorf("sticky for another %d ms", ttl)
		}
		if ms := a.Get("timeline.events.0.msc4354_sticky.duration_ms").Int(); ms != hour {
			t.Errorf("sticky for %d ms", ms)
		}
		h.stick(ada, room, "gone", 1)
		h.stick(ada, room, "redacted", hour)
		for i := range 5 {
			h.say(ada, room, fmt.Sprint(i))
		}
		redacted := h.stick(ada, room, "redacted too", hour)
		must(h.Redact(h.Context(), as(ada), rooms.Redaction{Room: room, Event: redacted}))(h)
		a = c.sync().joined(room)
		a.want("timeline", "4", "", "m.room.redaction")
		a.want(section, "redacted")
		c.sync().wantNothing()

		// The history is for those who were there, but not what is sticky.
		for range 2 {
			late := h.synced(bob, "")
			h.join(bob, room)
			a = late.sync().joined(room)
			a.want(section, "sticky", "redacted")
			late.sync().wantNothing()
			h.client(bob, `{"room":{"timeline":{"not_types":["m.room.message"]}}}`).sync().joined(room).want(section, "sticky", "redacted")
			h.leave(bob, room)
			h.reopen()
			late.house = h
		}
		h.join(bob, room)
		h.ignore(bob, ada)
		h.client(bob, "").sync().joined(room).want(section)
	})
}

// TestManyStickyEvents come in several answers, without waiting.
func TestManyStickyEvents(t *testing.T) {
	each(t, func(h *house) {
		one, two := h.public(ada), h.public(ada)
		for i := range 120 {
			h.stick(ada, []id.RoomID{one, two}[i%2], fmt.Sprint(i), hour)
		}
		for _, room := range []id.RoomID{one, two} { // so that no timeline holds them
			for range 10 {
				h.say(ada, room, "x")
			}
		}
		c := h.client(ada, `{"room":{"timeline":{"limit":1}}}`)
		told := map[string]bool{}
		for i, want := range []int{100, 20, 0} {
			a := c.sync()
			n := 0
			for _, room := range []id.RoomID{one, two} {
				for _, text := range a.joined(room).words(section) {
					if told[text] {
						t.Errorf("told of %s again", text)
					}
					told[text] = true
					n++
				}
			}
			if n != want {
				t.Errorf("answer %d tells of %d, want %d", i, n, want)
			}
		}
	})
}
