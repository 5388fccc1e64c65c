package rooms

import (
	"iter"

	"plenum/internal/matrix"
	"plenum/storage/eventlog"
)

// versionsKept bounds the former versions of a state entry in memory; older
// ones are read from the log. Whoever holds a State counts on what changes
// while they look at it, so it is generous.
const versionsKept = 32

// entry is a version of one state entry, in force from pos on.
type entry struct {
	pos   matrix.Position
	event matrix.Position // 0: removed
	older *entry          // the version before; unknown: ask the log; nil: none
	n     int             // versions from here on
}

// unknown marks that older versions are in the log only.
var unknown = &entry{}

// at returns the version in force after pos. known is false when the log has to be asked.
func (e *entry) at(pos matrix.Position) (v *entry, known bool) {
	for ; e != nil && e != unknown; e = e.older {
		if e.pos <= pos {
			return e, true
		}
	}
	return nil, e == nil
}

// cut forgets the oldest versions when there are twice as many as are kept, so
// that a change costs little on average.
func (e *entry) cut() {
	if e.n < 2*versionsKept {
		return
	}
	e.n = versionsKept
	for range versionsKept - 1 {
		e = e.older
	}
	e.older = unknown
}

// stateMap is the state of a room in memory. It knows what changed last, so
// that looking at a change costs no more than what changed, and which entries
// a type has, so that looking for those costs nothing for all the members.
type stateMap struct {
	cells  map[StateKey]*cell
	newest *cell
	types  map[string][]*cell // all but members
}

// cell is one entry of the state in the list of all, by their last change.
type cell struct {
	key          StateKey
	now          *entry
	newer, older *cell
}

func newStateMap() stateMap {
	return stateMap{cells: map[StateKey]*cell{}, types: map[string][]*cell{}}
}

// get returns the newest version of an entry, nil when there never was one.
func (m *stateMap) get(k StateKey) *entry {
	if c := m.cells[k]; c != nil {
		return c.now
	}
	return nil
}

// load puts an entry there as the log knows it. Entries come in the order of
// their changes.
func (m *stateMap) load(k StateKey, pos, event matrix.Position) {
	m.put(k, &entry{pos: pos, event: event, older: unknown, n: 1})
}

// change makes event the newest version of an entry, from pos on.
func (m *stateMap) change(k StateKey, pos, event matrix.Position) {
	v := &entry{pos: pos, event: event, older: m.get(k), n: 1}
	if v.older != nil {
		v.n += v.older.n
	}
	v.cut()
	m.put(k, v)
}

// recall fills in the versions that entries had since floor. changes are all
// there were after it, oldest first.
func (m *stateMap) recall(floor matrix.Position, changes []eventlog.StateChange) {
	newest := map[StateKey]*entry{}
	for _, c := range changes {
		k := StateKey{c.Type, c.Key}
		v := &entry{pos: c.Pos, older: newest[k], n: 1}
		if v.older == nil && c.Prev != nil { // since when, only the log knows
			v.older = &entry{pos: floor, event: *c.Prev, older: unknown, n: 1}
		}
		if c.Event != nil {
			v.event = *c.Event
		}
		if v.older != nil {
			v.n += v.older.n
		}
		v.cut()
		newest[k] = v
	}
	for k, v := range newest {
		if c := m.cells[k]; c != nil && c.now.pos == v.pos {
			c.now = v
		}
	}
}

func (m *stateMap) put(k StateKey, v *entry) {
	c := m.cells[k]
	switch {
	case c == nil:
		c = &cell{key: k}
		m.cells[k] = c
		if k.Type != "m.room.member" {
			m.types[k.Type] = append(m.types[k.Type], c)
		}
	case c == m.newest:
		c.now = v
		return
	default:
		c.newer.older = c.older
		if c.older != nil {
			c.older.newer = c.newer
		}
	}
	c.now, c.newer, c.older = v, nil, m.newest
	if m.newest != nil {
		m.newest.newer = c
	}
	m.newest = c
}

// since gives the entries that changed after pos, the last change first.
func (m *stateMap) since(pos matrix.Position) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		for c := m.newest; c != nil && c.now.pos > pos; c = c.older {
			if !yield(c) {
				return
			}
		}
	}
}
