package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// MakeJoin returns the template of the event with which user, of the server
// that asks, joins a room. versions are the room versions that server knows.
//
// Spec: server-server-api#get_matrixfederationv1make_joinroomiduserid
func (r *Rooms) MakeJoin(ctx context.Context, origin string, room id.RoomID, user id.UserID, versions []string) (_ *MemberTemplate, err error) {
	defer matrix.Wrap(&err, "make join")
	rm, err := r.hostedFor(ctx, origin, room, user, versions)
	if err != nil {
		return nil, err
	}
	return r.template(ctx, rm, user, "join", func(v *view) (map[string]any, error) {
		now := v.membership(string(user))
		if now == "join" {
			return nil, nil
		}
		return r.servedAdmission(v, user, now)
	})
}

// MakeKnock is MakeJoin for knocks.
//
// Spec: server-server-api#get_matrixfederationv1make_knockroomiduserid
func (r *Rooms) MakeKnock(ctx context.Context, origin string, room id.RoomID, user id.UserID, versions []string) (_ *MemberTemplate, err error) {
	defer matrix.Wrap(&err, "make knock")
	rm, err := r.hostedFor(ctx, origin, room, user, versions)
	if err != nil {
		return nil, err
	}
	if !rm.rules.Knock {
		return nil, matrix.Errorf(matrix.Forbidden, "Rooms of version %s cannot be knocked on.", rm.Version())
	}
	return r.template(ctx, rm, user, "knock", nothingMore)
}

// MakeLeave is MakeJoin for leaving, declining an invitation and taking back a
// knock.
//
// Spec: server-server-api#get_matrixfederationv1make_leaveroomiduserid
func (r *Rooms) MakeLeave(ctx context.Context, origin string, room id.RoomID, user id.UserID) (_ *MemberTemplate, err error) {
	defer matrix.Wrap(&err, "make leave")
	rm, err := r.hostedFor(ctx, origin, room, user, event.Versions())
	if err != nil {
		return nil, err
	}
	return r.template(ctx, rm, user, "leave", func(v *view) (map[string]any, error) {
		switch v.membership(string(user)) {
		case "join", "invite", "knock":
			return nil, nil
		}
		return nil, matrix.Errorf(matrix.Forbidden, "%s is not in the room.", user)
	})
}

func nothingMore(*view) (map[string]any, error) { return nil, nil }

// hostedFor is hosted for a change of the membership of a user of origin.
func (r *Rooms) hostedFor(ctx context.Context, origin string, room id.RoomID, user id.UserID, versions []string) (*Room, error) {
	if !event.ValidUser(string(user)) {
		return nil, matrix.Errorf(matrix.InvalidParam, "%q is not a user id.", string(user))
	}
	if event.ServerName(user) != origin {
		return nil, matrix.Errorf(matrix.Forbidden, "%s is not a user of %s.", user, origin)
	}
	rm, err := r.hosted(ctx, origin, room)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(versions, rm.Version()) {
		return nil, &matrix.Error{
			Code: matrix.IncompatibleRoomVersion, Text: "The room has version " + rm.Version() + ", which the asking server does not know.",
			Extra: map[string]any{"room_version": rm.Version()},
		}
	}
	return rm, nil
}

// servedAdmission is admission for a user of another server, to which this
// server has to be able to vouch for them.
//
// Spec: server-server-api#restricted-rooms
func (r *Rooms) servedAdmission(v *view, user id.UserID, now string) (map[string]any, error) {
	rule := v.joinRule()
	if now == "invite" || now == "ban" || rule != "restricted" && rule != "knock_restricted" {
		return nil, nil // the rules of authorisation say the rest
	}
	member, sure, err := r.inAllowedRoomHere(v, user)
	switch {
	case err != nil:
		return nil, err
	case !member && !sure:
		return nil, &matrix.Error{Code: matrix.UnableToAuthoriseJoin, Status: 400, Text: "This server does not know all rooms whose members may join."}
	case !member:
		return nil, matrix.Errorf(matrix.Forbidden, "Only members of certain other rooms or spaces may join this room.")
	}
	host := r.inviter(v)
	if host == "" {
		return nil, &matrix.Error{Code: matrix.UnableToGrantJoin, Status: 400, Text: "Nobody on this server who is in the room may let others in."}
	}
	return map[string]any{authorisedVia: host}, nil
}

