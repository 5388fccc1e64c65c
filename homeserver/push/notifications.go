package push

import (
	"context"
	"encoding/json"
	"sort"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	maxNotifications = 100
	// lookBack is how many events of one room are looked at for one page.
	lookBack = 500
)

// Notification is something that notified a user.
//
// Spec: client-server-api#get_matrixclientv3notifications
type Notification struct {
	Actions []json.RawMessage `json:"actions"`
	Event   json.RawMessage   `json:"event"`
	Read    bool              `json:"read"`
	RoomID  id.RoomID         `json:"room_id"`
	TS      int64             `json:"ts"`
}

// NotificationPage says which notifications are wanted.
type NotificationPage struct {
	From       string // token of the page before; empty: the newest
	Limit      int    // 0: as many as usual
	Highlights bool   // highlights only
}

// found is an event that notified.
type found struct {
	room    *rooms.Room
	event   *rooms.Event
	outcome *outcome
}

// Notifications returns what notified who, newest first, and the token of the
// next page, which is empty at the end. Nothing of it is stored: the rules of
// today judge what the rooms of today hold.
func (p *Push) Notifications(ctx context.Context, who matrix.Principal, page NotificationPage) (list []Notification, next string, err error) {
	before, limit, err := page.bounds(p.db.Committed())
	if err != nil {
		return nil, "", err
	}
	in, err := p.rooms.JoinedRooms(ctx, who.User)
	if err != nil {
		return nil, "", err
	}
	var all []found
	reach := matrix.Position(1) // before this, some room was not looked at
	for _, room := range in {
		some, low, err := p.notifiedIn(ctx, who.User, room, before, limit, page.Highlights)
		if err != nil {
			return nil, "", err
		}
		all, reach = append(all, some...), max(reach, low)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].event.Pos > all[j].event.Pos })
	end := sort.Search(len(all), func(i int) bool { return all[i].event.Pos < reach })
	if end > limit {
		end, reach = limit, all[limit-1].event.Pos
	}
	if reach > 1 {
		next = strconv.FormatInt(int64(reach), 10)
	}
	list, err = p.encode(ctx, who, all[:end])
	return list, next, err
}

// bounds returns before which position to look, and for how many.
func (n NotificationPage) bounds(now matrix.Position) (before matrix.Position, limit int, err error) {
	before = now + 1
	if n.From != "" {
		pos, err := strconv.ParseInt(n.From, 10, 64)
		if err != nil || pos < 1 {
			return 0, 0, matrix.Errorf(matrix.InvalidParam, "from must be the next_token of the page before.")
		}
		before = min(before, matrix.Position(pos))
	}
	if n.Limit < 0 {
		return 0, 0, matrix.Errorf(matrix.InvalidParam, "limit must not be negative.")
	}
	if n.Limit == 0 || n.Limit > maxNotifications {
		return before, maxNotifications, nil
	}
	return before, n.Limit, nil
}

// notifiedIn returns up to limit events of room before a position that
// notified user, newest first, and the position down to which was looked, 1
// when there is nothing before.
func (p *Push) notifiedIn(ctx context.Context, user id.UserID, room id.RoomID, before matrix.Position, limit int, highlights bool) ([]found, matrix.Position, error) {
	rm, err := p.rooms.Room(ctx, room)
	if err != nil {
		return nil, 0, err
	}
	evs, err := rm.Before(ctx, before, lookBack)
	if err != nil {
		return nil, 0, err
	}
	visible, err := rm.Visible(ctx, user, evs)
	if err != nil {
		return nil, 0, err
	}
	var out []found
	for _, e := range visible {
		if len(out) == limit {
			return out, out[limit-1].event.Pos, nil
		}
		o, err := p.outcomeFor(ctx, user, rm, e)
		if err != nil {
			return nil, 0, err
		}
		if o.Notify && (o.Highlight || !highlights) {
			out = append(out, found{rm, e, o})
		}
	}
	if len(evs) < lookBack {
		return out, 1, nil
	}
	return out, evs[lookBack-1].Pos, nil
}

func (p *Push) encode(ctx context.Context, who matrix.Principal, list []found) ([]Notification, error) {
	out := make([]Notification, 0, len(list))
	for _, f := range list {
		raw, err := p.rooms.AppendEvents(ctx, nil, rooms.Encoding{Principal: who}, f.room, []*rooms.Event{f.event})
		if err != nil {
			return nil, err
		}
		read, err := p.isRead(ctx, who.User, f.event)
		if err != nil {
			return nil, err
		}
		out = append(out, Notification{
			Actions: f.outcome.Actions, Event: raw, Read: read, RoomID: f.room.ID(), TS: f.event.TS,
		})
	}
	return out, nil
}
