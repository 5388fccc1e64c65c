package resolve

// second is the algorithm of versions 2 to 11, and with its changes that of
// version 12.
//
// Spec: rooms/v2#algorithm
// Spec: rooms/v12#algorithm
func (r *resolution) second() {
	full := r.fullConflictedSet()
	power := r.powerEvents(full)
	r.apply(r.byPower(power))
	if r.err != nil {
		return
	}
	r.apply(r.byMainline(full, power))
}

// fullConflictedSet returns the events in conflict, those that only some of
// the states' auth chains have and, in resolution 2.1, those on the way from
// one event in conflict to another.
//
// Spec: rooms/v12#definitions
func (r *resolution) fullConflictedSet() []int32 {
	full := map[int32]bool{}
	for _, c := range r.conflicts {
		for _, at := range c.events {
			if at != none {
				full[at] = true
			}
		}
	}
	between := []int32(nil)
	if r.fromEmpty {
		between = r.between(full)
	}
	for _, at := range r.difference() {
		full[at] = true
	}
	for _, at := range between {
		full[at] = true
	}
	out := make([]int32, 0, len(full))
	for at := range full {
		out = append(out, at)
	}
	r.fetchAll(out)
	return out
}

// fetchAll reads events and their auth events.
func (r *resolution) fetchAll(events []int32) {
	seen := map[int32]bool{}
	var list []int32
	add := func(at int32) {
		if !seen[at] {
			seen[at] = true
			list = append(list, at)
		}
	}
	for _, at := range events {
		add(at)
		for _, a := range r.nodes[at].auth {
			add(a)
		}
	}
	r.fetch(list)
}
