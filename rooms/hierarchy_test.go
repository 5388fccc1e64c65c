package rooms_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func (h *house) child(space, room id.RoomID, content string) {
	h.Helper()
	key := string(room)
	_, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: space, Type: "m.space.child", StateKey: &key, Content: json.RawMessage(content)})
	h.must(err)
}

func TestHierarchy(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		space := rooms.CreateRequest{CreationContent: json.RawMessage(`{"type":"m.space"}`), Preset: "public_chat"}
		root, below := h.create(ada, space), h.create(ada, space)
		open, closed := h.create(ada, rooms.CreateRequest{Preset: "public_chat"}), h.create(ada, rooms.CreateRequest{})
		deep, taken := h.create(ada, rooms.CreateRequest{Preset: "public_chat"}), h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		const via = `"via":["one.example"]`
		h.child(root, open, `{`+via+`,"order":"b"}`)
		h.child(root, below, `{`+via+`,"order":"a","suggested":true}`)
		h.child(root, closed, `{`+via+`}`)
		h.child(root, taken, `{}`) // without via it is no child
		h.child(root, "!elsewhere:two.example", `{`+via+`}`)
		h.child(below, deep, `{`+via+`}`)
		h.child(below, root, `{`+via+`}`) // a circle
		walk := func(user id.UserID, q rooms.HierarchyQuery) (out []id.RoomID) {
			t.Helper()
			for {
				page, next, err := h.Hierarchy(h.Context(), as(user), root, q)
				h.must(err)
				for _, r := range page {
					out = append(out, r.Room)
				}
				if q.From = next; next == "" {
					return out
				}
			}
		}
		for _, c := range []struct {
			user id.UserID
			q    rooms.HierarchyQuery
			want []id.RoomID
		}{
			{ada, rooms.HierarchyQuery{MaxDepth: -1}, []id.RoomID{root, below, deep, open, closed}},
			{bob, rooms.HierarchyQuery{MaxDepth: -1}, []id.RoomID{root, below, deep, open}},
			{bob, rooms.HierarchyQuery{MaxDepth: -1, Limit: 1}, []id.RoomID{root, below, deep, open}},
			{bob, rooms.HierarchyQuery{MaxDepth: -1, Limit: 3}, []id.RoomID{root, below, deep, open}},
			{bob, rooms.HierarchyQuery{MaxDepth: 1}, []id.RoomID{root, below, open}},
			{bob, rooms.HierarchyQuery{MaxDepth: -1, Suggested: true}, []id.RoomID{root, below}},
		} {
			if got := walk(c.user, c.q); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s, %+v: %v, want %v", c.user, c.q, got, c.want)
			}
		}
		_, _, err := h.Hierarchy(h.Context(), as(bob), closed, rooms.HierarchyQuery{})
		h.refused(err, matrix.Forbidden)
		_, _, err = h.Hierarchy(h.Context(), as(bob), root, rooms.HierarchyQuery{From: "x"})
		h.refused(err, matrix.InvalidParam)
	})
}
