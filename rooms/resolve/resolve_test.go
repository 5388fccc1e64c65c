package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"plenum/rooms/event"
	"plenum/rooms/resolve"
)

func eachVersion(t *testing.T, fn func(t *testing.T, version string)) {
	t.Parallel()
	for _, v := range event.Versions() {
		t.Run("version "+v, func(t *testing.T) {
			t.Parallel()
			fn(t, v)
		})
	}
}

// Histories that fork and join by chance: the index comes to the same as the
// algorithm that knows no index.
func TestRandomHistories(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, number(version)))
			r := newRoom(t, version)
			heads := r.wander(rnd, 60)
			if len(heads) < 2 {
				continue
			}
			r.resolve(heads...)
			r.resolve(heads[0], heads[1])
			r.resolve(heads[1], heads[0], heads[1])
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}

// States that no history leads to, such as another server may tell: entries
// missing, old versions of others.
func TestRandomStates(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 100+number(version)))
			r := newRoom(t, version)
			r.wander(rnd, 60)
			versions := map[resolve.Key][]resolve.Num{}
			for _, e := range r.events {
				k := resolve.Key{Type: e.PDU.Type, Key: *e.PDU.StateKey}
				versions[k] = append(versions[k], e.Num)
			}
			states := make([]resolve.Map, 2+rnd.IntN(3))
			for i := range states {
				states[i] = resolve.Map{}
			}
			for k, list := range versions {
				same := rnd.IntN(2) == 0
				n := list[rnd.IntN(len(list))]
				for i := range states {
					if !same {
						n = list[rnd.IntN(len(list))]
					}
					if same || k.Type == "m.room.create" || rnd.IntN(5) > 0 {
						states[i][k] = n
					}
				}
			}
			r.resolve(states...)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}

// More states than fit into a machine word.
func TestManyStates(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1", "2", "12"} {
		r := newRoom(t, version)
		trunk := r.start()
		var heads []resolve.Map
		for i := range 150 {
			h := resolve.Map{}
			for k, n := range trunk {
				h[k] = n
			}
			r.do(h, member(fmt.Sprintf("@u%d:one.example", i), fmt.Sprintf("@u%d:one.example", i), "join", int64(10+i)))
			heads = append(heads, h)
		}
		if got := r.resolve(heads...); len(got) != len(trunk)+150 {
			t.Errorf("version %s: %d entries, want %d", version, len(got), len(trunk)+150)
		}
	}
}

// number is a version as the seed of a source of chance.
func number(version string) uint64 {
	n, _ := strconv.ParseUint(version, 10, 64)
	return n
}
