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
	if e.Type == "m.room.power_levels" || e.Type == "m.room.create" {
		v.levels = nil
	}
}

// powerLevels returns the parsed power levels.
func (v *view) powerLevels() *auth.PowerLevels {
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
