package resolve

import (
	"context"
	"maps"

	"plenum/internal/matrix"
)

// State is what several states of a room agree on.
type State interface {
	// Get returns the event of an entry, 0 when there is none. It is not asked
	// about entries in conflict.
	Get(Key) Num
}

// Conflict is an entry on which states do not agree.
type Conflict struct {
	Key    Key
	Events []Num // of each state, in the same order; 0 where a state has none
}

// Map is a whole state.
type Map map[Key]Num

// Get implements State.
func (m Map) Get(k Key) Num { return m[k] }

// Compare says what states agree on, and on what they do not.
func Compare(states ...Map) (Map, []Conflict) {
	agreed, conflicts := make(Map, len(states[0])), []Conflict(nil)
	for i, s := range states {
		for k, n := range s {
			if known(k, states[:i]) {
				continue
			}
			if c, differ := compare(k, states); differ {
				conflicts = append(conflicts, c)
			} else {
				agreed[k] = n
			}
		}
	}
	return agreed, conflicts
}

// known reports whether one of states has an entry.
func known(k Key, states []Map) bool {
	for _, s := range states {
		if _, ok := s[k]; ok {
			return true
		}
	}
	return false
}

func compare(k Key, states []Map) (c Conflict, differ bool) {
	for _, s := range states[1:] {
		differ = differ || s[k] != states[0][k]
	}
	if !differ {
		return c, false
	}
	c = Conflict{Key: k, Events: make([]Num, len(states))}
	for i, s := range states {
		c.Events[i] = s[k]
	}
	return c, true
}

// ResolveMaps resolves whole states into one. Where the states are large and
// what differs is known, Resolve costs much less.
func (g *Graph) ResolveMaps(ctx context.Context, states ...Map) (Map, error) {
	for _, s := range states {
		nums := make([]Num, 0, len(s))
		for _, n := range s {
			nums = append(nums, n)
		}
		if err := g.Load(ctx, nums...); err != nil {
			return nil, err
		}
	}
	agreed, conflicts := Compare(states...)
	resolved, err := g.Resolve(ctx, agreed, conflicts)
	if err != nil {
		return nil, err
	}
	maps.Copy(agreed, resolved)
	return agreed, nil
}

// Resolve resolves conflicts between states. It returns the events of the
// entries in conflict, without those that are empty afterwards, and of entries
// that no state has had, if the auth chains bring some up.
//
// All events of all the states have to be in the index.
//
// Spec: rooms/v1#state-resolution
// Spec: rooms/v2#state-resolution
// Spec: rooms/v12#state-resolution
func (g *Graph) Resolve(ctx context.Context, agreed State, conflicts []Conflict) (_ map[Key]Num, err error) {
	defer matrix.Wrap(&err, "resolve state")
	if len(conflicts) == 0 {
		return nil, nil
	}
	r, err := g.newResolution(ctx, agreed, conflicts)
	if err != nil {
		return nil, err
	}
	if g.rules.StateRes == 10 {
		r.first()
	} else {
		r.second()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.outcome(), nil
}
