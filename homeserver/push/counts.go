package push

import (
	"context"
	"log/slog"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

const (
	// window is how far back unread events are looked for when a tally was
	// not kept up to date: a user who comes back after a year costs no more
	// than one who comes back after a busy day.
	window = maxHits
	// saveEvery is after how many events a tally is written to the database,
	// so that a restart costs at most so many again.
	saveEvery = 500
	// saveLast is from how many events on it is written when it is about to
	// leave memory.
	saveLast = 100
)

// Counts returns what user has not read in rm, of the events up to a
// position. Somebody who is not in the room has read everything.
//
// Spec: client-server-api#receiving-notifications
func (p *Push) Counts(ctx context.Context, user id.UserID, rm *rooms.Room, upto matrix.Position) (Counts, error) {
	u := p.user(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.tallies[rm.ID()]
	if t != nil && rm.LastPos() <= t.upto && !p.data.HasNewReceipts(rm.ID(), t.looked) {
		return t.counts, nil
	}
	return p.count(ctx, u, rm, upto)
}

// count brings the tally of u in rm up to date. The caller holds u.mu.
func (p *Push) count(ctx context.Context, u *user, rm *rooms.Room, upto matrix.Position) (Counts, error) {
	if rm.MembershipOf(u.id) != "join" {
		delete(u.tallies, rm.ID())
		return Counts{}, nil
	}
	now := p.db.Committed() // first: what comes later is looked at next time
	reads, err := p.data.Reads(ctx, u.id, rm.ID())
	if err != nil {
		return Counts{}, err
	}
	t := u.tallies[rm.ID()]
	if t == nil {
		if t, err = p.open(ctx, u, rm); err != nil {
			return Counts{}, err
		}
	}
	t.read(reads)
	if upto > t.upto {
		if err := p.catchUp(ctx, u, rm, t, reads, upto); err != nil {
			return Counts{}, err
		}
		t.read(reads)
	}
	t.looked = now
	t.sum()
	u.tallies[rm.ID()] = t
	if t.unsaid >= saveEvery {
		p.save(u.id, rm.ID(), t)
	}
	return t.counts, nil
}

// open returns the tally of u in rm as it was noted last, or an empty one
// that begins when u came to the room.
func (p *Push) open(ctx context.Context, u *user, rm *rooms.Room) (*tally, error) {
	if err := p.readNoted(ctx, u); err != nil {
		return nil, err
	}
	t := &tally{upto: math.MinInt64 + 1}
	if noted, ok := u.noted[rm.ID()]; ok {
		var err error
		if t, err = restore(noted); err != nil {
			return nil, err
		}
		delete(u.noted, rm.ID())
	}
	m, err := p.rooms.MembershipOf(ctx, u.id, rm.ID())
	if err != nil {
		return nil, err
	}
	if m.Prev != "join" && m.Pos > t.upto {
		*t = tally{upto: m.Pos}
	}
	return t, nil
}

// catchUp looks at the events after t.upto.
func (p *Push) catchUp(ctx context.Context, u *user, rm *rooms.Room, t *tally, reads *store.Reads, upto matrix.Position) error {
	from := t.upto
	if reads != nil {
		from = max(from, min(reads.All, upto))
	}
	evs, _, err := rm.Timeline(ctx, from, upto, window)
	if err != nil {
		return err
	}
	if len(evs) == 0 {
		t.upto = upto
		return nil
	}
	rules, err := p.setIn(ctx, u, rm.ID())
	if err != nil {
		return err
	}
	who := &person{ctx: ctx, user: u.id, room: rm, data: p.data, name: t.name}
	for _, e := range evs {
		if err := p.take(ctx, who, rules, t, e); err != nil {
			return err
		}
		t.upto = max(t.upto, e.Pos) // what was taken is not taken again when the next fails
	}
	t.upto, t.name = upto, who.name
	t.unsaid += len(evs)
	return nil
}

// take counts e.
func (p *Push) take(ctx context.Context, who *person, rules *set, t *tally, e *rooms.Event) error {
	switch {
	case e.Is("m.room.member", string(who.user)):
		if err := p.move(ctx, who, t, e); err != nil {
			return err
		}
	case e.Type == "m.room.redaction":
		if err := p.redact(ctx, t, e); err != nil {
			return err
		}
	}
	if e.Sender == who.user {
		return p.speak(ctx, t, e)
	}
	o, err := p.outcome(ctx, who, rules, e)
	if err != nil || o == none {
		return err
	}
	thread, err := p.threadOf(ctx, e)
	if err == nil {
		t.add(hit{e.Pos, thread, o.Highlight})
	}
	return err
}

func (p *Push) threadOf(ctx context.Context, e *rooms.Event) (id.EventID, error) {
	root, err := p.rooms.ThreadOf(ctx, e)
	if root == "" {
		root = store.Main
	}
	return root, err
}

// move takes note of a change of the user's own membership: whoever comes to
// a room has nothing unread there.
func (p *Push) move(ctx context.Context, who *person, t *tally, e *rooms.Event) error {
	who.name = nil // a member event may bring another one
	if e.Membership() != "join" {
		t.out = true
		t.drop(all)
		return nil
	}
	stayed, err := p.wasJoined(ctx, who, e.Pos-1)
	if err != nil {
		return err
	}
	if t.out || !stayed { // otherwise it is no more than a new name or picture
		t.out = false
		t.drop(all)
	}
	return nil
}

func all(hit) bool { return true }

func (p *Push) wasJoined(ctx context.Context, who *person, at matrix.Position) (bool, error) {
	state, err := who.room.StateAt(ctx, at)
	if err != nil {
		return false, err
	}
	pos, ok := state.Get("m.room.member", string(who.user))
	if !ok {
		return false, nil
	}
	evs, err := p.rooms.Events(ctx, []matrix.Position{pos})
	if err != nil || evs[pos] == nil {
		return false, err
	}
	return evs[pos].Membership() == "join", nil
}

// redact forgets the event that e redacts.
func (p *Push) redact(ctx context.Context, t *tally, e *rooms.Event) error {
	target, err := p.rooms.Event(ctx, e.Redacts)
	if matrix.IsCode(err, matrix.NotFound) {
		return nil
	}
	if err == nil {
		t.drop(func(h hit) bool { return h.pos == target.Pos })
	}
	return err
}

// speak takes note of an event of the user's own: whoever says something has
// read what was said before. A reaction or an edit may be to something old.
//
// Spec: client-server-api#marking-notifications-as-read
func (p *Push) speak(ctx context.Context, t *tally, e *rooms.Event) error {
	if e.IsState() || e.Type == "m.room.redaction" || e.RelType == "m.annotation" || e.RelType == "m.replace" {
		return nil
	}
	thread, err := p.threadOf(ctx, e)
	if err == nil {
		t.drop(func(h hit) bool { return h.thread == thread && h.pos < e.Pos })
	}
	return err
}

// save notes a tally in the database, without waiting: what is lost in a
// crash is counted again.
func (p *Push) save(user id.UserID, room id.RoomID, t *tally) {
	hits, err := t.save()
	if err != nil {
		p.log.Error("unread counts cannot be written", slog.Any("err", err))
		return
	}
	t.unsaid = 0
	noted := store.Unread{Room: room, Upto: t.upto, Hits: hits}
	p.db.Submit(func(tx *storage.Tx) error { return store.PutUnread(context.Background(), tx, user, noted) })
}

// evicted notes what is known of a user who leaves memory.
func (p *Push) evicted(_ id.UserID, u *user) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for room, t := range u.tallies {
		if t.unsaid >= saveLast {
			p.save(u.id, room, t)
		}
	}
}
