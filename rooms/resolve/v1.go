package resolve

import (
	"bytes"
	"cmp"
	"crypto/sha1" // what version 1 says; nothing depends on its strength
	"slices"
)

// first is the algorithm of version 1.
//
// Spec: rooms/v1#state-resolution
func (r *resolution) first() {
	open := r.settle()
	open = r.firstOf(open, func(k Key) bool { return k == levelsKey() })
	open = r.firstOf(open, func(k Key) bool { return k == Key{Type: "m.room.join_rules"} })
	open = r.firstOf(open, func(k Key) bool { return k.Type == "m.room.member" })
	found := map[Key]int32{}
	for _, c := range open {
		found[c.key] = r.latestAllowed(c.events)
	}
	r.take(found)
}

// settle takes over the entries that only some states have, about which they
// do not disagree, and returns the others with their distinct events.
func (r *resolution) settle() []conflict {
	var open []conflict
	for _, c := range r.conflicts {
		slices.Sort(c.events)
		events := slices.Compact(c.events)
		if events[0] == none {
			events = events[1:]
		}
		if len(events) == 1 {
			r.resolved[c.key] = events[0]
		} else if len(events) > 1 {
			if events = r.byDepth(events); r.err != nil {
				return nil // one could not be read
			}
			open = append(open, conflict{c.key, events})
		}
	}
	return open
}

// firstOf resolves the conflicts that are of one kind and returns the others.
// The outcome counts when all of the kind are resolved, so that their order
// does not matter.
func (r *resolution) firstOf(open []conflict, kind func(Key) bool) []conflict {
	var rest []conflict
	found := map[Key]int32{}
	for _, c := range open {
		if kind(c.key) {
			found[c.key] = r.lastInRow(c)
		} else {
			rest = append(rest, c)
		}
	}
	r.take(found)
	return rest
}

func (r *resolution) take(found map[Key]int32) {
	for k, at := range found {
		r.resolved[k] = at
	}
}

// lastInRow returns the last of a row of events, each of which is allowed after
// the one before.
func (r *resolution) lastInRow(c conflict) int32 {
	defer delete(r.resolved, c.key)
	last := c.events[0]
	for _, at := range c.events[1:] {
		r.resolved[c.key] = last
		if p := r.pdu(at); p == nil || !r.allows(at, p) {
			break
		}
		last = at
	}
	return last
}

// latestAllowed returns the latest event that the state allows, or the
// earliest of all.
func (r *resolution) latestAllowed(events []int32) int32 {
	for _, at := range slices.Backward(events[1:]) {
		if p := r.pdu(at); p != nil && r.allows(at, p) {
			return at
		}
	}
	return events[0]
}

// byDepth sorts events by rising depth and falling SHA-1 of their ids.
func (r *resolution) byDepth(events []int32) []int32 {
	type item struct {
		at    int32
		depth int64
		hash  [sha1.Size]byte
	}
	items := make([]item, 0, len(events))
	r.fetch(events)
	for _, at := range events {
		if p := r.pdu(at); p != nil {
			items = append(items, item{at, p.Depth, sha1.Sum([]byte(p.ID))})
		}
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), bytes.Compare(b.hash[:], a.hash[:]))
	})
	out := make([]int32, len(items))
	for i := range items {
		out[i] = items[i].at
	}
	return out
}
