package rooms

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"plenum/internal/matrix"
)

// A stateMap is compared with a list of everything that happened.
func TestStateMapKnowsThePast(t *testing.T) {
	t.Parallel()
	type change struct {
		key StateKey
		pos matrix.Position
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	m := newStateMap()
	var all []change
	pos := matrix.Position(0)
	for i := range 2000 {
		pos += matrix.Position(1 + rnd.IntN(3))
		k := StateKey{"t", fmt.Sprint(rnd.IntN(20) * rnd.IntN(20))}
		if i < 10 && m.get(k) == nil {
			m.load(k, pos, pos)
		} else {
			m.change(k, pos, pos)
		}
		all = append(all, change{k, pos})
	}
	truth := func(k StateKey, at matrix.Position) matrix.Position {
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].key == k && all[i].pos <= at {
				return all[i].pos
			}
		}
		return 0
	}
	known := 0
	for range 5000 {
		k, at := all[rnd.IntN(len(all))].key, matrix.Position(rnd.Int64N(int64(pos)))
		v, ok := m.get(k).at(at)
		if !ok {
			continue
		}
		known++
		var got matrix.Position
		if v != nil {
			got = v.event
		}
		if want := truth(k, at); got != want {
			t.Fatalf("%v at %d: %d, want %d", k, at, got, want)
		}
	}
	if known < 2500 {
		t.Errorf("only %d of 5000 questions are answered from memory", known)
	}
	for range 200 {
		after := matrix.Position(rnd.Int64N(int64(pos)))
		want := map[StateKey]bool{}
		for _, c := range all {
			if c.pos > after {
				want[c.key] = true
			}
		}
		last := pos + 1
		for c := range m.since(after) {
			if !want[c.key] || c.now.pos >= last {
				t.Fatalf("since %d: %v at %d, out of turn", after, c.key, c.now.pos)
			}
			last = c.now.pos
			delete(want, c.key)
		}
		if len(want) > 0 {
			t.Fatalf("since %d: %v are missing", after, want)
		}
	}
}

func TestStateMapForgetsOldVersions(t *testing.T) {
	t.Parallel()
	m := newStateMap()
	k := StateKey{"t", ""}
	for pos := range matrix.Position(1000) {
		m.change(k, pos+1, pos+1)
	}
	n := 0
	e := m.get(k)
	for ; e != nil && e != unknown; e = e.older {
		n++
	}
	if e != unknown || n < versionsKept || n >= 2*versionsKept {
		t.Errorf("%d versions are kept", n)
	}
	if v, ok := m.get(k).at(990); !ok || v.event != 990 {
		t.Errorf("at 990: %v, %v", v, ok)
	}
	if _, ok := m.get(k).at(3); ok {
		t.Error("it claims to know what it forgot")
	}
}
