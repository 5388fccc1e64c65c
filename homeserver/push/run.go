package push

import (
	"context"

	"plenum/rooms"
)

// Run follows what happens in rooms, until ctx ends: it carries rules to the
// new version of a room. At its end it notes what is unread.
func (p *Push) Run(ctx context.Context) error {
	defer p.saveAll()
	err := p.rooms.Follow(ctx, p.from, func(evs []*rooms.Event) error {
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// saveAll notes what is known of everybody.
func (p *Push) saveAll() {
	for _, u := range p.users.Values() {
		p.evicted(u.id, u)
	}
}
