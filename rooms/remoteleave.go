package rooms

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// leaveElsewhere rejects an invitation to a room that nobody of this server is
// in, or takes back a knock. It always succeeds: where no other server listens,
// only this one knows.
//
// Spec: server-server-api#leaving-rooms-rejecting-invites
func (r *Rooms) leaveElsewhere(ctx context.Context, rm *Room, p matrix.Principal, c MemberChange) error {
	content, err := r.memberContent(ctx, c, "leave", nil)
	if err != nil {
		return err
	}
	ways, err := r.ways(ctx, p.User, c.Room, nil)
	if err != nil {
		return err
	}
	for _, server := range ways {
		if pdu, err := r.leaveThrough(ctx, server, c.Room, p.User, content); err == nil {
			return r.noteMember(ctx, rm, pdu, nil)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	key := string(p.User)
	pdu, err := event.Build(rm.rules, event.Draft{
		Room: c.Room, Sender: p.User, Type: "m.room.member", StateKey: &key, Content: content, TS: r.opt.Now().UnixMilli(), Depth: 1,
	}, r.opt.Signer)
	if err != nil {
		return err
	}
	return r.noteMember(ctx, rm, pdu, nil)
}

func (r *Rooms) leaveThrough(ctx context.Context, server string, room id.RoomID, user id.UserID, content json.RawMessage) (*event.PDU, error) {
	t, err := r.opt.Peers.MakeLeave(ctx, server, room, user)
	if err != nil {
		return nil, err
	}
	pdu, err := r.fromTemplate(room, user, t, content)
	if err != nil {
		return nil, err
	}
	return pdu, r.opt.Peers.SendLeave(ctx, server, room, pdu.ID, pdu.JSON)
}

// knockElsewhere knocks at a room that nobody of this server is in.
//
// Spec: server-server-api#knocking-rooms
func (r *Rooms) knockElsewhere(ctx context.Context, p matrix.Principal, c MemberChange) error {
	content, err := r.memberContent(ctx, c, "knock", nil)
	if err != nil {
		return err
	}
	m, err := r.MembershipOf(ctx, p.User, c.Room)
	if err != nil {
		return err
	}
	if m.Membership == "invite" {
		return errAlreadyIn()
	}
	ways, err := r.ways(ctx, p.User, c.Room, c.Via)
	if err != nil {
		return err
	}
	if len(ways) == 0 {
		return matrix.Errorf(matrix.NotFound, "No server is known that is in the room.")
	}
	var failed error
	for _, server := range ways {
		err := r.knockThrough(ctx, server, p.User, c.Room, content)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = worse(failed, err)
	}
	return refusedElsewhere(failed)
}

func (r *Rooms) knockThrough(ctx context.Context, server string, user id.UserID, room id.RoomID, content json.RawMessage) error {
	t, err := r.opt.Peers.MakeKnock(ctx, server, room, user, event.Versions())
	if err != nil {
		return err
	}
	pdu, err := r.fromTemplate(room, user, t, content)
	if err != nil {
		return err
	}
	state, err := r.opt.Peers.SendKnock(ctx, server, room, pdu.ID, pdu.JSON)
	if err != nil {
		return err
	}
	rm, err := r.ensure(ctx, room, pdu.Rules)
	if err != nil {
		return err
	}
	return r.noteMember(ctx, rm, pdu, strippedFrom(state, pdu))
}
