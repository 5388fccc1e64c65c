package search

import (
	"cmp"
	"math"
	"slices"

	"plenum/homeserver/search/index"
)

// start is before all hits.
func start() hit { return hit{Hit: index.Hit{Score: math.MaxInt, Pos: math.MaxInt64}} }

// compare tells which of two hits comes first.
//
// Spec: client-server-api#ordering
func (l *look) compare(a, b hit) int {
	newer := cmp.Compare(b.Pos, a.Pos)
	if l.q.Recent {
		return newer
	}
	return cmp.Or(cmp.Compare(b.Score, a.Score), newer)
}

// next returns up to n hits that come after from, in order. Of many hits most
// are never shown, so they are not put in order.
func (l *look) next(from hit, n int) []hit {
	best := make([]hit, 0, 2*n)
	trim := func() {
		slices.SortFunc(best, l.compare)
		best = best[:min(n, len(best))]
	}
	for _, h := range l.hits {
		if l.compare(from, h) >= 0 {
			continue
		}
		if best = append(best, h); len(best) == 2*n {
			trim()
		}
	}
	trim()
	return best
}
