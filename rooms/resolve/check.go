package resolve

import (
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// apply goes through events in order and makes those part of the state that
// it allows.
//
// Spec: rooms/v2#definitions, iterative auth checks
func (r *resolution) apply(ordered []int32) {
	for _, at := range ordered {
		if p := r.pdu(at); p != nil && r.allows(at, p) {
			r.resolved[r.key[r.nodes[at].key]] = at
		}
		if r.err != nil {
			return
		}
	}
}

// allows reports whether the state so far allows an event.
func (r *resolution) allows(at int32, p *event.PDU) bool {
	return auth.Check(p, surroundings{r, at}) == nil
}

// surroundings is the state that an event is checked against: the state so
// far and, where that has nothing, the event's own auth events.
type surroundings struct {
	*resolution
	at int32
}

// Get implements auth.State.
func (s surroundings) Get(typ, key string) *event.PDU {
	return s.pdu(s.version(Key{Type: typ, Key: key}))
}

// Levels implements auth.State.
func (s surroundings) Levels() *auth.PowerLevels {
	return s.powerLevels(s.version(createKey()), s.version(levelsKey()))
}

// version returns the event of an entry.
func (s surroundings) version(k Key) int32 {
	if at := s.state(k); at != none {
		return at
	}
	if s.rules.StateRes == 10 {
		return none
	}
	if s.rules.Creators && k == createKey() {
		return s.create // which the room id names, and no auth event
	}
	return s.authEvent(s.at, k)
}

// authEvent returns the auth event of an event that is a version of k.
func (r *resolution) authEvent(at int32, k Key) int32 {
	for _, a := range r.nodes[at].auth {
		if n := &r.nodes[a]; r.key[n.key] == k && !n.rejected {
			return a
		}
	}
	return none
}
