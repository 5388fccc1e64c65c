package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// Predecessor returns the room that rm is the new version of, empty when it
// is not one.
//
// Spec: client-server-api#room-upgrades
func (rm *Room) Predecessor(ctx context.Context) (id.RoomID, error) {
	create, err := rm.Current(ctx, "m.room.create", "")
	if err != nil || create == nil {
		return "", err
	}
	return id.RoomID(create.Content().Get("predecessor.room_id").Str), nil
}
