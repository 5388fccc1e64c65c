package resolve

// sets are sets of states, one for each event that has been met.
type sets struct {
	of    map[int32]int // where the set of an event is
	words int           // how many words a set has
	all   []uint64      // the set of all states
	bits  []uint64      // the words of all sets
}

func newSets(states int) *sets {
	s := &sets{of: map[int32]int{}, words: (states + 63) / 64}
	s.all = make([]uint64, s.words)
	for i := range states {
		s.all[i/64] |= 1 << (i % 64)
	}
	return s
}

// add makes the empty set of an event.
func (s *sets) add(at int32) int {
	i := len(s.bits)
	s.of[at] = i
	s.bits = append(s.bits, make([]uint64, s.words)...)
	return i
}

// put puts a state into a set.
func (s *sets) put(set, state int) { s.bits[set+state/64] |= 1 << (state % 64) }

// join puts what is in another set into a set.
func (s *sets) join(set, other int) {
	for i := range s.words {
		s.bits[set+i] |= s.bits[other+i]
	}
}

// full reports whether a set has all states.
func (s *sets) full(set int) bool {
	for i, w := range s.all {
		if s.bits[set+i] != w {
			return false
		}
	}
	return true
}
