package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const authorisedVia = "join_authorised_via_users_server"

// Join joins a room. Joining a room one is in changes nothing.
//
// Spec: client-server-api#joining-rooms
func (r *Rooms) Join(ctx context.Context, p matrix.Principal, c MemberChange) error {
	c.User = p.User
	elsewhere, err := r.isElsewhere(ctx, c.Room)
	if err != nil {
		return err
	}
	if elsewhere {
		return r.joinElsewhere(ctx, p, c)
	}
	err = r.joinHere(ctx, p, c)
	if matrix.IsCode(err, matrix.UnableToGrantJoin) && r.opt.Peers != nil {
		return r.joinElsewhere(ctx, p, c) // somebody there may let the user in
	}
	return err
}

func (r *Rooms) joinHere(ctx context.Context, p matrix.Principal, c MemberChange) error {
	if _, err := r.Room(ctx, c.Room); err != nil {
		return err
	}
	return r.member(ctx, p, c, func(v *view, now string) (string, map[string]any, error) {
		if now == "join" {
			return "", nil, nil
		}
		more, err := r.admission(v, p.User, now)
		return "join", more, err
	})
}

// admission is what a join of user has to carry.
//
// Spec: client-server-api#restricted-rooms
func (r *Rooms) admission(v *view, user id.UserID, now string) (map[string]any, error) {
	rule := v.joinRule()
	if now == "invite" || rule != "restricted" && rule != "knock_restricted" {
		return nil, nil // the rules of authorisation say the rest
	}
	if now == "ban" {
		return nil, matrix.Errorf(matrix.Forbidden, "You are banned from the room.")
	}
	allowed, err := r.inAllowedRoom(v, user)
	if err != nil {
		return nil, err
	}
	if !allowed {
		return nil, matrix.Errorf(matrix.Forbidden, "Only members of certain other rooms or spaces may join this room.")
	}
	host := r.inviter(v)
	if host == "" {
		return nil, matrix.Errorf(matrix.UnableToGrantJoin, "Nobody on this server who is in the room may let you in.")
	}
	return map[string]any{authorisedVia: host}, nil
}

func (v *view) joinRule() string {
	if e := v.Event("m.room.join_rules", ""); e != nil {
		return e.Content().Get("join_rule").Str
	}
	return "invite"
}

// allowedRooms are the rooms whose members may join a restricted room.
func allowedRooms(joinRules *Event) []id.RoomID {
	if joinRules == nil {
		return nil
	}
	var out []id.RoomID
	for _, a := range joinRules.Content().Get("allow").Array() {
		if a.Get("type").Str == "m.room_membership" && a.Get("room_id").Str != "" {
			out = append(out, id.RoomID(a.Get("room_id").Str))
		}
	}
	return out
}

// inAllowedRoom reports whether user is in one of the rooms that let them in.
func (r *Rooms) inAllowedRoom(v *view, user id.UserID) (bool, error) {
	for _, room := range allowedRooms(v.Event("m.room.join_rules", "")) {
		m, err := r.MembershipOf(v.ctx, user, room)
		if err != nil || m.Membership == "join" {
			return err == nil, err
		}
	}
	return false, nil
}

// inviter returns somebody of this server who may invite, "" when there is nobody.
func (r *Rooms) inviter(v *view) id.UserID {
	levels := v.Levels()
	for _, user := range v.rm.Members("join") {
		if r.IsLocal(user) && levels.User(user) >= levels.Invite() && v.membership(string(user)) == "join" {
			return user
		}
	}
	return ""
}

// Knock asks to be let in.
//
// Spec: client-server-api#knocking-on-rooms
func (r *Rooms) Knock(ctx context.Context, p matrix.Principal, c MemberChange) error {
	c.User = p.User
	elsewhere, err := r.isElsewhere(ctx, c.Room)
	if err != nil {
		return err
	}
	if elsewhere {
		return r.knockElsewhere(ctx, p, c)
	}
	if _, err := r.Room(ctx, c.Room); err != nil {
		return err
	}
	return r.member(ctx, p, c, func(_ *view, now string) (string, map[string]any, error) {
		switch now {
		case "knock":
			return "", nil, nil
		case "join", "invite":
			return "", nil, errAlreadyIn()
		}
		return "knock", nil, nil
	})
}

func errAlreadyIn() error {
	return matrix.Errorf(matrix.Forbidden, "You are in the room, or may join it, already.")
}
