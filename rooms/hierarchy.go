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
	asking, cancel := context.WithTimeout(ctx, foreignTime)
	defer cancel()
	w := &hierarchyWalk{r: r, user: p.User, q: q, skip: skip, seen: map[id.RoomID]bool{}, asking: asking}
	root, err := w.find(ctx, space, nil)
	if err != nil {
		return nil, "", err
	}
	if root == nil {
		return nil, "", errNotInRoom()
	}
	if err := w.visit(ctx, root, 0); err != nil {
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

	asking context.Context // of questions to other servers, which have less time
}

// spaceRoom is a room of a space, of this server or not.
type spaceRoom struct {
	summary  Summary
	children []spaceChild
}

// spaceChild is a child of a space.
type spaceChild struct {
	room id.RoomID
	via  []string
	raw  json.RawMessage // stripped, with origin_server_ts
}

func (w *hierarchyWalk) visit(ctx context.Context, room *spaceRoom, depth int) error {
	if w.seen[room.summary.Room] || len(w.seen) >= hierarchyMost {
		return nil
	}
	w.seen[room.summary.Room] = true
	if len(w.out) >= w.q.Limit {
		w.more = true
		return nil
	}
	if w.n++; w.n > w.skip {
		w.out = append(w.out, HierarchyRoom{room.summary, rawChildren(room.children)})
	}
	if w.q.MaxDepth >= 0 && depth >= w.q.MaxDepth {
		return nil
	}
	for _, c := range room.children {
		if w.more {
			return nil
		}
		if w.seen[c.room] {
			continue
		}
		child, err := w.find(ctx, c.room, c.via)
		if err != nil {
			return err
		}
		if child != nil {
			if err := w.visit(ctx, child, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func rawChildren(children []spaceChild) []json.RawMessage {
	out := make([]json.RawMessage, len(children))
	for i, c := range children {
		out[i] = c.raw
	}
	return out
}

// find returns a room, nil when the user may not know of it.
func (w *hierarchyWalk) find(ctx context.Context, room id.RoomID, via []string) (*spaceRoom, error) {
	elsewhere, err := w.r.isElsewhere(ctx, room)
	if err != nil {
		return nil, err
	}
	if elsewhere {
		return w.findElsewhere(ctx, room, via)
	}
	rm, err := w.r.Room(ctx, room)
	if matrix.IsCode(err, matrix.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	may, err := w.r.MayKnow(ctx, w.user, rm)
	if err != nil || !may {
		return nil, err
	}
	out := &spaceRoom{}
	if out.summary, err = rm.Summary(ctx); err != nil {
		return nil, err
	}
	children, err := rm.spaceChildren(ctx, w.q.Suggested)
	if err != nil {
		return nil, err
	}
	states := childStates(children)
	for i, c := range children {
		out.children = append(out.children, spaceChild{id.RoomID(*c.StateKey), viaOf(c), states[i]})
	}
	return out, nil
}

// findElsewhere is find for a room that this server is not in.
func (w *hierarchyWalk) findElsewhere(ctx context.Context, room id.RoomID, via []string) (*spaceRoom, error) {
	servers, err := w.r.ways(ctx, w.user, room, via)
	if err != nil {
		return nil, err
	}
	known, err := w.r.elsewhere.room(w.asking, room, servers, isWhole)
	if ctx.Err() == nil && w.asking.Err() != nil {
		return nil, nil // there is no time for more: the page goes without
	}
	if err != nil || known == nil {
		return nil, err
	}
	may, err := w.r.mayKnowForeign(ctx, w.user, known.summary)
	if err != nil || !may {
		return nil, err
	}
	out := &spaceRoom{summary: known.summary}
	for _, c := range known.children {
		if c.suggested || !w.q.Suggested {
			out.children = append(out.children, spaceChild{c.room, c.via, c.raw})
		}
	}
	return out, nil
}

// viaOf are servers through which a child of a space can be reached.
func viaOf(e *Event) []string {
	var out []string
	for _, s := range e.Content().Get("via").Array() {
		if len(out) < foreignTries {
			out = append(out, s.Str)
		}
	}
	return out
}

// spaceChildren returns the m.space.child events of a space in the order in
// which clients show them.
//
// Spec: client-server-api#ordering-of-children-within-a-space
func (rm *Room) spaceChildren(ctx context.Context, suggested bool) ([]*Event, error) {
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
		return !c.Get("via").IsArray() || suggested && !c.Get("suggested").Bool()
	})
	slices.SortFunc(evs, func(a, b *Event) int { return rankOf(a).compare(rankOf(b)) })
	return evs, nil
}

// childRank is what the order of a child depends on.
type childRank struct {
	order string // "" when it has none that is valid
	ts    int64
	room  string
}

func rankOf(e *Event) childRank {
	return childRank{validOrder(e.Content().Get("order").Str), e.TS, *e.StateKey}
}

func (a childRank) compare(b childRank) int {
	if (a.order != "") != (b.order != "") { // those with an order come first
		return cmp.Compare(b.order, a.order)
	}
	return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.ts, b.ts), cmp.Compare(a.room, b.room))
}

// validOrder is the order of a child if it is valid, or "".
func validOrder(order string) string {
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
	return r.inAnyOf(ctx, user, s)
}
