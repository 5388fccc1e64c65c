package rooms

import (
	"context"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// view is the room as the next event will find it: what is committed, what is
// on its way to the disk, and what this batch adds.
type view struct {
	ctx    context.Context
	rm     *Room
	over   map[StateKey]*Event
	heads  []head
	levels *auth.PowerLevels
	err    error // of reading; looked at when the batch is built

	approvals *approvals // nil: no policy server is asked
}

// Event returns the state event under typ and key, nil when there is none.
func (v *view) Event(typ, key string) *Event {
	k := StateKey{typ, key}
	if e, ok := v.over[k]; ok {
		return e
	}
	v.rm.mu.RLock()
	e, ok := v.rm.pending[k]
	v.rm.mu.RUnlock()
	if ok {
		return e
	}
	e, err := v.rm.Current(v.ctx, typ, key)
	if err != nil {
		v.err = err
	}
	return e
}

// stateOf returns what stands where e, a state event, does or did; nil for a message.
func (v *view) stateOf(e *Event) *Event {
	if !e.IsState() {
		return nil
	}
	return v.Event(e.Type, *e.StateKey)
}

// Get implements auth.State.
func (v *view) Get(typ, key string) *event.PDU {
	if e := v.Event(typ, key); e != nil {
		return e.pdu
	}
	return nil
}

// put makes e part of the state.
func (v *view) put(e *Event) {
	if v.over == nil {
		v.over = map[StateKey]*Event{}
	}
	v.over[StateKey{e.Type, *e.StateKey}] = e
	if e.Is("m.room.power_levels", "") || e.Is("m.room.create", "") {
		v.levels = nil
	}
}

// Levels implements auth.State. They are parsed once and kept with the room.
func (v *view) Levels() *auth.PowerLevels {
	if v.levels == nil {
		v.levels = auth.ParsePowerLevels(v.rm.rules, v.Get("m.room.create", ""), v.Get("m.room.power_levels", ""))
	}
	return v.levels
}

// membership returns the membership word of user, "" when there is none.
func (v *view) membership(user string) string {
	if e := v.Event("m.room.member", user); e != nil {
		return e.Membership()
	}
	return ""
}
