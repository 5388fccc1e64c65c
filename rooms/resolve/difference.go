package resolve

// difference returns the events that are in the auth chains of some states but
// not of all. An event counts as part of the chains of a state that has it:
// the standard does not say so, but without that what all states agree on would
// be up for dispute, and servers do it so.
//
// What the states agree on, and its chains, are in the chains of all and never
// walked: whether an event belongs there is asked in the other direction, from
// the event to those that cite it (see covered), where the answer is near. What
// is left are the chains of the events in conflict, down to where they meet.
//
// Spec: rooms/v2#definitions, auth difference
func (r *resolution) difference() []int32 {
	w := walk{resolution: r, sets: newSets(len(r.conflicts[0].events)), queue: heap[int32]{less: r.deeper}}
	for _, c := range r.conflicts {
		for state, at := range c.events {
			if at != none {
				w.from(at, func(i int) { w.sets.put(i, state) })
			}
		}
	}
	var out []int32
	for w.open > 0 {
		at := w.queue.pop()
		i := w.sets.of[at]
		if !w.sets.full(i) {
			w.open--
			out = append(out, at)
		}
		w.from(at, func(j int) { w.sets.join(j, i) })
	}
	return out
}

// deeper puts events before those that they cite, however indirectly.
func (r *resolution) deeper(a, b int32) bool { return r.nodes[a].depth > r.nodes[b].depth }

// walk goes down auth chains. An event is looked at after all that cite it, so
// that the set of states whose chains have it is complete by then.
type walk struct {
	*resolution
	sets  *sets
	queue heap[int32]
	open  int // how many in the queue are not in all chains, as far as is known
}

// from goes on to the auth events of at, and marks each.
func (w *walk) from(at int32, mark func(set int)) {
	for _, a := range w.nodes[at].auth {
		if w.covered(a) {
			continue
		}
		i, known := w.sets.of[a]
		if !known {
			i = w.sets.add(a)
			w.queue.push(a)
			w.open++
		}
		was := w.sets.full(i)
		mark(i)
		if !was && w.sets.full(i) {
			w.open--
		}
	}
}

// covered reports whether all states have an event, or an event that cites it,
// or one that cites such a one, and so on. Each event is asked about once.
func (r *resolution) covered(at int32) bool {
	if is, known := r.cover[at]; known {
		return is
	}
	type frame struct {
		at   int32
		left int // how many that cite it are still to be looked at
	}
	path := []frame{{at, len(r.nodes[at].cited)}}
	found := r.isAgreed(at)
	for !found && len(path) > 0 {
		top := &path[len(path)-1]
		if top.left == 0 {
			r.cover[top.at] = false
			path = path[:len(path)-1]
			continue
		}
		top.left-- // the newest first: they are the likeliest to be in the state
		c := r.nodes[top.at].cited[top.left]
		is, known := r.cover[c]
		if !known {
			path = append(path, frame{c, len(r.nodes[c].cited)})
			is = r.isAgreed(c)
		}
		found = is
	}
	for _, f := range path {
		r.cover[f.at] = true
	}
	return found
}
