package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"
)

// MutualRooms returns the rooms that both a and b are joined to, in order of their ids.
//
// Spec: client-server-api#get_matrixclientv1mutual_rooms
func (r *Rooms) MutualRooms(ctx context.Context, a, b id.UserID) ([]id.RoomID, error) {
	mine, err := r.JoinedRooms(ctx, a)
	if err != nil {
		return nil, err
	}
	out := []id.RoomID{}
	for _, room := range mine {
		m, err := r.MembershipOf(ctx, b, room)
		if err != nil {
			return nil, err
		}
		if m.Membership == "join" {
			out = append(out, room)
		}
	}
	slices.Sort(out)
	return out, nil
}
