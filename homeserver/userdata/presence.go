package userdata

import (
	"context"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// States of presence.
//
// Spec: client-server-api#presence
const (
	Online      = "online"
	Unavailable = "unavailable" // idle
	Offline     = "offline"
)

// maxStatus bounds a status message in bytes.
const maxStatus = 2048

// Presence is whether a user is there, as it is told to others: the content
// of m.presence and whose it is.
type Presence struct {
	User            id.UserID `json:"-"`
	State           string    `json:"presence"`
	LastActiveAgo   *int64    `json:"last_active_ago,omitempty"` // ms; nil: never seen active
	StatusMsg       *string   `json:"status_msg,omitempty"`
	CurrentlyActive bool      `json:"currently_active,omitempty"`
}

// presence is who is there, by what their devices do. Nothing of it is stored.
type presence struct {
	d       *Data
	mu      sync.Mutex
	users   map[id.UserID]*attendance
	changes journal[id.UserID, *attendance] // by serial
	joined  map[id.UserID]int64             // serial of the last time that a user joined a room
}

func newPresence(d *Data) *presence {
	return &presence{d: d, users: map[id.UserID]*attendance{}, joined: map[id.UserID]int64{}}
}

// SetPresence says how p wants to appear. Without presence it is forgotten.
//
// Spec: client-server-api#put_matrixclientv3presenceuseridstatus
func (d *Data) SetPresence(p matrix.Principal, state string, status *string) error {
	switch state {
	case Online, Unavailable, Offline:
	default:
		return matrix.Errorf(matrix.InvalidParam, "There is no presence %q.", state)
	}
	if status != nil && len(*status) > maxStatus {
		return matrix.Errorf(matrix.InvalidParam, "A status message may have at most %d bytes.", maxStatus)
	}
	if status != nil && *status == "" {
		status = nil
	}
	d.presence.update(p.User, func(a *attendance, now time.Time) bool {
		at := a.device(p.Device)
		at.state, at.until = state, now.Add(goneAfter)
		if state == Online {
			a.lastActive = now
		}
		news := !equal(a.status, status)
		a.status = status
		return news
	})
	return nil
}

// Syncing says that a sync of p begins, which makes p appear as set, online
// when set is empty; offline leaves things as they are. The caller calls done
// when the sync ends.
//
// Spec: client-server-api#get_matrixclientv3sync, set_presence
func (d *Data) Syncing(p matrix.Principal, set string) (done func()) {
	if !d.opt.Presence || set == Offline {
		return func() {}
	}
	d.presence.update(p.User, func(a *attendance, now time.Time) bool {
		at := a.device(p.Device)
		at.polls++
		if set == Unavailable {
			at.state = Unavailable
			return false
		}
		if at.state != Online { // to come is a sign of life, to stay is none
			a.lastActive = now
		}
		at.state = Online
		return false
	})
	return func() {
		d.presence.update(p.User, func(a *attendance, now time.Time) bool {
			at := a.device(p.Device)
			at.polls = max(0, at.polls-1)
			at.until = now.Add(goneAfter)
			return false
		})
	}
}

// Presence returns how user appears to p. Only those who share a room with
// user may know.
//
// Spec: client-server-api#get_matrixclientv3presenceuseridstatus
func (d *Data) Presence(ctx context.Context, p matrix.Principal, user id.UserID) (Presence, error) {
	if user != p.User {
		share, err := d.rooms.ShareRoom(ctx, p.User, user)
		if err != nil {
			return Presence{}, err
		}
		if !share {
			return Presence{}, matrix.Errorf(matrix.Forbidden, "You are not allowed to see their presence.")
		}
	}
	return d.presence.of(user), nil
}

// PresenceChanges returns how those who share a room with user appear, as far
// as it changed after the serial after. From 0 on, it leaves out who is
// offline.
func (d *Data) PresenceChanges(ctx context.Context, user id.UserID, after int64) ([]Presence, error) {
	var out []Presence
	for _, one := range d.presence.since(user, after) {
		if one.User != user {
			share, err := d.rooms.ShareRoom(ctx, user, one.User)
			if err != nil {
				return nil, err
			}
			if !share {
				continue
			}
		}
		out = append(out, one)
	}
	return out, nil
}

func equal(a, b *string) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// of returns how user appears now.
func (p *presence) of(user id.UserID) Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.users[user]; a != nil {
		return a.presence(p.d.opt.Now())
	}
	return Presence{User: user, State: Offline}
}

