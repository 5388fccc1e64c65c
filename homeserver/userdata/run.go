package userdata

import (
	"context"

	"plenum/rooms"
)

// Run follows what happens in rooms since New, until ctx ends: typing ends with the
// message, messages are signs of life, and tags move to the new version of a
// room. At its end nobody types any more.
func (d *Data) Run(ctx context.Context) error {
	defer d.typing.stopAll()
	err := d.rooms.Follow(ctx, d.from, func(evs []*rooms.Event) error {
		d.typing.heard(evs)
		d.presence.heard(evs)
		d.carryTags(ctx, evs)
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}
