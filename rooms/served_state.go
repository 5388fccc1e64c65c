package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/eventlog"
)

// ServeState returns the state of a room before an event, and its auth chain,
// to another server.
//
// Spec: server-server-api#get_matrixfederationv1stateroomid
// Spec: server-server-api#get_matrixfederationv1state_idsroomid
func (r *Rooms) ServeState(ctx context.Context, origin string, room id.RoomID, at id.EventID) (state, chain []Served, err error) {
	defer matrix.Wrap(&err, "serve state")
	rm, e, err := r.visitedAt(ctx, origin, room, at)
	if err != nil {
		return nil, nil, err
	}
	known, err := rm.hasState(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if !known {
		return nil, nil, matrix.Errorf(matrix.NotFound, "This server does not know the state of the room then.")
	}
	before, err := rm.StateBefore(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	return rm.serveState(ctx, before, nil)
}

// serveState returns the events of a state that keep accepts (nil: all), and
// the auth chain of them and of more.
func (rm *Room) serveState(ctx context.Context, s *State, keep func(StateKey) bool, more ...*Event) (state, chain []Served, err error) {
	c := newChain(rm)
	positions := s.Positions(keep)
	state = make([]Served, 0, len(positions))
	err = rm.r.records(ctx, positions, func(rec eventlog.Record) {
		state = append(state, Served{rec.ID, rec.JSON})
		c.want(authOf(rec)...)
	})
	if err != nil {
		return nil, nil, err
	}
	for _, e := range more {
		c.want(e.pdu.Auth...)
	}
	chain, err = c.read(ctx)
	return state, chain, err
}

// Handover is a room as a server gets it that has just joined.
type Handover struct {
	Event          Served // the join, as this server has signed it
	State, Auth    []Served
	MembersOmitted bool
	Servers        []string // in the room before, with this one
}

// ServeJoined returns the room before the join that AcceptJoin has taken in.
// With fewMembers, the state has no more members than whoever joins needs to
// show the room, and the auth chain holds what is not in the state.
//
// Spec: server-server-api#put_matrixfederationv2send_joinroomideventid
func (r *Rooms) ServeJoined(ctx context.Context, join *Event, fewMembers bool) (_ *Handover, err error) {
	defer matrix.Wrap(&err, "serve joined room")
	rm, err := r.Room(ctx, join.Room)
	if err != nil {
		return nil, err
	}
	before, err := rm.StateBefore(ctx, join)
	if err != nil {
		return nil, err
	}
	h := &Handover{Event: Served{join.ID, join.PDU}, Servers: rm.serversBefore(join)}
	var keep func(StateKey) bool
	if fewMembers {
		shown := rm.shownMembers(before, join)
		keep = func(k StateKey) bool { return k.Type != "m.room.member" || shown[k.Key] }
		h.MembersOmitted = true
	}
	if h.State, h.Auth, err = rm.serveState(ctx, before, keep, join); err != nil || !fewMembers {
		return h, err
	}
	inState := make(map[id.EventID]bool, len(h.State))
	for _, e := range h.State {
		inState[e.ID] = true
	}
	rest := h.Auth[:0]
	for _, e := range h.Auth {
		if !inState[e.ID] {
			rest = append(rest, e)
		}
	}
	h.Auth = rest
	return h, nil
}

// serversBefore lists the servers that were in the room before a join, this one
// last.
func (rm *Room) serversBefore(join *Event) []string {
	of := join.Sender.Homeserver()
	others := slices.ContainsFunc(rm.Members("join"), func(user id.UserID) bool {
		return user != join.Sender && user.Homeserver() == of
	})
	out := slices.Clone(rm.Servers())
	if !others {
		out = slices.DeleteFunc(out, func(s string) bool { return s == of })
	}
	return append(out, rm.r.opt.ServerName)
}

// shownMembers are the members after whom a room without a name is called, and
// who joins.
//
// Spec: client-server-api#calculating-the-display-name-for-a-room
func (rm *Room) shownMembers(s *State, join *Event) map[string]bool {
	shown := map[string]bool{*join.StateKey: true}
	_, named := s.Get("m.room.name", "")
	_, hasAlias := s.Get("m.room.canonical_alias", "")
	if named || hasAlias {
		return shown
	}
	for _, user := range rm.Heroes(join.Sender) {
		shown[string(user)] = true
	}
	return shown
}

// ServeEventAuth returns the auth chain of an event, without the event.
//
// Spec: server-server-api#get_matrixfederationv1event_authroomideventid
func (r *Rooms) ServeEventAuth(ctx context.Context, origin string, room id.RoomID, ev id.EventID) (_ []Served, err error) {
	defer matrix.Wrap(&err, "serve auth chain")
	rm, e, err := r.visitedAt(ctx, origin, room, ev)
	if err != nil {
		return nil, err
	}
	c := newChain(rm)
	c.want(e.pdu.Auth...)
	return c.read(ctx)
}

// chain gathers an auth chain. Events are read by generations: each holds what
// authorises the one before.
type chain struct {
	rm   *Room
	seen map[id.EventID]bool
	next []id.EventID
}

func newChain(rm *Room) *chain {
	c := &chain{rm: rm, seen: map[id.EventID]bool{}}
	if rm.rules.Creators { // whose auth events do not name the first one
		c.want(id.EventID("$" + rm.id[1:]))
	}
	return c
}

// want adds events, whose own chain follows.
func (c *chain) want(ids ...id.EventID) {
	for _, ev := range ids {
		if !c.seen[ev] {
			c.seen[ev] = true
			c.next = append(c.next, ev)
		}
	}
}

// read returns the chain, whatever authorises others later.
func (c *chain) read(ctx context.Context) ([]Served, error) {
	var out []Served
	for len(c.next) > 0 {
		now := c.next
		c.next = nil
		err := c.rm.r.recordsByID(ctx, now, func(rec eventlog.Record) {
			if rec.Room == c.rm.nid && rec.Hidden&eventlog.Rejected == 0 {
				out = append(out, Served{rec.ID, rec.JSON})
				c.want(authOf(rec)...)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
