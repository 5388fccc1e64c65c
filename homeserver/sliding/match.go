package sliding

import (
	"cmp"
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// match is a room that a client wants to be told of.
type match struct {
	m          *rooms.Membership
	was        *known          // what the client has of it; nil: nothing
	is         *known          // what it has with this answer
	last       matrix.Position // of the newest event that concerns the user
	listed     bool            // it may be in lists
	lists      lists           // that it is in
	subscribed bool
	reached    bool          // it is subscribed, or belongs to a list wherever the client looks
	told       tell.Timeline // what this answer holds of it
	config
}

// place is where a room is in a list.
type place struct {
	n    int
	room id.RoomID
}

// match finds the rooms that the client wants to be told of. It looks at every
// room of the user, and reads nothing of those that it does not find.
func (t *turn) match(ctx context.Context) error {
	all, err := t.candidates(ctx)
	if err != nil {
		return err
	}
	t.counts, t.windows = make([]int, len(t.question.lists)), make([][]place, len(t.question.lists))
	for i := range t.question.lists {
		if err := t.matchList(ctx, i, all); err != nil {
			return err
		}
	}
	merged := map[lists]config{}
	t.matches = make([]*match, 0, len(all))
	for _, x := range all {
		if x.reached || x.subscribed {
			t.reached = append(t.reached, x)
		}
		if x.lists.isEmpty() && !x.subscribed {
			continue
		}
		c, ok := merged[x.lists]
		if !ok {
			c = t.configOf(&x.lists)
			merged[x.lists] = c
		}
		if x.config = c; x.subscribed {
			x.config = t.both(c, t.question.rooms[x.m.Room])
		}
		t.matches = append(t.matches, x)
	}
	return nil
}

// configOf returns what is to be told of a room that is in some lists.
func (t *turn) configOf(in *lists) (c config) {
	for i := range t.question.lists {
		if in.has(i) {
			c = t.both(c, t.question.lists[i].config)
		}
	}
	return c
}

// candidates returns the rooms that may be in lists, and those that the client
// subscribed to, by activity.
//
// Spec: todo MSC4186, lists and activity ordering, once it is in a release
func (t *turn) candidates(ctx context.Context) ([]*match, error) {
	all, made := make([]*match, 0, len(t.memberships)), make([]match, len(t.memberships))
	joined := make([]id.RoomID, 0, len(t.memberships))
	for i := range t.memberships {
		m, x := &t.memberships[i], &made[i]
		_, subscribed := t.question.rooms[m.Room]
		x.subscribed = subscribed && !m.Forgotten && !t.isRefused(m)
		x.m, x.last, x.was = m, m.Pos, t.have.rooms[m.Room]
		x.is, x.listed = x.was, len(t.question.lists) > 0 && t.isListed(x)
		if !x.subscribed && !x.listed {
			continue
		}
		all = append(all, x)
		if m.Membership == "join" {
			joined = append(joined, m.Room)
		}
	}
	lasts, err := t.Rooms.LastAfter(ctx, tell.Beginning, joined)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, x := range all {
		if x.m.Membership == "join" {
			x.last = min(lasts[n], t.since) // what came in meanwhile is told next time
			n++
		}
	}
	slices.SortFunc(all, func(a, b *match) int {
		if a.last == b.last {
			return cmp.Compare(a.m.Room, b.m.Room)
		}
		return cmp.Compare(b.last, a.last)
	})
	return all, nil
}

// isRefused reports whether m is an invitation by somebody whom the user does
// not want to hear from.
func (t *turn) isRefused(m *rooms.Membership) bool {
	return m.Membership == "invite" && t.invitations.Judge(m.Sender) != userdata.Welcome
}

// isListed reports whether a room may be in a list: those that the user is in,
// or on the way into; those that they were thrown out of; and those that the
// client does not know yet to be left.
func (t *turn) isListed(x *match) bool {
	m := x.m
	if t.isRefused(m) {
		return false
	}
	if isPresent(m.Membership) || x.was != nil && isPresent(x.was.membership) {
		return true
	}
	return !m.Forgotten && m.Prev == "join" && (m.Membership == "ban" || m.Sender != t.who.User)
}

// isPresent reports whether somebody with the membership is in the room, or on
// the way into it.
func isPresent(membership string) bool {
	return membership == "join" || membership == "invite" || membership == "knock"
}

// matchList marks the rooms that are in list number i.
func (t *turn) matchList(ctx context.Context, i int, all []*match) error {
	l := &t.question.lists[i]
	f, err := t.filter(ctx, &l.filters, all)
	if err != nil {
		return err
	}
	n := 0
	for k, x := range all {
		if !x.listed {
			continue
		}
		ok, err := f.accepts(ctx, k, x)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		x.reached = true
		if l.shows(n) {
			x.lists.add(i)
			if t.initial() {
				t.windows[i] = append(t.windows[i], place{n, x.m.Room})
			}
		}
		n++
	}
	t.counts[i] = n
	return nil
}

// shows reports whether the room at place n is in one of the ranges.
func (l *list) shows(n int) bool {
	return l.ranges == nil || slices.ContainsFunc(l.ranges, func(r Range) bool { return r.First <= n && n <= r.Last })
}

// writeOperations writes which rooms are where in list number i, as a client
// of the time before wants to know it of a new list.
func (t *turn) writeOperations(i int) {
	w := &t.out
	ranges := t.question.lists[i].ranges
	if ranges == nil {
		ranges = []Range{{0, max(0, t.counts[i]-1)}}
	}
	for _, r := range ranges {
		w.Raw([]byte(`{"op":"SYNC"`))
		w.OpenList("range")
		w.Int(int64(r.First))
		w.Int(int64(r.Last))
		w.CloseList()
		w.OpenList("room_ids")
		for _, p := range t.windows[i] {
			if r.First <= p.n && p.n <= r.Last {
				w.Text(string(p.room))
			}
		}
		w.CloseList()
		w.Buf = append(w.Buf, '}')
	}
}
