package sliding_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/rooms"
)

func TestSubscriptionsToThreads(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "")
		var roots []id.EventID
		for i := range 4 {
			roots = append(roots, h.say(ada, room, fmt.Sprint(i)))
		}
		c := h.client(ada)
		c.q.Lists, c.q.Extensions = nil, sliding.Extensions{Threads: &sliding.Threads{Limit: 2}}
		const name = "io.element.msc4308.thread_subscriptions"
		// said is "+" and "-" with the numbers of threads.
		said := func(a answer) string {
			var out []string
			for word, sign := range map[string]string{"subscribed": "+", "unsubscribed": "-"} {
				for root, s := range a.extension(name, word, string(room)).Map() {
					if s.Get("bump_stamp").Int() <= 0 {
						t.Errorf("%s %s", root, s.Raw)
					}
					out = append(out, fmt.Sprint(sign, slices.Index(roots, id.EventID(root))))
				}
			}
			slices.Sort(out)
			return strings.Join(out, "")
		}
		want := func(a answer, all string, more bool) {
			t.Helper()
			if got := said(a); got != all || a.extension(name, "prev_batch").Exists() != more {
				t.Errorf("said %q, want %q: %s", got, all, a.Raw)
			}
		}
		want(c.sync(), "", false)
		h.must(h.data.Subscribe(h.Context(), as(ada), room, roots[0], ""))
		want(c.peek(), "+0", false)
		want(c.sync(), "+0", false)
		want(c.sync(), "", false)
		for _, root := range roots[1:] {
			h.must(h.data.Subscribe(h.Context(), as(ada), room, root, ""))
		}
		h.must(h.data.Unsubscribe(h.Context(), as(ada), room, roots[0]))
		want(c.sync(), "+3-0", true)
		want(c.sync(), "", false)

		// A new device need not know of what is over.
		other := h.client(ada)
		other.q.Lists, other.q.Extensions = nil, sliding.Extensions{Threads: &sliding.Threads{}}
		want(other.sync(), "+1+2+3", false)
		other.q.Extensions.Threads.Limit = -1
		other.refused("M_INVALID_PARAM")
	})
}

// stick sends an event that is sticky for an hour.
func (h *house) stick(user id.UserID, room id.RoomID, text string) {
	h.Helper()
	content := json.RawMessage(fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, text))
	must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: "m.room.message", Content: content, Sticky: 3_600_000}))(h)
}

func TestStickyEvents(t *testing.T) {
	each(t, func(h *house) {
		quiet, room, other := h.public(ada, "quiet"), h.public(ada, "room"), h.public(ada, "other")
		h.stick(ada, quiet, "far down the list")
		h.stick(ada, other, "for those in it")
		for i := range 3 {
			h.stick(ada, room, fmt.Sprint(i))
		}
		h.say(ada, room, "said")
		h.join(bob, quiet)
		h.join(bob, room)
		h.say(ada, room, "newest")

		c := h.client(bob)
		const name = "org.matrix.msc4354.sticky_events"
		c.list("all", 1)
		c.window("all", 0, 0) // the newest room only
		c.q.Extensions = sliding.Extensions{Sticky: &sliding.StickyEvents{Limit: 3}}
		want := func(a answer, in id.RoomID, texts ...string) {
			t.Helper()
			got := []string{}
			for _, e := range a.extension(name, "rooms", string(in), "events").Array() {
				got = append(got, e.Get("content.body").Str)
				if e.Get("unsigned.msc4354_sticky_duration_ttl_ms").Int() <= 0 {
					t.Errorf("does not say for how long: %s", e.Raw)
				}
			}
			if !slices.Equal(got, texts) && len(got)+len(texts) > 0 {
				t.Errorf("%q is sticky, want %q: %s", got, texts, a.Raw)
			}
		}
		next := func(a answer) { c.q.Extensions.Sticky.Since = a.extension(name, "next_batch").Str }
		a := c.sync()
		want(a, quiet, "far down the list")
		want(a, room, "0", "1")
		want(a, other)
		want(c.sync(), room, "0", "1") // nothing says that they arrived
		next(a)
		a = c.sync()
		want(a, room, "2")
		next(a)
		a = c.sync()
		a.wantExtension("", name)

		// What is in the timeline is not told twice, and a room that is joined is told whole.
		h.stick(ada, quiet, "elsewhere")
		h.join(bob, other)
		h.stick(ada, room, "in the timeline")
		a = c.sync()
		want(a, other, "for those in it")
		want(a, quiet, "elsewhere")
		want(a, room)
		next(a)
		c.sync().wantExtension("", name)
		c.q.Lists = nil
		h.stick(ada, quiet, "not looked at")
		c.sync().wantExtension("", name)
		c.subscribe(quiet, 0)
		want(c.sync(), quiet, "not looked at")

		c.q.Extensions.Sticky.Since = "x"
		c.refused("M_INVALID_PARAM")
	})
}
