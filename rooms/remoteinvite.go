package rooms

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// inviteElsewhere invites a user of another server, who has to hear of it first:
// the event carries the signature of both servers.
//
// Spec: server-server-api#inviting-to-a-room
func (r *Rooms) inviteElsewhere(ctx context.Context, p matrix.Principal, c MemberChange) error {
	content, err := r.memberContent(ctx, c, "invite", nil)
	if err != nil {
		return err
	}
	_, err = r.inviteSigned(ctx, c, memberDraft(p.User, c.User, content))
	return err
}

// inviteSigned adds the invitation d once the server of who is invited has
// signed it, too.
func (r *Rooms) inviteSigned(ctx context.Context, c MemberChange, d *draft) (*Event, error) {
	rm, pdu, state, err := r.propose(ctx, c, d)
	if err != nil {
		return nil, err
	}
	raw, err := r.opt.Peers.Invite(ctx, c.User.Homeserver(), c.Room, pdu.ID, rm.rules.Version, pdu.JSON, state)
	if err != nil {
		return nil, refusedElsewhere(err)
	}
	signed, err := event.Parse(rm.rules, raw)
	if err != nil || signed.ID != pdu.ID {
		return nil, matrix.Errorf(matrix.Unknown, "The other server answered something else than the invitation.")
	}
	if err := r.verifyOf(ctx, signed, c.User.Homeserver()); err != nil {
		return nil, matrix.Errorf(matrix.Forbidden, "The other server did not sign the invitation.")
	}
	if err := rm.intake.lock(ctx); err != nil {
		return nil, err
	}
	defer rm.intake.unlock()
	return r.place(ctx, c.Room, signed, placing{strict: true})
}

// propose builds an event on the room's newest state, without adding it, and
// returns it with what somebody who is invited may know of the room.
func (r *Rooms) propose(ctx context.Context, c MemberChange, d *draft) (*Room, *event.PDU, []json.RawMessage, error) {
	rm, err := r.known(ctx, c.Room)
	if err != nil {
		return nil, nil, nil, err
	}
	rm.write.Lock()
	defer rm.write.Unlock()
	v := &view{ctx: ctx, rm: rm, levels: rm.write.levels, heads: rm.write.heads}
	if v.membership(string(c.User)) == "join" {
		return nil, nil, nil, matrix.Errorf(matrix.Forbidden, "%s is in the room already.", c.User)
	}
	b := &batch{}
	if err := v.build(b, d); err != nil {
		return nil, nil, nil, err
	}
	return rm, b.events[0].pdu, v.shownTo(b.events[0]), v.err
}

// shownTo is what another server may know of the room when one of its users is
// invited or knocks: whole events, so that the room can be told from another.
//
// Spec: server-server-api#put_matrixfederationv2inviteroomideventid
func (v *view) shownTo(e *Event) []json.RawMessage {
	var out []json.RawMessage
	for _, typ := range strippedTypes {
		if s := v.Event(typ, ""); s != nil {
			out = append(out, s.PDU)
		}
	}
	if sender := v.Event("m.room.member", string(e.Sender)); sender != nil && *e.StateKey != string(e.Sender) {
		out = append(out, sender.PDU)
	}
	return out
}

// StrippedFor returns what another server may know of the room to which e, a
// knock or an invite of one of its users, belongs.
func (rm *Room) StrippedFor(ctx context.Context, e *Event) ([]json.RawMessage, error) {
	v := &view{ctx: ctx, rm: rm}
	out := v.shownTo(e)
	return out, v.err
}

