package userdata

import (
	"time"

	"maunium.net/go/mautrix/id"
)

// After what time without a sign of life a user is what.
const (
	activeFor = time.Minute      // currently active
	idleAfter = 5 * time.Minute  // no longer online, but unavailable
	goneAfter = 30 * time.Second // after the end of a sync: this device is offline
)

// attendance is the presence of one user.
type attendance struct {
	user       id.UserID
	devices    map[id.DeviceID]*device
	status     *string
	lastActive time.Time // zero: never
	state      string    // as it was told last
	active     bool      // as it was told last
	next       *time.Timer
	abroad     bool      // of another server, which says how they appear
	until      time.Time // as long as it is heard of
}

// device is what one device of a user says.
type device struct {
	state string
	polls int       // syncs under way
	until time.Time // when it is gone if no sync begins before
}

func (a *attendance) device(name id.DeviceID) *device {
	at := a.devices[name]
	if at == nil {
		at = &device{state: Offline}
		a.devices[name] = at
	}
	return at
}

// decide works out how a appears at now, and reports whether that is news.
func (a *attendance) decide(now time.Time) bool {
	if a.abroad {
		return a.decideAbroad(now)
	}
	state := Offline
	for name, at := range a.devices {
		switch {
		case at.polls == 0 && !now.Before(at.until):
			delete(a.devices, name)
		case at.state == Online:
			state = Online
		case at.state == Unavailable && state == Offline:
			state = Unavailable
		}
	}
	if state == Online && now.Sub(a.lastActive) >= idleAfter {
		state = Unavailable
	}
	active := state == Online && now.Sub(a.lastActive) < activeFor
	news := state != a.state || active != a.active
	a.state, a.active = state, active
	return news
}

// wait returns after what time decide comes to another result if nothing
// happens, 0 for never.
func (a *attendance) wait(now time.Time) time.Duration {
	if a.abroad {
		if a.state == Offline {
			return 0
		}
		return a.until.Sub(now)
	}
	var next time.Duration
	at := func(t time.Time) {
		if d := t.Sub(now); d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	for _, dev := range a.devices {
		if dev.polls == 0 {
			at(dev.until)
		}
	}
	if a.state == Online {
		at(a.lastActive.Add(activeFor))
		at(a.lastActive.Add(idleAfter))
	}
	return next
}

func (a *attendance) presence(now time.Time) Presence {
	out := Presence{User: a.user, State: a.state, StatusMsg: a.status, CurrentlyActive: a.active}
	if !a.lastActive.IsZero() {
		ago := now.Sub(a.lastActive).Milliseconds()
		out.LastActiveAgo = &ago
	}
	return out
}
