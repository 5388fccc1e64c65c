package rooms_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func (h *house) relations(user id.UserID, q rooms.RelationsQuery) rooms.Relations {
	h.Helper()
	r, err := h.Relations(h.Context(), as(user), q)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func TestPagesOfRelations(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		root := h.say(ada, room, "root")
		for i := range 5 {
			h.relate(ada, room, "m.thread", root, fmt.Sprintf(`"body":"r%d"`, i))
		}
		middle := rooms.Token{Pos: h.room(room).LastPos()}
		h.relate(ada, room, "m.replace", root, `"body":"edit"`)
		h.relateAs(ada, room, "m.sticker", "m.thread", root, `"body":"s"`)
		q := rooms.RelationsQuery{Room: room, Event: root}
		check := func(name string, q rooms.RelationsQuery, want string, more bool) rooms.Relations {
			h.Helper()
			r := h.relations(ada, q)
			if bodies(r.Events) != want || (r.Next != nil) != more {
				h.Errorf("%s: %q, next %v; want %q", name, bodies(r.Events), r.Next, want)
			}
			return r
		}
		for range 2 {
			check("all", q, "m.sticker edit r4 r3 r2 r1 r0", false)
			q := q
			q.RelType = "m.thread"
			check("of a type", q, "m.sticker r4 r3 r2 r1 r0", false)
			q.Type = "m.room.message"
			q.Limit = 3
			first := check("first page", q, "r4 r3 r2", true)
			q.From = first.Next
			check("second page", q, "r1 r0", false)
			q.From, q.Forwards = nil, true
			first = check("first page forwards", q, "r0 r1 r2", true)
			q.From = first.Next
			check("second page forwards", q, "r3 r4", false)
			q.Limit = 5
			q.From = nil
			check("a page that is all", q, "r0 r1 r2 r3 r4", false)
			check("from the middle", rooms.RelationsQuery{Room: room, Event: root, From: &middle, Forwards: true}, "edit m.sticker", false)
			check("to the middle", rooms.RelationsQuery{Room: room, Event: root, To: &middle}, "m.sticker edit", false)
			check("other type", rooms.RelationsQuery{Room: room, Event: root, RelType: "m.thread", Type: "x.unknown"}, "", false)
			h.reopen()
		}
	})
}

func TestRelationsOfRelations(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		root := h.say(ada, room, "root")
		one := h.relate(ada, room, "m.thread", root, `"body":"one"`)
		two := h.relateAs(ada, room, "m.room.message", "m.reference", one, `"body":"two"`)
		three := h.relate(ada, room, "m.reference", two, `"body":"three"`)
		h.relate(ada, room, "m.reference", three, `"body":"four"`)
		q := rooms.RelationsQuery{Room: room, Event: root}
		if r := h.relations(ada, q); bodies(r.Events) != "one" || r.Depth != 0 {
			h.Errorf("direct: %s, depth %d", bodies(r.Events), r.Depth)
		}
		q.Recursive = true
		if r := h.relations(ada, q); bodies(r.Events) != "three two one" || r.Depth != 3 {
			h.Errorf("all: %s, depth %d", bodies(r.Events), r.Depth)
		}
		q.Limit = 2
		r := h.relations(ada, q)
		if bodies(r.Events) != "three two" || r.Next == nil {
			h.Errorf("first page: %s, next %v", bodies(r.Events), r.Next)
		}
		q.From = r.Next
		if r := h.relations(ada, q); bodies(r.Events) != "one" || r.Next != nil {
			h.Errorf("second page: %s, next %v", bodies(r.Events), r.Next)
		}
		q = rooms.RelationsQuery{Room: room, Event: root, Recursive: true, RelType: "m.reference", Forwards: true}
		if r := h.relations(ada, q); bodies(r.Events) != "two three" {
			h.Errorf("references: %s", bodies(r.Events))
		}
	})
}

