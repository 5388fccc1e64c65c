package resolve

import (
	"context"
	"fmt"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// resolution is one run of an algorithm.
type resolution struct {
	*Graph
	ctx       context.Context
	agreed    State
	conflicts []conflict
	disputed  map[int32]bool // entries in conflict
	fromEmpty bool           // resolution 2.1 starts with no state at all
	create    int32          // the room's create event

	resolved map[Key]int32 // the state so far, above what is agreed
	pdus     map[int32]*event.PDU
	levels   map[levelsOf]*auth.PowerLevels
	cover    map[int32]bool // what is known of which events are covered
	err      error          // of the source
}

// conflict is a Conflict by index.
type conflict struct {
	key    Key
	events []int32 // of each state; none where it has none
}

// levelsOf is what power levels follow from.
type levelsOf struct{ create, levels int32 }

func (g *Graph) newResolution(ctx context.Context, agreed State, conflicts []Conflict) (*resolution, error) {
	r := &resolution{
		Graph: g, ctx: ctx, agreed: agreed, disputed: map[int32]bool{}, create: none, fromEmpty: g.rules.StateRes == 21,
		resolved: map[Key]int32{}, pdus: map[int32]*event.PDU{}, levels: map[levelsOf]*auth.PowerLevels{}, cover: map[int32]bool{},
	}
	for _, c := range conflicts {
		if len(c.Events) != len(conflicts[0].Events) {
			return nil, fmt.Errorf("%w: of %s %s", errMissing, c.Key.Type, c.Key.Key)
		}
		ours := conflict{key: c.Key, events: make([]int32, len(c.Events))}
		for i, n := range c.Events {
			ours.events[i] = r.find(n)
		}
		r.conflicts = append(r.conflicts, ours)
		if k, ok := g.keys[c.Key]; ok {
			r.disputed[k] = true
		}
	}
	r.create = r.agreedOn(createKey())
	return r, r.err
}

// find returns an event by number.
func (r *resolution) find(n Num) int32 {
	if n == 0 {
		return none
	}
	at, ok := r.index[n]
	if !ok {
		r.err = fmt.Errorf("%w: %d", errMissing, n)
		return none
	}
	return at
}

// isAgreed reports whether all states have the event.
func (r *resolution) isAgreed(at int32) bool {
	n := &r.nodes[at]
	return !r.disputed[n.key] && r.agreed.Get(r.key[n.key]) == n.num
}

// state returns the event of an entry of the state so far.
func (r *resolution) state(k Key) int32 {
	if at, ok := r.resolved[k]; ok {
		return at
	}
	if r.fromEmpty {
		return none
	}
	return r.agreedOn(k)
}

// agreedOn returns the event that all states have in an entry.
func (r *resolution) agreedOn(k Key) int32 {
	if key, ok := r.keys[k]; !ok || r.disputed[key] {
		return none
	}
	return r.find(r.agreed.Get(k))
}

// outcome returns what has been resolved. What was agreed stays as it was.
func (r *resolution) outcome() map[Key]Num {
	out := map[Key]Num{}
	for k, at := range r.resolved {
		if r.agreedOn(k) == none {
			out[k] = r.nodes[at].num
		}
	}
	return out
}

// fetch reads events that will be looked at, in one go.
func (r *resolution) fetch(list []int32) {
	var nums []Num
	for _, at := range list {
		if r.pdus[at] == nil {
			nums = append(nums, r.nodes[at].num)
		}
	}
	if len(nums) == 0 || r.err != nil {
		return
	}
	events, err := r.src.Events(r.ctx, nums)
	if err != nil {
		r.err = err
	}
	for i := range events {
		if at, ok := r.index[events[i].Num]; ok {
			r.pdus[at] = events[i].PDU
		}
	}
}

// pdu returns an event, nil after an error.
func (r *resolution) pdu(at int32) *event.PDU {
	if at == none {
		return nil
	}
	if p := r.pdus[at]; p != nil {
		return p
	}
	r.fetch([]int32{at})
	if r.pdus[at] == nil && r.err == nil {
		r.err = fmt.Errorf("%w: %d", errMissing, r.nodes[at].num)
	}
	return r.pdus[at]
}

// powerLevels parses power levels, once.
func (r *resolution) powerLevels(create, levels int32) *auth.PowerLevels {
	of := levelsOf{create, levels}
	if r.levels[of] == nil {
		r.levels[of] = auth.ParsePowerLevels(r.rules, r.pdu(create), r.pdu(levels))
	}
	return r.levels[of]
}
