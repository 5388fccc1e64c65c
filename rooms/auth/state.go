package auth

import "plenum/rooms/event"

// Key names one entry of a room's state.
type Key struct{ Type, Key string }

// State is the room state that an event is checked against.
type State interface {
	// Get returns the state event of typ and key, nil when there is none.
	Get(typ, key string) *event.PDU
	// Levels returns the power levels of this state. They are asked for with
	// every event, so that an implementation should parse them once.
	Levels() *PowerLevels
}

// Map is a State that holds its events in a map.
type Map struct {
	events map[Key]*event.PDU
	levels *PowerLevels
}

// NewMap makes a Map of state events.
func NewMap(events ...*event.PDU) *Map {
	m := &Map{events: make(map[Key]*event.PDU, len(events))}
	for _, e := range events {
		m.Put(e)
	}
	return m
}

// Put makes a state event part of the state.
func (m *Map) Put(e *event.PDU) {
	m.events[Key{e.Type, *e.StateKey}] = e
	if e.Type == "m.room.power_levels" || e.Type == "m.room.create" {
		m.levels = nil
	}
}

// Get implements State.
func (m *Map) Get(typ, key string) *event.PDU { return m.events[Key{typ, key}] }

// Levels implements State.
func (m *Map) Levels() *PowerLevels {
	if m.levels == nil {
		m.levels = LevelsOf(m)
	}
	return m.levels
}

// LevelsOf parses the power levels of a state: for implementations of State,
// which keep the result.
func LevelsOf(s interface {
	Get(typ, key string) *event.PDU
}) *PowerLevels {
	create, levels := s.Get("m.room.create", ""), s.Get("m.room.power_levels", "")
	if create == nil {
		return &PowerLevels{}
	}
	return ParsePowerLevels(create.Rules, create, levels)
}
