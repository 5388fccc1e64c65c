package e2ee

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Changes returns whose keys the user has to ask for again: those that
// changed after since and up to upto, and those of people with whom the user
// began to share a room; and with whom the user shares no room any more.
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
		shares, err := k.rooms.ShareRoom(ctx, user, other)
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
			if shares, err = c.k.rooms.ShareRoom(c.ctx, c.user, other); err != nil {
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
	var came, went []id.UserID
	mine, was := false, "join"
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
			mine, was = true, before
		case now == "join" && before != "join":
			came = append(came, other)
		case now != "join" && before == "join":
			went = append(went, other)
		}
	}
	is := rm.MembershipOf(c.user)
	switch {
	case is == "join" && mine && was != "join":
		add(c.met, rm.Members("join"), c.user)
	case is == "join":
		add(c.met, came, "")
		add(c.parted, went, "")
	case mine && was == "join":
		add(c.parted, append(went, rm.Members("join")...), c.user)
	}
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
