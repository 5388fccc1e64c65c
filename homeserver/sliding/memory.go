package sliding

import (
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// memory is what a client is known to have over one connection.
type memory struct {
	since   matrix.Position // everything that it asked for, up to here
	rooms   map[id.RoomID]*known
	members map[id.RoomID]users // whom it knows as members, of rooms where it loads them lazily
	met     int                 // number of those
	wants   map[*wanted]int     // number of rooms of which the client has that state
	typing  map[id.RoomID]int64 // where somebody types, as the client thinks, and since when
	data    matrix.Position     // account data up to here; 0: none
	devices matrix.Position     // changes of devices up to here
	threads matrix.Position     // subscriptions to threads up to here; 0: none
}

type users = map[id.UserID]struct{}

// known is what a client has of a room. It is immutable.
type known struct {
	membership string          // the user's, as the client was told
	upto       matrix.Position // events and state up to here
	start      matrix.Position // it has all events after this that it may see
	depth      int             // it has that many of the newest events, if there are so many
	want       *wanted         // it has all of the state that is wanted by this
	isDM       bool
	hasData    bool            // it has the account data of the room
	receipts   matrix.Position // receipts up to here; 0: none
	counted    matrix.Position // own receipts up to here are in the counts that it has
}

// isLazy reports whether the client loads the members of the room as it needs
// them.
func (k *known) isLazy() bool { return k.want != nil && k.want.lazy }

// given is an answer that was given, and what the client has when it arrived.
type given struct {
	n      int64  // its number on the connection
	digest digest // of the request
	answer []byte // nil: is not kept

	since   matrix.Position
	rooms   map[id.RoomID]*known // only those about which something is different
	met     map[id.RoomID]meeting
	typing  map[id.RoomID]int64
	data    matrix.Position
	devices matrix.Position
	threads matrix.Position
}

// meeting is the members of a room that an answer told of.
type meeting struct {
	anew  bool // the client forgets whom it knew
	users []id.UserID
}

// membersKnown bounds whom a client is known to know. What is forgotten is
// told once more.
const membersKnown = 20_000

func newMemory() *memory {
	return &memory{rooms: map[id.RoomID]*known{}, members: map[id.RoomID]users{}, wants: map[*wanted]int{}}
}

// take takes over that g arrived.
func (m *memory) take(g *given) {
	m.since, m.typing, m.data, m.devices, m.threads = g.since, g.typing, g.data, g.devices, g.threads
	for room, is := range g.rooms {
		if was := m.rooms[room]; was != nil {
			m.count(was.want, -1)
		}
		m.count(is.want, 1)
		m.rooms[room] = is
	}
	for room, meeting := range g.met {
		m.meet(room, meeting)
	}
}

func (m *memory) meet(room id.RoomID, with meeting) {
	if with.anew {
		m.met -= len(m.members[room])
		delete(m.members, room)
	}
	if m.met+len(with.users) > membersKnown {
		clear(m.members)
		m.met = 0
	}
	if len(with.users) == 0 {
		return
	}
	have := m.members[room]
	if have == nil {
		have = make(users, len(with.users))
		m.members[room] = have
	}
	m.met -= len(have)
	for _, user := range with.users {
		have[user] = struct{}{}
	}
	m.met += len(have)
}

func (m *memory) count(w *wanted, by int) {
	if w == nil {
		return
	}
	if m.wants[w] += by; m.wants[w] == 0 {
		delete(m.wants, w)
	}
}

// size is about how many bytes of memory a connection takes.
func (m *memory) size() int {
	size := 1000 + 250*len(m.rooms) + 100*m.met
	for w := range m.wants {
		size += 4 * len(w.text)
	}
	return size
}
