package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"plenum/rooms/event"
)

// none is the index of no node.
const none = -1

// Graph is an index of the state events of one room. It is not safe for use by
// many goroutines at once.
type Graph struct {
	rules *event.Rules
	src   Source
	index map[Num]int32
	nodes []node
	keys  map[Key]int32
	key   []Key // by number
}

// node is a state event. Nodes refer to each other by index.
type node struct {
	num      Num
	key      int32
	depth    int32   // longer than that of every auth event
	levels   int32   // the power levels among the auth events
	auth     []int32 // its auth events
	cited    []int32 // whose auth event it is, oldest first
	power    bool    // may take power away from somebody
	rejected bool
}

// NewGraph makes the index of a room, which is empty until Load or Add.
func NewGraph(rules *event.Rules, src Source) *Graph {
	return &Graph{rules: rules, src: src, index: map[Num]int32{}, keys: map[Key]int32{}}
}

// Len returns how many events are in the index.
func (g *Graph) Len() int { return len(g.nodes) }

// Has reports whether an event is in the index.
func (g *Graph) Has(n Num) bool {
	_, ok := g.index[n]
	return ok
}

// Load puts events and their auth chains into the index, as far as they are
// not there yet.
func (g *Graph) Load(ctx context.Context, nums ...Num) error {
	got := map[Num]*Event{}
	for want := g.lacking(nums, got); len(want) > 0; {
		events, err := g.src.Events(ctx, want)
		if err != nil {
			return err
		}
		var auth []Num
		for i := range events {
			got[events[i].Num] = &events[i]
			auth = append(auth, events[i].Auth...)
		}
		for _, n := range want {
			if got[n] == nil {
				return fmt.Errorf("%w: %d", errMissing, n)
			}
		}
		want = g.lacking(auth, got)
	}
	return g.insert(got)
}

// lacking returns those of nums that are neither in the index nor in got, once.
func (g *Graph) lacking(nums []Num, got map[Num]*Event) []Num {
	var out []Num
	for _, n := range nums {
		if n != 0 && !g.Has(n) && got[n] == nil {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// insert puts events into the index, auth events first.
func (g *Graph) insert(events map[Num]*Event) error {
	waits := map[Num]int{}
	citing := map[Num][]*Event{}
	var ready []*Event
	for n, e := range events {
		for _, a := range e.Auth {
			if events[a] != nil {
				waits[n]++
				citing[a] = append(citing[a], e)
			}
		}
		if waits[n] == 0 {
			ready = append(ready, e)
		}
	}
	for done := 0; ; done++ {
		if len(ready) == 0 {
			if done < len(events) {
				return errCircle
			}
			return nil
		}
		e := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		if err := g.Add(*e); err != nil {
			return err
		}
		for _, c := range citing[e.Num] {
			if waits[c.Num]--; waits[c.Num] == 0 {
				ready = append(ready, c)
			}
		}
	}
}

// Add puts one event into the index, where its auth events have to be already.
func (g *Graph) Add(e Event) error {
	if g.Has(e.Num) {
		return nil
	}
	if e.PDU.StateKey == nil {
		return fmt.Errorf("%w: %s", errNoState, e.PDU.ID)
	}
	at := int32(len(g.nodes))
	n := node{num: e.Num, key: g.keyOf(e.PDU), levels: none, power: isPower(e.PDU), rejected: e.Rejected, auth: make([]int32, 0, len(e.Auth))}
	for _, a := range e.Auth {
		i, ok := g.index[a]
		if !ok {
			return fmt.Errorf("%w: %d, for %s", errMissing, a, e.PDU.ID)
		}
		n.auth = append(n.auth, i)
		n.depth = max(n.depth, g.nodes[i].depth+1)
		if g.key[g.nodes[i].key] == levelsKey() {
			n.levels = i
		}
	}
	for _, i := range n.auth {
		g.nodes[i].cited = append(g.nodes[i].cited, at)
	}
	g.nodes = append(g.nodes, n)
	g.index[e.Num] = at
	return nil
}

// Renumber gives an event another number: that of an event which is added to
// the log is known only afterwards.
func (g *Graph) Renumber(old, now Num) {
	at, ok := g.index[old]
	if !ok {
		return
	}
	delete(g.index, old)
	g.index[now], g.nodes[at].num = at, now
}

// keyOf numbers the state entry that p is a version of. The text is copied,
// so that the index does not keep the event's bytes alive.
func (g *Graph) keyOf(p *event.PDU) int32 {
	k := Key{Type: p.Type, Key: *p.StateKey}
	if n, ok := g.keys[k]; ok {
		return n
	}
	k = Key{Type: strings.Clone(k.Type), Key: strings.Clone(k.Key)}
	n := int32(len(g.key))
	g.keys[k] = n
	g.key = append(g.key, k)
	return n
}

func createKey() Key { return Key{Type: "m.room.create"} }
func levelsKey() Key { return Key{Type: "m.room.power_levels"} }
