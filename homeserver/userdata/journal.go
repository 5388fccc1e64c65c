package userdata

import (
	"sort"

	"plenum/internal/matrix"
)

// journal is the newest entry under each key, in the order of positions. The
// zero journal is empty.
type journal[K comparable, E any] struct {
	newest map[K]*entry[E]
	order  []*entry[E] // oldest first, replaced ones too
}

type entry[E any] struct {
	pos      matrix.Position
	replaced bool
	item     E
}

// put makes item the newest under key.
func (j *journal[K, E]) put(key K, pos matrix.Position, item E) {
	if j.newest == nil {
		j.newest = map[K]*entry[E]{}
	}
	if old := j.newest[key]; old != nil {
		old.replaced = true
	}
	e := &entry[E]{pos: pos, item: item}
	j.newest[key] = e
	at := len(j.order)
	if at > 0 && j.order[at-1].pos > pos { // read from the database after something newer was heard of
		at = sort.Search(at, func(i int) bool { return j.order[i].pos > pos })
	}
	j.order = append(j.order, nil)
	copy(j.order[at+1:], j.order[at:])
	j.order[at] = e
	if len(j.order) > 2*len(j.newest)+16 {
		j.compact()
	}
}

func (j *journal[K, E]) compact() {
	kept := make([]*entry[E], 0, len(j.newest))
	for _, e := range j.order {
		if !e.replaced {
			kept = append(kept, e)
		}
	}
	j.order = kept
}

// get returns the newest item under key.
func (j *journal[K, E]) get(key K) (item E, ok bool) {
	e := j.newest[key]
	if e == nil {
		return item, false
	}
	return e.item, true
}

// last returns the position of the newest entry, 0 when there is none.
func (j *journal[K, E]) last() matrix.Position {
	if len(j.order) == 0 {
		return 0
	}
	return j.order[len(j.order)-1].pos
}

// between calls fn with the items that changed after `after` and not after
// upto, and not again since, oldest change first.
func (j *journal[K, E]) between(after, upto matrix.Position, fn func(E)) {
	lo := sort.Search(len(j.order), func(i int) bool { return j.order[i].pos > after })
	for _, e := range j.order[lo:] {
		if e.pos > upto {
			return
		}
		if !e.replaced {
			fn(e.item)
		}
	}
}
