package e2ee

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Changes returns whose keys the user has to ask for again: those that
// changed after since and up to upto, and those of people with whom the user
// began to share a room; and with whom the user shares no room any more. All
// that is as of upto, whatever has happened since: so nobody falls between two
// questions.
//
// Spec: client-server-api#tracking-the-device-list-for-a-user
func (k *Keys) Changes(ctx context.Context, user id.UserID, since, upto matrix.Position) (changed, left []id.UserID, err error) {
	c := &changes{k: k, ctx: ctx, user: user, since: since, upto: upto, met: map[id.UserID]bool{}, parted: map[id.UserID]bool{}}
	if err := c.memberships(); err != nil {
		return nil, nil, err
	}
	if err := c.keys(); err != nil {
		return nil, nil, err
	}
	for other := range c.parted {
		if other == user || c.met[other] {
			continue
		}
		shares, err := k.rooms.SharedRoomAt(ctx, user, other, upto)
		if err != nil {
			return nil, nil, err
		}
		if !shares {
			left = append(left, other)
		}
	}
	for other := range c.met {
		changed = append(changed, other)
	}
	slices.Sort(changed)
	slices.Sort(left)
	return changed, left, nil
}

// changes collects what Changes returns.
type changes struct {
	k           *Keys
	ctx         context.Context
	user        id.UserID
	since, upto matrix.Position
	met, parted map[id.UserID]bool
}

// keys adds the people of the user's rooms whose keys changed.
func (c *changes) keys() error {
	for _, other := range c.k.news.between(c.since, c.upto) {
		if c.met[other] {
			continue
		}
		shares := other == c.user
		if !shares {
			var err error
			if shares, err = c.k.rooms.SharedRoomAt(c.ctx, c.user, other, c.upto); err != nil {
				return err
			}
		}
		if shares {
			c.met[other] = true
		}
	}
	for _, other := range c.k.news.verifiedBetween(c.user, c.since, c.upto) {
		c.met[other] = true
	}
	return nil
}

// memberships adds the people whom the user met or parted from.
func (c *changes) memberships() error {
	all, err := c.k.rooms.MembershipsOf(c.ctx, c.user)
	if err != nil {
		return err
	}
	var mine []id.RoomID
	for _, m := range all {
		if m.Membership == "join" || m.Pos > c.since {
			mine = append(mine, m.Room)
		}
	}
	lasts, err := c.k.rooms.LastAfter(c.ctx, c.since, mine)
	if err != nil {
		return err
	}
	for i, room := range mine {
		if lasts[i] == 0 {
			continue // and need not be in memory
		}
		if err := c.room(room); err != nil {
			return err
		}
	}
	return nil
}

// room adds those who came into or left a room of the user, and everybody in
// it when that is the user.
func (c *changes) room(room id.RoomID) error {
	rm, err := c.k.rooms.Room(c.ctx, room)
	if err != nil {
		return err
	}
	me, came, went, err := c.moves(rm)
	if err != nil {
		return err
	}
	if me.was {
		add(c.parted, went, "")
	}
	switch {
	case !me.was && !me.is:
		return nil
	case me.stayed:
		add(c.met, came, "")
		return nil
	}
	members, err := rm.MembersAt(c.ctx, c.upto)
	if me.is {
		add(c.met, members, c.user)
		if slices.ContainsFunc(members, func(other id.UserID) bool { return !c.k.isLocal(other) }) {
			c.met[c.user] = true // other servers are told of the user's devices
		}
	} else {
		add(c.parted, members, c.user)
	}
	return err
}

// moves returns what the user did in a room, and who else came and went.
func (c *changes) moves(rm *rooms.Room) (me visit, came, went []id.UserID, err error) {
	membership, err := c.k.rooms.MembershipAt(c.ctx, c.user, rm.ID(), c.upto)
	if err != nil {
		return me, nil, nil, err
	}
	is := membership == "join"
	me = visit{is, is, is} // unless it changed
	deltas, err := rm.StateChanges(c.ctx, c.since, c.upto)
	for _, d := range deltas {
		if d.Key.Type != "m.room.member" {
			continue
		}
		v, err := c.visit(d)
		if err != nil {
			return me, nil, nil, err
		}
		switch other := id.UserID(d.Key.Key); {
		case other == c.user:
			me = v
		case v.is && !v.stayed:
			came = append(came, other)
		case v.was && !v.is:
			went = append(went, other)
		}
	}
	return me, came, went, err
}

// visit is whether somebody was in a room before a change, is in it after, and
// was so in between.
type visit struct{ was, is, stayed bool }

// visit reads what a change of a member means. Whoever was away for a moment
// has come anew: their keys could not be asked for meanwhile.
func (c *changes) visit(d rooms.StateChange) (v visit, err error) {
	was, is, err := c.k.rooms.MembershipChange(c.ctx, d)
	v.was, v.is = was == "join", is == "join"
	if v.was && v.is && err == nil {
		v.stayed, err = c.k.rooms.Stayed(c.ctx, d)
	}
	return v, err
}

// add puts users into set, except one.
func add(set map[id.UserID]bool, users []id.UserID, except id.UserID) {
	for _, user := range users {
		if user != except {
			set[user] = true
		}
	}
}
