package resolve

import (
	"cmp"
	"slices"
)

// between returns the events on the paths that lead from one event in conflict
// to another by auth events, without those in conflict themselves.
//
// Spec: rooms/v12#definitions, conflicted state subgraph
func (r *resolution) between(conflicted map[int32]bool) []int32 {
	chain := r.chainOf(conflicted)
	// Auth events first, so that it is known whether they lead anywhere.
	slices.SortFunc(chain, func(a, b int32) int { return cmp.Compare(r.nodes[a].depth, r.nodes[b].depth) })
	leads := map[int32]bool{}
	var out []int32
	for _, at := range chain {
		for _, a := range r.nodes[at].auth {
			if conflicted[a] || leads[a] {
				leads[at] = true
				out = append(out, at)
				break
			}
		}
	}
	return out
}

// chainOf returns the auth chains of events, without the events themselves and
// without what is not deeper than the least deep of them, from where no path
// leads to another.
func (r *resolution) chainOf(events map[int32]bool) []int32 {
	least := int32(-1)
	var todo []int32
	for at := range events {
		if d := r.nodes[at].depth; least < 0 || d < least {
			least = d
		}
		todo = append(todo, at)
	}
	seen := map[int32]bool{}
	var out []int32
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, a := range r.nodes[at].auth {
			if !seen[a] && !events[a] && r.nodes[a].depth > least {
				seen[a] = true
				out = append(out, a)
				todo = append(todo, a)
			}
		}
	}
	return out
}