// inAllowedRoomHere reports whether user is in one of the rooms that let them
// in, and whether this server is in all of those, so that it can be sure.
func (r *Rooms) inAllowedRoomHere(v *view, user id.UserID) (member, sure bool, err error) {
	sure = true
	for _, room := range allowedRooms(v.Event("m.room.join_rules", "")) {
		rm, err := r.Room(v.ctx, room)
		if matrix.IsCode(err, matrix.NotFound) || err == nil && !rm.isResident() {
			sure = false
			continue
		}
		if err != nil {
			return false, false, err
		}
		if rm.MembershipOf(user) == "join" {
			return true, true, nil
		}
	}
	return false, sure, nil
}

// template is Room.template, again if the room was loaded anew meanwhile.
func (r *Rooms) template(ctx context.Context, rm *Room, user id.UserID, membership string, more func(*view) (map[string]any, error)) (*MemberTemplate, error) {
	for {
		t, err := rm.template(ctx, user, membership, more)
		if !errors.Is(err, errRetired) {
			return t, err
		}
		r.unload(rm)
		if rm, err = r.Room(ctx, rm.id); err != nil {
			return nil, err
		}
	}
}

// template makes the member event of a user of another server as it would be
// sent now, without hash and signature, after the rules have allowed it.
func (rm *Room) template(ctx context.Context, user id.UserID, membership string, more func(*view) (map[string]any, error)) (*MemberTemplate, error) {
	w := &rm.write
	w.Lock()
	defer w.Unlock()
	if w.dead {
		return nil, errRetired
	}
	v := &view{ctx: ctx, rm: rm, levels: w.levels, heads: w.heads}
	content, err := more(v)
	if err != nil {
		return nil, err
	}
	if content == nil {
		content = map[string]any{}
	}
	content["membership"] = membership
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	key := string(user)
	probe := &event.PDU{Room: rm.id, Sender: user, Type: "m.room.member", StateKey: &key, Content: raw, Rules: rm.rules, Depth: 1}
	for _, h := range v.heads[max(0, len(v.heads)-event.MaxPrev):] {
		probe.Prev = append(probe.Prev, h.id)
		probe.Depth = max(probe.Depth, min(h.depth+1, event.MaxDepth))
	}
	for _, k := range auth.Needed(probe) {
		if e := v.Event(k.Type, k.Key); e != nil {
			probe.Auth = append(probe.Auth, e.ID)
		}
	}
	refusal := auth.Check(probe, v)
	if v.err != nil {
		return nil, v.err
	}
	if refusal != nil {
		return nil, refusal
	}
	return rm.writeTemplate(probe)
}

// writeTemplate writes p without what its sender's server adds.
func (rm *Room) writeTemplate(p *event.PDU) (*MemberTemplate, error) {
	raw, err := json.Marshal(map[string]any{
		"type": p.Type, "room_id": rm.id, "sender": p.Sender, "state_key": p.StateKey, "content": p.Content,
		"depth": p.Depth, "prev_events": rm.asRefs(p.Prev), "auth_events": rm.asRefs(p.Auth),
		"origin": rm.r.opt.ServerName, "origin_server_ts": rm.r.opt.Now().UnixMilli(),
	})
	return &MemberTemplate{Version: rm.Version(), Event: raw}, err
}

// asRefs is how events refer to others: by their ids, in room versions 1 and 2
// with hashes, which nobody looks at.
func (rm *Room) asRefs(ids []id.EventID) any {
	if rm.rules.IDs != event.OwnID {
		return slices.Concat([]id.EventID{}, ids)
	}
	out := make([][2]any, len(ids))
	for i, ev := range ids {
		out[i] = [2]any{ev, map[string]string{}}
	}
	return out
}
