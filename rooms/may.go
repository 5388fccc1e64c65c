package rooms

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// PowerLevels returns the room's power levels as they are now.
func (rm *Room) PowerLevels(ctx context.Context) (*auth.PowerLevels, error) {
	var pdus [2]*event.PDU
	for i, typ := range []string{"m.room.create", "m.room.power_levels"} {
		e, err := rm.Current(ctx, typ, "")
		if err != nil {
			return nil, err
		}
		if e != nil {
			pdus[i] = e.pdu
		}
	}
	return auth.ParsePowerLevels(rm.rules, pdus[0], pdus[1]), nil
}

// May reports whether user is in the room and powerful enough to send events of typ.
func (rm *Room) May(ctx context.Context, user id.UserID, typ string, state bool) (bool, error) {
	if rm.MembershipOf(user) != "join" {
		return false, nil
	}
	levels, err := rm.PowerLevels(ctx)
	if err != nil {
		return false, err
	}
	return levels.User(user) >= levels.Event(typ, state), nil
}

// setState sends a state event with an empty state key.
func (r *Rooms) setState(ctx context.Context, sender id.UserID, room id.RoomID, typ string, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return matrix.Errorf(matrix.BadJSON, "The content of %s is not valid.", typ)
	}
	key := ""
	_, err = r.addOne(ctx, room, draft{Draft: event.Draft{Sender: sender, Type: typ, StateKey: &key, Content: raw}})
	return err
}