func TestRelationsKeepToWhatIsVisible(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.join(bob, room)
		root := h.say(ada, room, "root")
		h.relate(ada, room, "m.thread", root, `"body":"one"`)
		gone := h.relate(ada, room, "m.thread", root, `"body":"two"`)
		h.relate(bob, room, "m.thread", root, `"body":"three"`)
		h.redact(ada, room, gone) // no relation any more
		h.leave(bob, room)
		h.relate(ada, room, "m.thread", root, `"body":"four"`)
		q := rooms.RelationsQuery{Room: room, Event: root}
		for range 2 {
			if r := h.relations(bob, q); bodies(r.Events) != "three one" || r.Next != nil {
				h.Errorf("bob finds %s", bodies(r.Events))
			}
			if r := h.relations(ada, q); bodies(r.Events) != "four three one" {
				h.Errorf("ada finds %s", bodies(r.Events))
			}
			h.reopen()
		}
		skip := q
		skip.Skip = func(e *rooms.Event) bool { return e.Sender == bob }
		if r := h.relations(ada, skip); bodies(r.Events) != "four one" {
			h.Errorf("without bob ada finds %s", bodies(r.Events))
		}
		_, err := h.Relations(h.Context(), as(fay), q)
		h.refused(err, matrix.NotFound)
		q.Event = "$nothing"
		_, err = h.Relations(h.Context(), as(ada), q)
		h.refused(err, matrix.NotFound)
	})
}

func TestThreadsOfARoom(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		h.join(cyd, room)
		a, b, c := h.say(ada, room, "a"), h.say(bob, room, "b"), h.say(ada, room, "c")
		h.say(ada, room, "no thread")
		for _, root := range []id.EventID{a, b, c} {
			h.relate(ada, room, "m.thread", root, `"body":"r"`)
		}
		h.relate(cyd, room, "m.thread", a, `"body":"r"`)
		list := func(user id.UserID, q rooms.ThreadsQuery, want string) rooms.Threads {
			h.Helper()
			q.Room = room
			got, err := h.Threads(h.Context(), as(user), q)
			if err != nil || bodies(got.Roots) != want {
				h.Errorf("threads for %s: %s, %v; want %s", user, bodies(got.Roots), err, want)
			}
			return got
		}
		for range 2 {
			list(ada, rooms.ThreadsQuery{}, "a c b")
			list(cyd, rooms.ThreadsQuery{Participated: true}, "a")
			list(bob, rooms.ThreadsQuery{Participated: true}, "b")
			first := list(ada, rooms.ThreadsQuery{Limit: 2}, "a c")
			if first.Next == nil {
				h.Fatal("there is no second page")
			}
			if rest := list(ada, rooms.ThreadsQuery{Limit: 2, From: first.Next}, "b"); rest.Next != nil {
				h.Errorf("a page behind the last: %v", rest.Next)
			}
			if all := list(ada, rooms.ThreadsQuery{Limit: 3}, "a c b"); all.Next != nil {
				h.Errorf("a page behind all: %v", all.Next)
			}
			h.reopen()
		}
		// The root of somebody who is ignored is shown without its words.
		got, err := h.Threads(h.Context(), as(ada), rooms.ThreadsQuery{Room: room, Ignored: func(u id.UserID) bool { return u == bob }})
		if err != nil || len(got.Roots) != 3 || got.Roots[2].Content().Raw != "{}" {
			h.Errorf("with bob ignored: %v, %v", got.Roots, err)
		}
		// For those who left a thread ends where they left.
		h.leave(cyd, room)
		h.relate(bob, room, "m.thread", b, `"body":"late"`)
		list(cyd, rooms.ThreadsQuery{}, "a c b")
		list(ada, rooms.ThreadsQuery{}, "b a c")
		_, err = h.Threads(h.Context(), as(fay), rooms.ThreadsQuery{Room: room})
		h.refused(err, matrix.Forbidden)
	})
}

func TestThreadsDoNotBeginInThreads(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		root := h.say(ada, room, "root")
		reply := h.relate(ada, room, "m.thread", root, `"body":"reply"`)
		content := json.RawMessage(fmt.Sprintf(`{"m.relates_to":{"rel_type":"m.thread","event_id":%q}}`, reply))
		_, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", Content: content})
		h.refused(err, matrix.Unknown)
	})
}
