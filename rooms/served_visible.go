package rooms

import (
	"context"
	"slices"
	"sort"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// guest is another server that asks about a room. It may see what any of its
// users may.
//
// Spec: server-server-api#backfilling-and-retrieving-missing-events
type guest struct {
	rm     *Room
	server string
	seen   *exposure
	inside bool            // one of its users is joined now
	upto   matrix.Position // up to here one of them was, or joined later; minPos: never
	spans  []company       // oldest first
	known  bool            // spans is filled in
}

// company is how many users of a server were in a room from pos on.
type company struct {
	pos             matrix.Position
	joined, invited int
}

// companions bounds the users of one server whose past is looked at. Who came
// first counts most: in larger crowds somebody of them was always there.
const companions = 100

// guest returns what server may see of the room. Where the history is open to
// all members, and one of the server's users is in, it is told from memory.
func (rm *Room) guest(ctx context.Context, server string) (*guest, error) {
	seen, err := rm.exposed(ctx)
	if err != nil {
		return nil, err
	}
	g := &guest{rm: rm, server: server, seen: seen, inside: rm.HasServer(server), upto: minPos}
	if g.inside {
		g.upto = maxPos
		if seen.open {
			return g, nil
		}
	}
	return g, g.remember(ctx)
}

// remember fills in when users of the server were in the room.
func (g *guest) remember(ctx context.Context) error {
	if g.known {
		return nil
	}
	for _, user := range g.rm.usersOf(g.server, companions) {
		var past []eventlog.MemberChange
		err := g.rm.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
			past, err = g.rm.r.log.MemberHistory(ctx, tx, g.rm.nid, user)
			return err
		})
		if err != nil {
			return err
		}
		g.count(past)
	}
	g.known = true
	return nil
}

// count adds the memberships of one user.
func (g *guest) count(past []eventlog.MemberChange) {
	was := eventlog.None
	for _, c := range past {
		g.add(c.Pos, delta(was, c.Is, eventlog.Join), delta(was, c.Is, eventlog.Invite))
		if was == eventlog.Join && c.Is != eventlog.Join {
			g.upto = max(g.upto, c.Pos)
		}
		was = c.Is
	}
}

// delta is how a change counts for those with membership m.
func delta(was, is, m eventlog.Membership) int {
	n := 0
	if was == m {
		n--
	}
	if is == m {
		n++
	}
	return n
}

// add counts a change at pos.
func (g *guest) add(pos matrix.Position, joined, invited int) {
	if joined == 0 && invited == 0 {
		return
	}
	i := sort.Search(len(g.spans), func(i int) bool { return g.spans[i].pos >= pos })
	if i == len(g.spans) || g.spans[i].pos != pos {
		one := company{pos: pos}
		if i > 0 {
			one.joined, one.invited = g.spans[i-1].joined, g.spans[i-1].invited
		}
		g.spans = slices.Insert(g.spans, i, one)
	}
	for j := i; j < len(g.spans); j++ {
		g.spans[j].joined += joined
		g.spans[j].invited += invited
	}
}

// at returns who was there after the event at pos.
func (g *guest) at(pos matrix.Position) company {
	i := sort.Search(len(g.spans), func(i int) bool { return g.spans[i].pos > pos })
	if i == 0 {
		return company{}
	}
	return g.spans[i-1]
}

// wasHere reports whether a user of the server is or was in the room.
func (g *guest) wasHere() bool { return g.upto != minPos }

// wasAt reports whether the server may ask about the room as it was at e: it
// is in the room, or left it no earlier.
func (g *guest) wasAt(e *Event) bool { return e.Pos <= g.upto }

// sees reports whether the server may see e as it is. What its own users sent
// it has anyway.
//
// Spec: client-server-api#room-history-visibility
func (g *guest) sees(e *Event) bool {
	if e.Sender.Homeserver() == g.server {
		return true
	}
	if e.Type == "m.room.member" && e.StateKey != nil && id.UserID(*e.StateKey).Homeserver() == g.server {
		return true
	}
	if g.erasedFor(e) {
		return false
	}
	if e.Outlier { // known for what it authorises, which everybody in the room has to know
		return g.inside && e.IsState()
	}
	return g.allows(e.Pos, g.seen.at(e.Pos)) || e.Is("m.room.history_visibility", "") && g.allows(e.Pos, g.seen.at(e.Pos-1))
}

func (g *guest) allows(pos matrix.Position, v visibility) bool {
	switch v {
	case worldReadable:
		return true
	case shared:
		return pos <= g.upto
	}
	there := g.at(pos)
	return there.joined > 0 || v == invited && there.invited > 0 && pos <= g.upto
}

// erasedFor reports whether e was said by somebody who was erased since, and
// the server was not there to hear it.
func (g *guest) erasedFor(e *Event) bool { return g.rm.r.saidByErased(e) && g.at(e.Pos).joined == 0 }

// saidByErased reports whether e is hidden from those who did not hear it.
func (r *Rooms) saidByErased(e *Event) bool {
	if r.opt.Erased == nil || e.IsState() && !e.Is("m.room.member", string(e.Sender)) {
		return false
	}
	return r.opt.Erased.IsErased(e.Sender)
}

// show returns events as the server gets them, in their order: redacted where
// it may not see them.
func (g *guest) show(ctx context.Context, evs ...*Event) ([]Served, error) {
	if slices.ContainsFunc(evs, g.rm.r.saidByErased) {
		if err := g.remember(ctx); err != nil {
			return nil, err
		}
	}
	out := make([]Served, len(evs))
	for i, e := range evs {
		form := e
		if !g.sees(e) {
			var err error
			if form, err = redacted(g.rm, e); err != nil {
				return nil, err
			}
		}
		out[i] = Served{e.ID, form.PDU}
	}
	return out, nil
}

// usersOf returns up to limit users of a server who are or were in the room,
// those first whose membership is the oldest.
func (rm *Room) usersOf(server string, limit int) []id.UserID {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	var out []id.UserID
	for user := range rm.members.is {
		if user.Homeserver() == server {
			out = append(out, user)
		}
	}
	sortBy(out, func(u id.UserID) int64 { return rm.members.is[u].order })
	return out[:min(len(out), limit)]
}
