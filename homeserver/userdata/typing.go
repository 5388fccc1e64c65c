package userdata

import (
	"context"
	"slices"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// maxTyping is how long somebody is typing at most, unless the client says so
// again.
//
// Spec: client-server-api#typing-notifications
const maxTyping = 30 * time.Second

// typing is who types where.
type typing struct {
	d     *Data
	mu    sync.Mutex
	rooms map[id.RoomID]*typists
}

// typists are those who type in one room. It stays when nobody types any
// more, because devices have to hear of that.
type typists struct {
	users  []id.UserID // in order; immutable, because readers hold it
	ends   map[id.UserID]*ending
	serial int64 // of the last change of users
}

// ending is when somebody stops typing.
type ending struct {
	timer *time.Timer
	said  time.Time // when other servers were told last
}

func newTyping(d *Data) *typing {
	return &typing{d: d, rooms: map[id.RoomID]*typists{}}
}

// SetTyping says that p types in room for as long as timeout, or no longer
// when timeout is 0 or less.
//
// Spec: client-server-api#put_matrixclientv3roomsroomidtypinguserid
func (d *Data) SetTyping(ctx context.Context, p matrix.Principal, room id.RoomID, timeout time.Duration) error {
	if err := d.checkJoined(ctx, p.User, room); err != nil {
		return err
	}
	if timeout <= 0 {
		d.typing.stop(room, p.User)
		return nil
	}
	d.presence.active(p.User)
	if d.typing.start(room, p.User, min(timeout, maxTyping)) {
		d.typesAbroad(room, p.User, true)
	}
	return nil
}

// Typing returns who types in room, in order, and the serial of the last
// change; 0 when nobody ever did.
func (d *Data) Typing(room id.RoomID) (users []id.UserID, serial int64) {
	t := d.typing
	t.mu.Lock()
	defer t.mu.Unlock()
	if in := t.rooms[room]; in != nil {
		return in.users, in.serial
	}
	return nil, 0
}

// start reports whether other servers have to be told.
func (t *typing) start(room id.RoomID, user id.UserID, timeout time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.rooms[room]
	if in == nil {
		in = &typists{ends: map[id.UserID]*ending{}}
		t.rooms[room] = in
	}
	now := t.d.opt.Now()
	if end := in.ends[user]; end != nil && end.timer.Stop() {
		end.timer.Reset(timeout)
		again := now.Sub(end.said) >= sayTypingAgain
		if again {
			end.said = now
		}
		return again
	}
	end := &ending{said: now}
	end.timer = time.AfterFunc(timeout, func() { t.expire(room, user, end) })
	in.ends[user] = end
	if at, typed := slices.BinarySearch(in.users, user); !typed {
		in.users = slices.Insert(slices.Clone(in.users), at, user)
		t.changed(room, in)
	}
	return true
}

// stop ends the typing of user in room.
func (t *typing) stop(room id.RoomID, user id.UserID) {
	if t.stopped(room, user, nil) {
		t.d.typesAbroad(room, user, false)
	}
}

// expire ends the typing of user unless it began anew when end had fired.
func (t *typing) expire(room id.RoomID, user id.UserID, end *ending) {
	if t.stopped(room, user, end) {
		t.d.typesAbroad(room, user, false)
	}
}

// stopped takes user off the list, with end only if that is still the one that
// counts, and reports whether user was on it.
func (t *typing) stopped(room id.RoomID, user id.UserID, end *ending) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.rooms[room]
	if in == nil || in.ends[user] == nil || end != nil && in.ends[user] != end {
		return false
	}
	t.remove(room, in, user)
	return true
}

// remove takes user off the list. The caller holds mu.
func (t *typing) remove(room id.RoomID, in *typists, user id.UserID) {
	end := in.ends[user]
	if end == nil {
		return
	}
	end.timer.Stop()
	delete(in.ends, user)
	if at, typed := slices.BinarySearch(in.users, user); typed {
		in.users = slices.Delete(slices.Clone(in.users), at, at+1)
		t.changed(room, in)
	}
}

// changed gives the room a new serial and wakes those who wait. The caller
// holds mu.
func (t *typing) changed(room id.RoomID, in *typists) {
	in.serial = t.d.serial.Add(1)
	t.d.db.Bus().Tell(rooms.RoomTopic(room))
}

// stopAll ends all typing, so that no device shows it through a restart.
func (t *typing) stopAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for room, in := range t.rooms {
		for user := range in.ends {
			t.remove(room, in, user)
		}
	}
}

// heard ends the typing of whoever sent one of evs or is no longer in the room.
func (t *typing) heard(evs []*rooms.Event) {
	for _, e := range evs {
		switch {
		case e.Type == "m.room.message" || e.Type == "m.room.encrypted":
			t.stop(e.Room, e.Sender)
		case e.Type == "m.room.member" && e.Membership() != "join":
			t.stop(e.Room, id.UserID(*e.StateKey))
		}
	}
}
