package outbox

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/outbox"
)

// saveCursorEvery is after how many positions without anything to send the
// cursor is saved all the same. They are read again after a restart.
const saveCursorEvery = 10_000

// load reads what waits.
func (o *Outbox) load(ctx context.Context) error {
	return o.db.Read(ctx, func(tx *storage.Tx) error {
		saved, err := outbox.Cursors(ctx, tx)
		if err != nil {
			return err
		}
		o.saved = saved
		for _, name := range []string{outbox.Events, outbox.Lists} {
			pos, ok := saved[name]
			if !ok { // nobody outside has heard of what was before
				pos = o.db.Committed()
			}
			o.cursors[name] = pos
		}
		return o.loadPeers(ctx, tx)
	})
}

func (o *Outbox) loadPeers(ctx context.Context, tx *storage.Tx) error {
	err := outbox.AllEvents(ctx, tx, func(server string, refs []outbox.Ref) error {
		p := o.to(server)
		p.queue, p.queueSaved = refs, true
		o.refs += len(refs)
		return nil
	})
	if err != nil {
		return err
	}
	err = outbox.AllRooms(ctx, tx, func(r outbox.RoomRow) error {
		p := o.to(r.Server)
		if p.rooms == nil {
			p.rooms = map[id.RoomID]matrix.Position{}
		}
		p.rooms[r.Room], p.roomsSaved = r.Event, true
		return nil
	})
	if err != nil {
		return err
	}
	err = outbox.AllLists(ctx, tx, func(r outbox.ListRow) error {
		p := o.to(r.Server)
		p.setList(r.User, list{since: r.Since})
		p.listsChanged, p.listsSaved = nil, true
		return nil
	})
	if err != nil {
		return err
	}
	mails, err := outbox.AllMail(ctx, tx)
	for _, m := range mails {
		o.to(m.Server).mail.count = int(m.Count)
	}
	return err
}

// keepSaving saves now and then, until ctx ends.
func (o *Outbox) keepSaving(ctx context.Context) {
	tick := time.NewTicker(o.opt.SaveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := o.save(ctx); err != nil && ctx.Err() == nil {
				o.log.LogAttrs(ctx, slog.LevelError, "what waits for other servers cannot be noted", slog.Any("err", err))
			}
		}
	}
}

// changes are what a save writes.
type changes struct {
	cursors  map[string]matrix.Position
	peers    []*peer
	queues   map[string][]outbox.Ref
	rooms    []outbox.RoomRow
	listed   []outbox.ListRow
	unlisted []outbox.ListRow
	read     map[string]matrix.Position
}

// save writes what changed since the last time, all as of one moment.
func (o *Outbox) save(ctx context.Context) error {
	c := o.changes()
	if c == nil {
		return nil
	}
	err := o.db.Write(ctx, func(tx *storage.Tx) error { return c.write(ctx, tx) })
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.again(c)
		return err
	}
	o.saved = c.cursors
	for _, p := range c.peers {
		o.forget(p)
	}
	return nil
}

// changes returns what is to be saved, nil when that is nothing.
func (o *Outbox) changes() *changes {
	o.mu.Lock()
	defer o.mu.Unlock()
	ahead := max(o.cursors[outbox.Events]-o.saved[outbox.Events], o.cursors[outbox.Lists]-o.saved[outbox.Lists])
	if len(o.dirty)+len(o.read) == 0 && ahead < saveCursorEvery && len(o.saved) > 0 {
		return nil
	}
	c := &changes{cursors: maps.Clone(o.cursors), queues: map[string][]outbox.Ref{}, read: o.read}
	for p := range o.dirty {
		c.add(p)
	}
	o.dirty, o.read = map[*peer]struct{}{}, map[string]matrix.Position{}
	return c
}

// add adds what changed of a peer.
func (c *changes) add(p *peer) {
	c.peers = append(c.peers, p)
	if p.queueChanged && (len(p.queue) > 0 || p.queueSaved) {
		c.queues[p.server] = slices.Clone(p.queue)
		p.queueSaved = len(p.queue) > 0
	}
	p.queueChanged = false
	for room := range p.roomsChanged {
		if pos := p.rooms[room]; pos > 0 || p.roomsSaved {
			c.rooms = append(c.rooms, outbox.RoomRow{Server: p.server, Room: room, Event: pos})
		}
	}
	p.roomsSaved = p.roomsSaved && len(p.roomsChanged) == 0 || len(p.rooms) > 0
	p.roomsChanged = nil
	for user := range p.listsChanged {
		if l, waits := p.lists[user]; waits {
			c.listed = append(c.listed, outbox.ListRow{Server: p.server, User: user, Since: l.since})
		} else if p.listsSaved {
			c.unlisted = append(c.unlisted, outbox.ListRow{Server: p.server, User: user})
		}
	}
	p.listsSaved = p.listsSaved && len(p.listsChanged) == 0 || len(p.lists) > 0
	p.listsChanged = nil
}

// write writes it all.
func (c *changes) write(ctx context.Context, tx *storage.Tx) error {
	for name, pos := range c.cursors {
		if err := outbox.SetCursor(ctx, tx, name, pos); err != nil {
			return err
		}
	}
	for server, refs := range c.queues {
		if err := outbox.SetEvents(ctx, tx, server, refs); err != nil {
			return err
		}
	}
	for _, r := range c.rooms {
		if err := outbox.SetRoom(ctx, tx, r); err != nil {
			return err
		}
	}
	for _, r := range c.listed {
		if err := outbox.SetList(ctx, tx, r); err != nil {
			return err
		}
	}
	for _, r := range c.unlisted {
		if err := outbox.DeleteList(ctx, tx, r.Server, r.User); err != nil {
			return err
		}
	}
	for server, upto := range c.read {
		if err := outbox.DeleteMail(ctx, tx, server, upto); err != nil {
			return err
		}
	}
	return nil
}

// again notes that changes were not written.
func (o *Outbox) again(c *changes) {
	for _, p := range c.peers {
		o.changed(p)
		p.queueChanged, p.queueSaved = true, true
		p.roomsSaved, p.listsSaved = true, true
	}
	for _, r := range c.rooms {
		o.to(r.Server).setRoomChanged(r.Room)
	}
	for _, r := range append(c.listed, c.unlisted...) {
		o.to(r.Server).listChanged(r.User)
	}
	for server, upto := range c.read {
		o.read[server] = max(o.read[server], upto)
	}
}
