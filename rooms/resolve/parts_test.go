package resolve

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSetsOfManyStates(t *testing.T) {
	t.Parallel()
	for _, states := range []int{1, 2, 63, 64, 65, 150} {
		s := newSets(states)
		one, two := s.add(7), s.add(8)
		for i := range states {
			if s.full(one) {
				t.Errorf("full with %d of %d", i, states)
			}
			s.put(one, i)
		}
		if !s.full(one) || s.full(two) {
			t.Errorf("%d states: %t, %t", states, s.full(one), s.full(two))
		}
		s.join(two, one)
		if !s.full(two) {
			t.Errorf("%d states: not full after joining", states)
		}
	}
}

func TestHeap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 50 {
		h := heap[int]{less: func(a, b int) bool { return a < b }}
		var want, got []int
		for range n {
			v := r.IntN(20)
			want = append(want, v)
			h.push(v)
		}
		slices.Sort(want)
		for h.len() > 0 {
			got = append(got, h.pop())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
