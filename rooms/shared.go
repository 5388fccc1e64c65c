package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// MembershipAt returns what the membership of user in room was after pos. It
// reads the log only when it has changed since, longer ago than is remembered.
func (r *Rooms) MembershipAt(ctx context.Context, user id.UserID, room id.RoomID, pos matrix.Position) (string, error) {
	m, err := r.MembershipOf(ctx, user, room)
	if err != nil || m.Pos <= pos {
		return m.Membership, err
	}
	rm, err := r.Room(ctx, room)
	if err != nil {
		return "", err
	}
	state, err := rm.StateAt(ctx, pos)
	if err != nil {
		return "", err
	}
	at, ok := state.Get("m.room.member", string(user))
	if !ok {
		return "", nil
	}
	evs, err := r.Events(ctx, []matrix.Position{at})
	if err != nil || evs[at] == nil {
		return "", err
	}
	return evs[at].Membership(), nil
}

// SharedRoomAt reports whether a and b were joined to a common room after pos.
func (r *Rooms) SharedRoomAt(ctx context.Context, a, b id.UserID, pos matrix.Position) (bool, error) {
	all, err := r.MembershipsOf(ctx, a)
	if err != nil {
		return false, err
	}
	for _, m := range all {
		if m.Pos <= pos && m.Membership != "join" {
			continue
		}
		both := true
		for _, user := range []id.UserID{b, a} {
			is, err := r.MembershipAt(ctx, user, m.Room, pos)
			if err != nil {
				return false, err
			}
			if both = is == "join"; !both {
				break
			}
		}
		if both {
			return true, nil
		}
	}
	return false, nil
}

// MembersAt returns who was joined after pos, in no order.
func (rm *Room) MembersAt(ctx context.Context, pos matrix.Position) ([]id.UserID, error) {
	now := rm.Members("join")
	later, err := rm.StateChanges(ctx, pos, maxPos)
	if err != nil || len(later) == 0 {
		return now, err
	}
	were := map[id.UserID]bool{} // of those whose membership has changed since
	for _, c := range later {
		if c.Key.Type != "m.room.member" {
			continue
		}
		was, _, err := rm.r.MembershipChange(ctx, c)
		if err != nil {
			return nil, err
		}
		were[id.UserID(c.Key.Key)] = was == "join"
	}
	out := make([]id.UserID, 0, len(now))
	for _, user := range now {
		if _, changed := were[user]; !changed {
			out = append(out, user)
		}
	}
	for user, was := range were {
		if was {
			out = append(out, user)
		}
	}
	return out, nil
}

// Stayed reports whether a member who was joined before a change and is so
// after it was not away in between.
func (r *Rooms) Stayed(ctx context.Context, c StateChange) (bool, error) {
	for at := c.Event; at > c.Prev; {
		evs, err := r.Events(ctx, []matrix.Position{at})
		if err != nil {
			return false, err
		}
		e := evs[at]
		if e == nil || e.Membership() != "join" {
			return false, nil
		}
		at = e.Replaces
	}
	return true, nil
}
