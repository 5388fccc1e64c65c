package tell

import (
	"context"

	"plenum/rooms"
)

// Changed says what of the way a room shows itself is different after changes
// of its state.
type Changed struct {
	Name, Alias, Avatar bool
	Members             bool // somebody came, was invited or went
}

// WhatChanged returns what changes make different.
func WhatChanged(ctx context.Context, r *rooms.Rooms, changes []rooms.StateChange) (Changed, error) {
	var out Changed
	for _, c := range changes {
		switch c.Key.Type {
		case "m.room.name":
			out.Name = true
		case "m.room.canonical_alias":
			out.Alias = true
		case "m.room.avatar":
			out.Avatar = true
		case "m.room.member":
			if out.Members {
				continue
			}
			was, is, err := r.MembershipChange(ctx, c)
			if err != nil {
				return out, err
			}
			out.Members = was != is
		}
	}
	return out, nil
}
