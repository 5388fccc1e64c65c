package push

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	store "plenum/storage/userdata"
)

// DevicesGone removes the pushers of devices that are signed out. It is an
// account.Hooks function.
func (p *Push) DevicesGone(ctx context.Context, tx *storage.Tx, user id.UserID, devices []id.DeviceID) error {
	own, err := store.PushersOf(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, one := range own {
		if !slices.Contains(devices, one.Device) {
			continue
		}
		if err := p.removePusher(ctx, tx, user, one.AppID, one.Key); err != nil {
			return err
		}
	}
	return nil
}

// Gone removes everything that is kept here of a user, when the account was
// closed. It is an account.Hooks function.
func (p *Push) Gone(ctx context.Context, user id.UserID, _ bool) error {
	if u, ok := p.users.Peek(user); ok {
		u.mu.Lock()
		u.book, u.sets, u.noted = nil, nil, nil
		clear(u.tallies)
		u.mu.Unlock()
		p.users.Remove(user)
	}
	return p.db.Write(ctx, func(tx *storage.Tx) error {
		own, err := store.PushersOf(ctx, tx, user)
		if err != nil {
			return err
		}
		for _, one := range own {
			if err := p.removePusher(ctx, tx, user, one.AppID, one.Key); err != nil {
				return err
			}
		}
		return store.DeleteUnread(ctx, tx, user)
	})
}
