package push

import (
	"context"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// cursorName is the fact about the database that says up to where events were
// looked at for pushers.
const cursorName = "push.cursor"

// Run follows what happens in rooms, until ctx ends: it notifies pushers, and
// carries rules to the new version of a room. At its end it notes what is
// unread.
func (p *Push) Run(ctx context.Context) error {
	defer p.saveAll()
	from, err := p.cursor(ctx)
	if err == nil {
		err = p.pushers.load(ctx, p.db)
	}
	if err != nil {
		return stopped(ctx, err)
	}
	out := &couriers{p: p, ctx: ctx, at: map[pusherKey]*courier{}}
	defer out.all.Wait()
	out.resume()
	out.all.Go(func() { p.fresh.each(ctx, out.sendFresh) })
	return stopped(ctx, p.rooms.Follow(ctx, from, func(evs []*rooms.Event) error {
		p.carryRules(ctx, evs)
		return p.notify(ctx, evs, out)
	}))
}

// stopped returns nil for an error that comes from the end of ctx.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// cursor returns the position after which events have to be looked at.
func (p *Push) cursor(ctx context.Context) (matrix.Position, error) {
	at := p.from
	err := p.db.Read(ctx, func(tx *storage.Tx) error {
		text, ok, err := storage.Meta(ctx, tx, cursorName)
		if err != nil || !ok {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		at = matrix.Position(n)
		return err
	})
	return at, err
}

// saveAll notes what is unread of everybody.
func (p *Push) saveAll() {
	for _, u := range p.users.Values() {
		p.evicted(u.id, u)
	}
}

// parcel is a notification and the pusher it is for.
type parcel struct {
	to   *store.Pusher
	push store.Push
}

// notify puts notifications about evs on their way. They are stored together
// with the cursor: after a crash, none is lost and none made twice.
func (p *Push) notify(ctx context.Context, evs []*rooms.Event, out *couriers) error {
	if p.opt.Gateway == nil {
		return nil
	}
	var parcels []parcel
	for _, e := range evs {
		more, err := p.parcels(ctx, e)
		if err != nil {
			return err
		}
		parcels = append(parcels, more...)
	}
	if len(parcels) == 0 {
		return nil // the cursor can stay: there is nothing to be made twice
	}
	last := strconv.FormatInt(int64(evs[len(evs)-1].Pos), 10)
	err := p.db.Write(ctx, func(tx *storage.Tx) error {
		for _, one := range parcels {
			if err := store.AddPush(ctx, tx, one.to, one.push); err != nil {
				return err
			}
		}
		return storage.SetMeta(ctx, tx, cursorName, last)
	})
	if err != nil {
		return err
	}
	for _, one := range parcels {
		out.send(keyOfPusher(one.to))
	}
	return nil
}

// parcels returns the notifications about e.
func (p *Push) parcels(ctx context.Context, e *rooms.Event) ([]parcel, error) {
	rm, err := p.rooms.Room(ctx, e.Room)
	if err != nil {
		return nil, err
	}
	users := p.pushers.members(rm)
	if e.Membership() == "invite" && p.pushers.has(id.UserID(*e.StateKey)) {
		users = append(users, id.UserID(*e.StateKey))
	}
	var out []parcel
	for _, user := range users {
		o, err := p.outcomeFor(ctx, user, rm, e)
		if err != nil {
			return nil, err
		}
		if !o.Notify {
			continue
		}
		for _, to := range p.pushers.list(user) {
			out = append(out, parcel{to, store.Push{Event: e.Pos, Sound: o.Sound, Highlight: o.Highlight}})
		}
	}
	return out, nil
}

// outcomeFor returns what is to be done about e for a user.
func (p *Push) outcomeFor(ctx context.Context, user id.UserID, rm *rooms.Room, e *rooms.Event) (*outcome, error) {
	u := p.user(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	rules, err := p.setIn(ctx, u, rm.ID())
	if err != nil {
		return none, err
	}
	return p.outcome(ctx, &person{ctx: ctx, user: user, room: rm, data: p.data}, rules, e)
}
