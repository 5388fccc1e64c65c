package rooms

import (
	"context"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// parentsCached bounds the events whose children, or lack of them, is known in
// memory: about 150 bytes each.
const parentsCached = 100_000

// child is an event that relates to another one in a way that is shown with
// it: an edit, a reply in a thread, a reference.
type child struct {
	pos    matrix.Position
	id     id.EventID
	typ    string // of the event
	rel    string
	sender id.UserID
	ts     int64
}

// children remembers which events have such children, so that events without
// any, which are most, cost no query.
type children struct {
	r *Rooms

	mu    sync.Mutex
	known *simplelru.LRU[parentKey, []child] // oldest first
	turn  int                                // counts changes, so that what was read before one is not kept
}

type parentKey struct {
	room  int64
	event id.EventID
}

func newChildren(r *Rooms) (*children, error) {
	known, err := simplelru.NewLRU[parentKey, []child](parentsCached, nil)
	return &children{r: r, known: known}, err
}

// isBundled reports whether relations of type rel are shown with the parent.
func isBundled(rel string) bool {
	return rel == "m.replace" || rel == "m.thread" || rel == "m.reference"
}

// apply takes over what committed events of room mean for their parents.
func (c *children) apply(room int64, evs []*Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range evs {
		// Nobody can point to an event of ours before it is there.
		if c.r.IsLocal(e.Sender) {
			c.known.Add(parentKey{room, e.ID}, nil)
		}
		if e.RelatesTo == "" || !isBundled(e.RelType) {
			continue
		}
		c.turn++
		parent := parentKey{room, e.RelatesTo}
		if siblings, ok := c.known.Peek(parent); ok {
			// Readers hold shorter slices of the same memory.
			c.known.Add(parent, append(siblings, child{e.Pos, e.ID, e.Type, e.RelType, e.Sender, e.TS}))
		}
	}
}

// drop forgets the relation of an event that was redacted. was is the event as
// it was before, nil when that is not in memory.
func (c *children) drop(room int64, was *Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	if was == nil {
		c.known.Purge()
		return
	}
	parent := parentKey{room, was.RelatesTo}
	if siblings, ok := c.known.Peek(parent); ok && isBundled(was.RelType) {
		c.known.Add(parent, slices.DeleteFunc(slices.Clone(siblings), func(s child) bool { return s.id == was.ID }))
	}
}

// forget makes the children of parent be read again: an older event relates to
// it that came later.
func (c *children) forget(room int64, parent id.EventID) {
	if parent == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	c.known.Remove(parentKey{room, parent})
}

// of returns the children of those parents that have any, with one query at most.
func (c *children) of(ctx context.Context, rm *Room, parents []id.EventID) (map[id.EventID][]child, error) {
	out, missing, turn := c.look(rm.nid, parents)
	if len(missing) == 0 {
		return out, nil
	}
	var rows []eventlog.RelationRow
	err := c.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = c.r.log.Bundled(ctx, tx, rm.nid, missing)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if out == nil {
			out = map[id.EventID][]child{}
		}
		parent := row.Parent(rm.rules.Version)
		out[parent] = append(out[parent], child{row.Child, row.ID(rm.rules.Version), row.ChildType, row.Type, row.Sender, row.TS})
	}
	c.keep(rm.nid, missing, out, turn)
	return out, nil
}

func (c *children) look(room int64, parents []id.EventID) (found map[id.EventID][]child, missing []id.EventID, turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, parent := range parents {
		list, ok := c.known.Get(parentKey{room, parent})
		switch {
		case !ok:
			missing = append(missing, parent)
		case len(list) > 0:
			if found == nil {
				found = map[id.EventID][]child{}
			}
			found[parent] = list
		}
	}
	return found, missing, c.turn
}

func (c *children) keep(room int64, parents []id.EventID, found map[id.EventID][]child, turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != turn {
		return
	}
	for _, parent := range parents {
		c.known.Add(parentKey{room, parent}, slices.Clip(found[parent]))
	}
}
