package resolve

import (
	"cmp"
	"math"
	"slices"

	"maunium.net/go/mautrix/id"
)

// placed is an event with its place in the mainline ordering.
type placed struct {
	at       int32
	position int // how many power levels ago; math.MaxInt: from another line
	ts       int64
	id       id.EventID
}

// byMainline sorts the events of the full conflicted set that are not among
// the power events by the power levels that they were sent under, oldest first.
//
// Spec: rooms/v2#definitions, mainline ordering
func (r *resolution) byMainline(full []int32, power map[int32]bool) []int32 {
	m := r.mainline()
	var list []placed
	for _, at := range full {
		if power[at] {
			continue
		}
		if p := r.pdu(at); p != nil {
			list = append(list, placed{at, m.position(r.nodes[at].levels), p.TS, p.ID})
		}
	}
	slices.SortFunc(list, func(a, b placed) int {
		return cmp.Or(cmp.Compare(b.position, a.position), cmp.Compare(a.ts, b.ts), cmp.Compare(a.id, b.id))
	})
	out := make([]int32, len(list))
	for i := range list {
		out[i] = list[i].at
	}
	return out
}

// mainline is the line of power levels events that leads to the one in force.
type mainline struct {
	*resolution
	at map[int32]int // positions, those of events beside the line as well
}

func (r *resolution) mainline() mainline {
	m := mainline{r, map[int32]int{}}
	for at, i := r.state(levelsKey()), 0; at != none; at, i = r.nodes[at].levels, i+1 {
		m.at[at] = i
	}
	return m
}

// position returns where the line of a power levels event meets the mainline.
func (m mainline) position(levels int32) int {
	var beside []int32
	position := math.MaxInt
	for at := levels; at != none; at = m.nodes[at].levels {
		if i, ok := m.at[at]; ok {
			position = i
			break
		}
		beside = append(beside, at)
	}
	for _, at := range beside {
		m.at[at] = position
	}
	return position
}
