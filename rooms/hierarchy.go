package rooms

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const (
	hierarchyPage = 50     // rooms on a page, at most
	hierarchyMost = 10_000 // rooms that are walked, at most
)

// HierarchyQuery asks for a page of the rooms of a space.
//
// Spec: client-server-api#get_matrixclientv1roomsroomidhierarchy
type HierarchyQuery struct {
	Suggested bool // only children that the space suggests
	Limit     int  // 0: as many as fit on a page
	MaxDepth  int  // -1: any
	From      string
}

// HierarchyRoom is a room of a space.
type HierarchyRoom struct {
	Summary
	Children []json.RawMessage // its m.space.child events, stripped, with origin_server_ts
}

// Hierarchy returns the rooms below and with a space, depth first, that the
// user may know of, and where the next page begins, "" at the end.
func (r *Rooms) Hierarchy(ctx context.Context, p matrix.Principal, space id.RoomID, q HierarchyQuery) ([]HierarchyRoom, string, error) {
	skip, err := parseSince(q.From)
	if err != nil {
		return nil, "", err
	}
	if q.Limit <= 0 || q.Limit > hierarchyPage {
		q.Limit = hierarchyPage
	}
	rm, err := r.known(ctx, space)
	if err != nil {
		return nil, "", err
	}
	may, err := r.MayKnow(ctx, p.User, rm)
	if err != nil {
		return nil, "", err
	}
	if !may {
		return nil, "", errNotInRoom()
	}
	w := &hierarchyWalk{r: r, user: p.User, q: q, skip: skip, seen: map[id.RoomID]bool{}}
	if err := w.visit(ctx, rm, 0); err != nil {
		return nil, "", err
	}
	if w.more {
		return w.out, strconv.Itoa(skip + len(w.out)), nil
	}
	return w.out, "", nil
}

// hierarchyWalk goes through a space from its root. Every page begins there
// again: nothing has to be kept between pages.
type hierarchyWalk struct {
	r    *Rooms
	user id.UserID
	q    HierarchyQuery
	skip int
	seen map[id.RoomID]bool
	out  []HierarchyRoom
	n    int
	more bool
}

func (w *hierarchyWalk) visit(ctx context.Context, rm *Room, depth int) error {
	if w.seen[rm.id] || len(w.seen) >= hierarchyMost {
		return nil
	}
	w.seen[rm.id] = true
	if len(w.out) >= w.q.Limit {
		w.more = true
		return nil
	}
	children, err := w.children(ctx, rm)
	if err != nil {
		return err
	}
	if w.n++; w.n > w.skip {
		s, err := rm.Summary(ctx)
		if err != nil {
			return err
		}
		w.out = append(w.out, HierarchyRoom{s, childStates(children)})
	}
	if w.q.MaxDepth >= 0 && depth >= w.q.MaxDepth {
		return nil
	}
	for _, c := range children {
		if w.more {
			return nil
		}
		child, may, err := w.child(ctx, id.RoomID(*c.StateKey))
		if err != nil {
			return err
		}
		if may {
			if err := w.visit(ctx, child, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// child returns a room of the space, and whether the user may know of it.
func (w *hierarchyWalk) child(ctx context.Context, room id.RoomID) (*Room, bool, error) {
	rm, err := w.r.Room(ctx, room)
	if matrix.IsCode(err, matrix.NotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	may, err := w.r.MayKnow(ctx, w.user, rm)
	return rm, may, err
}

// children returns the m.space.child events of a space in the order in which
// clients show them.
//
// Spec: client-server-api#ordering-of-children-within-a-space
func (w *hierarchyWalk) children(ctx context.Context, rm *Room) ([]*Event, error) {
	create, err := rm.Current(ctx, "m.room.create", "")
	if err != nil || create == nil || create.Content().Get("type").Str != "m.space" {
		return nil, err
	}
	evs, err := rm.CurrentState(ctx, func(k StateKey) bool { return k.Type == "m.space.child" })
	if err != nil {
		return nil, err
	}
	evs = slices.DeleteFunc(evs, func(e *Event) bool {
		c := e.Content()
		return !c.Get("via").IsArray() || w.q.Suggested && !c.Get("suggested").Bool()
	})
	slices.SortFunc(evs, func(a, b *Event) int {
		x, y := childOrder(a), childOrder(b)
		if (x == "") != (y == "") { // those with an order come first
			return cmp.Compare(y, x)
		}
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a.TS, b.TS), cmp.Compare(*a.StateKey, *b.StateKey))
	})
	return evs, nil
}

// childOrder is the valid order of a child, or "".
func childOrder(e *Event) string {
	order := e.Content().Get("order").Str
	if len(order) > 50 {
		return ""
	}
	for _, c := range []byte(order) {
		if c < 0x20 || c > 0x7e {
			return ""
		}
	}
	return order
}

func childStates(children []*Event) []json.RawMessage {
	out := make([]json.RawMessage, len(children))
	for i, e := range children {
		b := appendStripped(nil, e)
		b = append(b[:len(b)-1], `,"origin_server_ts":`...)
		out[i] = append(strconv.AppendInt(b, e.TS, 10), '}')
	}
	return out
}

// MayKnow reports whether user may see what a room shows of itself: those who
// are in it or asked to be, and where everybody may join, knock or read, all.
func (r *Rooms) MayKnow(ctx context.Context, user id.UserID, rm *Room) (bool, error) {
	switch rm.MembershipOf(user) {
	case "join", "invite", "knock":
		return true, nil
	case "ban":
		return false, nil
	}
	s, err := rm.Summary(ctx)
	if err != nil {
		return false, err
	}
	switch s.JoinRule {
	case "public", "knock", "knock_restricted":
		return true, nil
	}
	if s.WorldReadable {
		return true, nil
	}
	if user == "" || s.JoinRule != "restricted" {
		return false, nil
	}
	for _, room := range s.Allowed {
		m, err := r.MembershipOf(ctx, user, room)
		if err != nil || m.Membership == "join" {
			return err == nil, err
		}
	}
	return false, nil
}
