package rooms

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage/eventlog"
)

// AcceptJoin adds the join of a user of another server, who asks this one to
// be let in. The state that the other server is told is the one before it.
//
// Spec: server-server-api#put_matrixfederationv2send_joinroomideventid
func (r *Rooms) AcceptJoin(ctx context.Context, origin string, room id.RoomID, ev id.EventID, raw json.RawMessage) (*Event, error) {
	return r.accept(ctx, origin, room, ev, "join", raw)
}

// AcceptLeave adds the leave event of a user of another server.
//
// Spec: server-server-api#put_matrixfederationv2send_leaveroomideventid
func (r *Rooms) AcceptLeave(ctx context.Context, origin string, room id.RoomID, ev id.EventID, raw json.RawMessage) (*Event, error) {
	return r.accept(ctx, origin, room, ev, "leave", raw)
}

// AcceptKnock adds the knock of a user of another server.
//
// Spec: server-server-api#put_matrixfederationv1send_knockroomideventid
func (r *Rooms) AcceptKnock(ctx context.Context, origin string, room id.RoomID, ev id.EventID, raw json.RawMessage) (*Event, error) {
	return r.accept(ctx, origin, room, ev, "knock", raw)
}

func (r *Rooms) accept(ctx context.Context, origin string, room id.RoomID, ev id.EventID, membership string, raw json.RawMessage) (_ *Event, err error) {
	defer matrix.Wrap(&err, "accept %s", membership)
	rm, err := r.Room(ctx, room)
	if err != nil {
		return nil, err
	}
	if !rm.isResident() {
		return nil, matrix.Errorf(matrix.NotFound, "Nobody of this server is in the room.")
	}
	p, err := event.Parse(rm.rules, raw)
	if err != nil {
		return nil, err
	}
	if err := checkOwn(origin, room, ev, membership, p); err != nil {
		return nil, err
	}
	if p, err = r.cosign(ctx, rm, p); err != nil {
		return nil, err
	}
	if err := r.verify(ctx, p); err != nil {
		return nil, err
	}
	if err := rm.intake.lock(ctx); err != nil {
		return nil, err
	}
	defer rm.intake.unlock()
	return r.takeIn(ctx, rm, origin, p, placing{strict: true, relay: eventlog.Passed})
}

// checkOwn checks that p is a change of membership that a user of origin makes.
func checkOwn(origin string, room id.RoomID, ev id.EventID, membership string, p *event.PDU) error {
	switch {
	case p.Type != "m.room.member" || p.StateKey == nil || gjson.GetBytes(p.Content, "membership").Str != membership:
		return matrix.Errorf(matrix.BadJSON, "The event is not one of membership %s.", membership)
	case p.Room != room:
		return matrix.Errorf(matrix.BadJSON, "The event is of another room.")
	case ev != "" && p.ID != ev:
		return matrix.Errorf(matrix.BadJSON, "The event is not the one that the path names.")
	case *p.StateKey != string(p.Sender):
		return matrix.Errorf(matrix.BadJSON, "The event is about somebody else than its sender.")
	case p.Sender.Homeserver() != origin:
		return matrix.Errorf(matrix.Forbidden, "The sender is of another server.")
	}
	return nil
}

// cosign signs a join by which a user of this server lets somebody in, if they
// may come in.
//
// Spec: server-server-api#restricted-rooms
func (r *Rooms) cosign(ctx context.Context, rm *Room, p *event.PDU) (*event.PDU, error) {
	via := id.UserID(gjson.GetBytes(p.Content, authorisedVia).Str)
	if !p.Rules.Restricted || via == "" || gjson.GetBytes(p.Content, "membership").Str != "join" || !r.IsLocal(via) {
		return p, nil
	}
	v := &view{ctx: ctx, rm: rm}
	if now := v.membership(string(p.Sender)); now != "join" && now != "invite" {
		if rule := v.joinRule(); rule == "restricted" || rule == "knock_restricted" {
			allowed, err := r.inAllowedRoom(v, p.Sender)
			if err != nil {
				return nil, err
			}
			if !allowed {
				return nil, matrix.Errorf(matrix.Forbidden, "Only members of certain other rooms or spaces may join this room.")
			}
		}
	}
	if v.err != nil {
		return nil, v.err
	}
	return event.Cosign(p, r.opt.Signer)
}