// since returns the changes after a serial that may concern user.
func (p *presence) since(user id.UserID, after int64) []Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.joined[user] > after { // there are people whom user could not see before
		after = 0
	}
	if int64(p.changes.last()) <= after {
		return nil
	}
	now := p.d.opt.Now()
	var out []Presence
	p.changes.between(matrix.Position(after), matrix.Position(p.d.Serial()), func(a *attendance) {
		if after > 0 || a.state != Offline {
			out = append(out, a.presence(now))
		}
	})
	return out
}

// active notes a sign of life of user.
func (p *presence) active(user id.UserID) {
	p.update(user, func(a *attendance, now time.Time) bool {
		a.lastActive = now
		return false
	})
}

// forget drops what is known of user.
func (p *presence) forget(user id.UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.users[user]; a != nil {
		a.devices, a.status, a.state, a.active = nil, nil, Offline, false
		if a.next != nil {
			a.next.Stop()
		}
		delete(p.users, user)
	}
}

// heard takes a message as a sign of life, and lets people who meet in a room
// hear of each other.
func (p *presence) heard(evs []*rooms.Event) {
	if !p.d.opt.Presence {
		return
	}
	for _, e := range evs {
		if !p.d.rooms.IsLocal(e.Sender) {
			if e.Is("m.room.member", string(e.Sender)) && e.Membership() == "join" {
				p.d.introduce(e)
			}
			continue
		}
		if e.Is("m.room.member", string(e.Sender)) && e.Membership() == "join" {
			p.arrived(e.Sender)
		}
		p.active(e.Sender)
	}
}

// arrived says that user came to a room.
func (p *presence) arrived(user id.UserID) {
	p.mu.Lock()
	p.joined[user] = p.d.serial.Add(1)
	a := p.users[user]
	if a != nil {
		p.changes.put(user, matrix.Position(p.d.serial.Add(1)), a)
	}
	p.mu.Unlock()
	if a != nil {
		p.tell(user)
	}
}

// update changes the attendance of user and tells others what they see of it.
// change reports whether there is something to tell in any case.
func (p *presence) update(user id.UserID, change func(a *attendance, now time.Time) bool) {
	if !p.d.opt.Presence {
		return
	}
	p.mu.Lock()
	a := p.users[user]
	if a == nil {
		a = &attendance{user: user, devices: map[id.DeviceID]*device{}, state: Offline}
		p.users[user] = a
	}
	now := p.d.opt.Now()
	news := change(a, now)
	news = a.decide(now) || news
	if news {
		p.changes.put(user, matrix.Position(p.d.serial.Add(1)), a)
	}
	p.schedule(a, now)
	p.mu.Unlock()
	if news {
		p.tell(user)
	}
}

// schedule sees to it that time alone changes what it has to. The caller
// holds mu.
func (p *presence) schedule(a *attendance, now time.Time) {
	wait := a.wait(now)
	switch {
	case wait <= 0 && a.next != nil:
		a.next.Stop()
	case wait <= 0:
	case a.next != nil:
		a.next.Reset(wait)
	default:
		a.next = time.AfterFunc(wait, func() {
			p.update(a.user, func(*attendance, time.Time) bool { return false })
		})
	}
}

// tell wakes those who share a room with user, and tells their servers.
func (p *presence) tell(user id.UserID) {
	p.d.appearsAbroad(user)
	bus := p.d.db.Bus()
	bus.Tell(rooms.UserTopic(user))
	in, err := p.d.rooms.JoinedRooms(context.Background(), user)
	if err != nil {
		return // a hint that got lost: those who wait see it with their next sync
	}
	for _, room := range in {
		bus.Tell(rooms.RoomTopic(room))
	}
}
