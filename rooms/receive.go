package rooms

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// Receive takes in an event that another server sent. It returns the event's
// id, as far as there is one, and why the event is refused, if it is. Events
// that are known already, and those of rooms that nobody of this server is in,
// are no mistake.
//
// Spec: server-server-api#receiving-pdus
func (r *Rooms) Receive(ctx context.Context, origin string, raw json.RawMessage) (_ id.EventID, err error) {
	defer matrix.Wrap(&err, "receive event")
	rm, p, err := r.foreign(ctx, raw)
	if err != nil {
		return "", err
	}
	if err := r.verify(ctx, p); err != nil {
		return p.ID, err
	}
	if !rm.isResident() {
		return p.ID, r.receiveElsewhere(ctx, rm, p)
	}
	if err := rm.intake.lock(ctx); err != nil {
		return p.ID, err
	}
	defer rm.intake.unlock()
	_, err = r.takeIn(ctx, rm, origin, p, placing{})
	return p.ID, err
}

// foreign parses an event of a room that this server knows.
func (r *Rooms) foreign(ctx context.Context, raw json.RawMessage) (*Room, *event.PDU, error) {
	room := id.RoomID(gjson.GetBytes(raw, "room_id").Str)
	if room == "" {
		return nil, nil, matrix.Errorf(matrix.BadJSON, "The event names no room.")
	}
	rm, err := r.Room(ctx, room)
	if err != nil {
		return nil, nil, err
	}
	p, err := event.Parse(rm.rules, raw)
	if err == nil && p.Room != room {
		err = matrix.Errorf(matrix.BadJSON, "The event is of another room.")
	}
	return rm, p, err
}

// takeIn gives p its place in the room, after everything that it is built on
// has been found. The caller holds the room's intake.
func (r *Rooms) takeIn(ctx context.Context, rm *Room, origin string, p *event.PDU, how placing) (*Event, error) {
	old, err := r.eventsByID(ctx, []id.EventID{p.ID})
	if err != nil {
		return nil, err
	}
	if e := old[p.ID]; e != nil {
		switch {
		case e.Rejected:
			return nil, matrix.Errorf(matrix.Forbidden, "The event was rejected.")
		case !e.Outlier:
			return e, nil
		}
		how.outlier = e
		if how.hidden, err = rm.hasState(ctx, e); err != nil {
			return nil, err
		}
	}
	ask := rm.servers(origin)
	if !how.hidden {
		if how.gap, err = rm.fill(ctx, ask, p); err != nil {
			return nil, err
		}
	}
	if err := rm.findAuth(ctx, ask, p); err != nil {
		return nil, err
	}
	if p, how.unwanted, err = r.wanted(ctx, rm, p); err != nil {
		return nil, err
	}
	return r.place(ctx, rm.id, p, how)
}

// receiveElsewhere takes in an event of a room that nobody of this server is
// in. The only ones that matter say that somebody is no longer invited.
func (r *Rooms) receiveElsewhere(ctx context.Context, rm *Room, p *event.PDU) error {
	if p.Type != "m.room.member" || p.StateKey == nil {
		return nil
	}
	user := id.UserID(*p.StateKey)
	if !r.IsLocal(user) {
		return nil
	}
	switch gjson.GetBytes(p.Content, "membership").Str {
	case "leave", "ban":
	default:
		return nil
	}
	m, err := r.MembershipOf(ctx, user, rm.id)
	if err != nil || m.Membership != "invite" && m.Membership != "knock" {
		return err
	}
	// Nothing tells whether the sender may do that; inviting again is easy.
	if m.Sender != p.Sender && p.Sender != user && m.Membership == "invite" {
		return nil
	}
	return r.noteMember(ctx, rm, p, nil)
}

// servers are those that can be asked about the room: first the one that is
// named, then some that are in it.
func (rm *Room) servers(first ...string) []string {
	const some = 4
	var out []string
	seen := map[string]bool{rm.r.opt.ServerName: true, "": true}
	for _, s := range first {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	for s := range rm.members.servers { // in any order, so that not always the same are asked
		if len(out) == len(first)+some {
			break
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// anyOf asks servers one after the other until one answers.
func anyOf[T any](ctx context.Context, servers []string, ask func(server string) (T, error)) (out T, err error) {
	err = errNobody
	for _, s := range servers {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if out, err = ask(s); err == nil {
			return out, nil
		}
	}
	return out, err
}

var errNobody = errors.New("no other server can be asked")
