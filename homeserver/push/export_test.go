package push

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Judge returns a function that judges the newest event of rm by the usual rules.
func Judge(ctx context.Context, p *Push, rm *rooms.Room) func() {
	evs, _, err := rm.Timeline(ctx, 0, rm.LastPos(), 1)
	if err != nil {
		panic(err)
	}
	s, _ := p.common.in(rm.ID())
	return func() { s.judge(newSubject(ctx, rm, evs[0])) }
}

// Queue puts a notification about ev on its way to all pushers of user.
func (p *Push) Queue(user id.UserID, ev id.EventID) error {
	ctx := context.Background()
	e, err := p.rooms.Event(ctx, ev)
	if err != nil {
		return err
	}
	return p.db.Write(ctx, func(tx *storage.Tx) error {
		for _, to := range p.pushers.list(user) {
			if err := store.AddPush(ctx, tx, to, store.Push{Event: e.Pos}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Deliver brings what waits for a pusher to its gateway.
func (p *Push) Deliver(ctx context.Context, user id.UserID, appID, key string) error {
	return p.deliver(ctx, pusherKey{user, appID, key})
}

// Waiting returns how many notifications wait for a pusher.
func (p *Push) Waiting(user id.UserID, appID, key string) int {
	list, err := p.waiting(context.Background(), &store.Pusher{User: user, AppID: appID, Key: key})
	if err != nil {
		panic(err)
	}
	return len(list)
}

// Parcels returns how many notifications there are about ev.
func (p *Push) Parcels(ctx context.Context, ev id.EventID) (int, error) {
	e, err := p.rooms.Event(ctx, ev)
	if err != nil {
		return 0, err
	}
	list, err := p.parcels(ctx, e)
	return len(list), err
}

// LoadPushers does what Run does first.
func (p *Push) LoadPushers(ctx context.Context) error { return p.pushers.load(ctx, p.db) }

// AddPusher gives user a pusher.
func (p *Push) AddPusher(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return store.PutPusher(ctx, tx, &store.Pusher{User: user, AppID: "app", Key: "key", Kind: "http", Data: []byte(`{}`), Enabled: true})
}
