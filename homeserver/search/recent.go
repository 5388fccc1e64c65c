package search

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
)

// changes are documents by their positions: nil where there is none any more.
type changes map[matrix.Position]*index.Document

// positions returns those of all changes, in order.
func (c changes) positions() []matrix.Position { return slices.Sorted(maps.Keys(c)) }

// documents returns those that are there, in the order of their positions.
func (c changes) documents() []*index.Document {
	docs := make([]*index.Document, 0, len(c))
	for _, d := range c {
		if d != nil {
			docs = append(docs, d)
		}
	}
	slices.SortFunc(docs, func(a, b *index.Document) int { return cmp.Compare(a.Pos, b.Pos) })
	return docs
}

// recent is what the index on the disk does not know yet. Run changes it, and
// searches read it.
type recent struct {
	mu    sync.RWMutex
	rooms map[id.RoomID]changes
}

func newRecent() recent { return recent{rooms: map[id.RoomID]changes{}} }

// put notes that d, nil for nothing, is what there is at pos.
func (r *recent) put(room id.RoomID, pos matrix.Position, d *index.Document) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[room] == nil {
		r.rooms[room] = changes{}
	}
	r.rooms[room][pos] = d
}

// drop forgets rooms, because the disk knows what is known here.
func (r *recent) drop(rooms ...id.RoomID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, room := range rooms {
		delete(r.rooms, room)
	}
}

// clear forgets everything.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.rooms)
}

// of returns what changed in room; nil: nothing did.
func (r *recent) of(room id.RoomID) changes {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return maps.Clone(r.rooms[room])
}

// list returns the rooms in which something changed, in order.
func (r *recent) list() []id.RoomID {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.rooms))
}
