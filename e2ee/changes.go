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
	deltas, err := rm.StateChanges(c.ctx, c.since, c.upto)
	if err != nil {
		return err
	}
	is, err := c.k.rooms.MembershipAt(c.ctx, c.user, room, c.upto)
	if err != nil {
		return err
	}
	was := is
	var came, went []id.UserID
	for _, d := range deltas {
		if d.Key.Type != "m.room.member" {
			continue
		}
		before, now, err := c.k.rooms.MembershipChange(c.ctx, d)
		if err != nil {
			return err
		}
		switch other := id.UserID(d.Key.Key); {
		case other == c.user:
			was, is = before, now
		case now == "join" && before != "join":
			came = append(came, other)
		case now != "join" && before == "join":
			went = append(went, other)
		}
	}
	return c.tell(rm, was == "join", is == "join", came, went)
}

// tell notes what it means that people came into and went from a room that the
// user was in before, or is in now.
func (c *changes) tell(rm *rooms.Room, was, is bool, came, went []id.UserID) error {
	if was && is {
		add(c.met, came, "")
		add(c.parted, went, "")
	}
	if was == is {
		return nil
	}
	members, err := rm.MembersAt(c.ctx, c.upto)
	if err != nil {
		return err
	}
	if is {
		add(c.met, members, c.user)
		return nil
	}
	add(c.parted, members, c.user)
	add(c.parted, went, "")
	return nil
}

// add puts users into set, except one.
func add(set map[id.UserID]bool, users []id.UserID, except id.UserID) {
	for _, user := range users {
		if user != except {
			set[user] = true
		}
	}
}
