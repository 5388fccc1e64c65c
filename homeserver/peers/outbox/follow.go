package outbox

import (
	"context"
	"log/slog"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage/outbox"
)

// sending is an event, and where it has to go.
type sending struct {
	ref     outbox.Ref
	servers []string
	lists   []string  // of these, the servers that do not know the devices
	user    id.UserID // of this user yet
}

// followEvents lets every event that this server has to send wait for its
// destinations, until ctx ends.
func (o *Outbox) followEvents(ctx context.Context) {
	for ctx.Err() == nil {
		o.mu.Lock()
		from := o.cursors[outbox.Events]
		o.mu.Unlock()
		err := o.rooms.Follow(ctx, from, func(evs []*rooms.Event) error { return o.take(ctx, evs) })
		o.rest(ctx, "events cannot be sent to other servers now", err)
	}
}

// rest waits after an error.
func (o *Outbox) rest(ctx context.Context, what string, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	o.log.LogAttrs(ctx, slog.LevelError, what, slog.Any("err", err))
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// take takes over events in the order of the log.
func (o *Outbox) take(ctx context.Context, evs []*rooms.Event) error {
	var todo []sending
	for _, e := range evs {
		s, err := o.where(ctx, e)
		if err != nil {
			return err
		}
		if len(s.servers)+len(s.lists) > 0 {
			todo = append(todo, s)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range todo {
		for _, server := range s.servers {
			p := o.to(server)
			o.add(p, s.ref)
			o.nudge(p)
		}
		for _, server := range s.lists {
			p := o.to(server)
			o.changed(p)
			p.setList(s.user, list{since: 0, n: p.lists[s.user].n + 1})
			o.nudge(p)
		}
	}
	o.cursors[outbox.Events] = evs[len(evs)-1].Pos
	return nil
}

// where returns where an event has to go.
func (o *Outbox) where(ctx context.Context, e *rooms.Event) (s sending, err error) {
	s.ref = outbox.Ref{Pos: e.Pos, Room: e.Room}
	if s.servers, err = o.rooms.Destinations(ctx, e); err != nil {
		return s, err
	}
	if e.Membership() != "join" || !o.rooms.IsLocal(id.UserID(*e.StateKey)) {
		return s, nil
	}
	there := s.servers
	if e.Handed { // somebody else sends the event, but not the devices
		there = o.serversIn(ctx, e.Room)
	}
	s.user = id.UserID(*e.StateKey)
	s.lists, err = o.strangers(ctx, s.user, e, there)
	return s, err
}

// strangers returns those of servers that share a room with user only since
// the user's join e. They do not know the user's devices.
//
// Spec: server-server-api#device-management
func (o *Outbox) strangers(ctx context.Context, user id.UserID, e *rooms.Event, servers []string) ([]string, error) {
	if len(servers) == 0 {
		return nil, nil
	}
	if e.Replaces != 0 {
		before, err := o.rooms.Events(ctx, []matrix.Position{e.Replaces})
		if err != nil {
			return nil, err
		}
		if was := before[e.Replaces]; was != nil && was.Membership() == "join" {
			return nil, nil // shows another name, say
		}
	}
	known, err := o.rooms.ServersOf(ctx, user, e.Room)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, server := range servers {
		if !known[server] {
			out = append(out, server)
		}
	}
	return out, nil
}

// followLists lets changes of device lists wait, until ctx ends.
func (o *Outbox) followLists(ctx context.Context) {
	if o.lists == nil {
		<-ctx.Done()
		return
	}
	sub := o.db.Bus().Subscribe(o.opt.ListsTopic)
	defer sub.Close()
	for ctx.Err() == nil {
		more, err := o.takeLists(ctx)
		o.rest(ctx, "changes of device lists cannot be sent to other servers now", err)
		if more || err != nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-sub.C():
		}
	}
}

// takeLists takes over some changes of device lists, and reports whether there
// may be more.
func (o *Outbox) takeLists(ctx context.Context) (more bool, err error) {
	const batch = 256
	o.mu.Lock()
	from := o.cursors[outbox.Lists]
	o.mu.Unlock()
	changes, err := o.lists.ListChanges(ctx, from, batch)
	if err != nil || len(changes) == 0 {
		return false, err
	}
	where := map[id.UserID]map[string]bool{}
	for _, c := range changes {
		if where[c.User] != nil {
			continue
		}
		if where[c.User], err = o.rooms.ServersOf(ctx, c.User, ""); err != nil {
			return false, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range changes {
		for server := range where[c.User] {
			p := o.to(server)
			now, waits := p.lists[c.User]
			if !waits {
				now.since = c.Prev
			}
			now.n++
			o.changed(p)
			p.setList(c.User, now)
			o.nudge(p)
		}
	}
	o.cursors[outbox.Lists] = changes[len(changes)-1].Pos
	return len(changes) == batch, nil
}