// ReceiveInvite takes in an invitation of a user of this server and returns it
// with the signature of this server.
//
// Spec: server-server-api#put_matrixfederationv2inviteroomideventid
func (r *Rooms) ReceiveInvite(ctx context.Context, origin string, room id.RoomID, ev id.EventID, version string, raw json.RawMessage, state []json.RawMessage) (_ json.RawMessage, err error) {
	defer matrix.Wrap(&err, "receive invite")
	rules, ok := event.RulesFor(version)
	if !ok {
		return nil, matrix.Errorf(matrix.IncompatibleRoomVersion, "Room version %q is not supported.", version)
	}
	p, err := event.Parse(rules, raw)
	if err != nil {
		return nil, err
	}
	if err := r.checkInvite(ctx, origin, room, ev, p); err != nil {
		return nil, err
	}
	if err := checkOrigin(rules, room, state); err != nil {
		return nil, err
	}
	if err := r.verify(ctx, p); err != nil {
		return nil, err
	}
	if p, err = event.Cosign(p, r.opt.Signer); err != nil {
		return nil, err
	}
	rm, err := r.ensure(ctx, room, rules)
	if err != nil {
		return nil, err
	}
	if rm.isResident() { // then it comes like every other event of the room
		return p.JSON, nil
	}
	return p.JSON, r.noteMember(ctx, rm, p, strippedFrom(state, p))
}

// checkInvite checks that p invites a user of this server to room.
func (r *Rooms) checkInvite(ctx context.Context, origin string, room id.RoomID, ev id.EventID, p *event.PDU) error {
	switch {
	case p.Type != "m.room.member" || p.StateKey == nil || gjson.GetBytes(p.Content, "membership").Str != "invite":
		return matrix.Errorf(matrix.InvalidParam, "The event is no invitation.")
	case p.Room != room || p.ID != ev:
		return matrix.Errorf(matrix.InvalidParam, "The event is not the one that the path names.")
	case p.Sender.Homeserver() != origin:
		return matrix.Errorf(matrix.Forbidden, "Only the server of who invites may send the invitation.")
	case !r.IsLocal(id.UserID(*p.StateKey)):
		return matrix.Errorf(matrix.InvalidParam, "%s is not of this server.", *p.StateKey)
	}
	if r.opt.Invitable == nil {
		return nil
	}
	return r.opt.Invitable(ctx, p.Sender, id.UserID(*p.StateKey), room)
}

// checkOrigin checks that the create event which comes with an invitation is
// that of the room. Since room version 12 it has to come.
//
// Spec: server-server-api#put_matrixfederationv2inviteroomideventid
func checkOrigin(rules *event.Rules, room id.RoomID, state []json.RawMessage) error {
	if !rules.Creators {
		return nil
	}
	for _, raw := range state {
		if gjson.GetBytes(raw, "type").Str != "m.room.create" {
			continue
		}
		p, err := event.Parse(rules, raw)
		if err != nil || p.Room != room {
			return matrix.Errorf(matrix.InvalidParam, "The create event is not that of the room.")
		}
		return nil
	}
	return matrix.Errorf(matrix.MissingParam, "The create event of the room is missing.")
}

// strippedFrom is the stripped state that clients get of a room: what another
// server told, and the event of their own membership.
func strippedFrom(state []json.RawMessage, own *event.PDU) json.RawMessage {
	const most = 30
	out := []byte{'['}
	for i, raw := range state {
		if i == most {
			break
		}
		e := gjson.ParseBytes(raw)
		if !e.Get("content").IsObject() || e.Get("type").Type != gjson.String || e.Get("state_key").Type != gjson.String {
			continue
		}
		if e.Get("type").Str == own.Type && e.Get("state_key").Str == *own.StateKey {
			continue
		}
		if own.Rules.Creators && e.Get("type").Str == "m.room.create" {
			if p, err := event.Parse(own.Rules, raw); err == nil && p.Room == own.Room {
				out = append(appendStripped(out, newEvent(p, own.Room)), ',')
			}
			continue
		}
		out = append(out, `{"content":`...)
		out = append(out, e.Get("content").Raw...)
		out = append(out, `,"sender":`...)
		out = appendText(out, e.Get("sender").Str)
		out = append(out, `,"state_key":`...)
		out = appendText(out, e.Get("state_key").Str)
		out = append(out, `,"type":`...)
		out = append(appendText(out, e.Get("type").Str), "},"...)
	}
	return append(appendStripped(out, newEvent(own, own.Room)), ']')
}
