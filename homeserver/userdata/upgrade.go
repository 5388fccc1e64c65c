package userdata

import (
	"context"
	"encoding/json"
	"log/slog"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// carryTags gives the new version of a room the tags of the old one, for
// users of this server who join it. The specification leaves it to servers;
// users expect their favourites to stay favourites.
func (d *Data) carryTags(ctx context.Context, evs []*rooms.Event) {
	for _, e := range evs {
		if e.Membership() != "join" || !d.rooms.IsLocal(id.UserID(*e.StateKey)) {
			continue
		}
		if err := d.carryTag(ctx, id.UserID(*e.StateKey), e); err != nil && ctx.Err() == nil {
			d.log.LogAttrs(ctx, slog.LevelWarn, "tags were not carried to the new version of a room", slog.Any("err", err))
		}
	}
}

func (d *Data) carryTag(ctx context.Context, user id.UserID, join *rooms.Event) error {
	m, err := d.rooms.MembershipOf(ctx, user, join.Room)
	if err != nil || m.Pos == join.Pos && m.Prev == "join" {
		return err // nothing but a new name or picture
	}
	rm, err := d.rooms.Room(ctx, join.Room)
	if err != nil {
		return err
	}
	old, err := rm.Predecessor(ctx)
	if err != nil || old == "" {
		return err
	}
	tags, err := d.Stored(ctx, user, old, tagType)
	if err != nil || tags == nil {
		return err
	}
	return d.UpdateAccountData(ctx, user, join.Room, tagType, func(has json.RawMessage) (json.RawMessage, error) {
		if has != nil { // the user was quicker
			return has, nil
		}
		return tags, nil
	})
}
