package sliding

import (
	"maps"
	"slices"

	"maunium.net/go/mautrix/id"
)

// question is a request as it is worked with.
type question struct {
	form       Form
	digest     digest   // of the request
	names      []string // of the lists, sorted
	lists      []list
	rooms      map[id.RoomID]config
	extensions Extensions
	scopes     scopes
}

// list is a list of rooms.
type list struct {
	ranges  []Range // nil: all
	filters Filters
	config
}

// config is what a client wants to be told of a room.
type config struct {
	want     *wanted
	timeline int
}

// compile makes a question of a request that was checked.
func (e *Engine) compile(q *Request) (*question, error) {
	out := &question{
		form: q.Form, digest: q.digest(), names: slices.Sorted(maps.Keys(q.Lists)), lists: make([]list, len(q.Lists)),
		rooms: make(map[id.RoomID]config, len(q.Rooms)), extensions: q.Extensions,
	}
	for i, name := range out.names {
		l := q.Lists[name]
		out.lists[i] = list{ranges: l.Ranges, filters: l.Filters, config: e.config(l.Wish)}
	}
	for room, w := range q.Rooms {
		out.rooms[room] = e.config(w)
	}
	out.scopes = out.compileScopes()
	return out, out.checkSize()
}

func (e *Engine) config(w Wish) config {
	return config{want: e.wanted(newPart(w.State)), timeline: min(w.Timeline, timelineMost)}
}

// checkSize refuses wishes that would take much memory, and much time for
// every room.
func (q *question) checkSize() error {
	seen, size := map[*wanted]struct{}{}, 0
	add := func(w *wanted) {
		if _, ok := seen[w]; !ok {
			seen[w], size = struct{}{}, size+len(w.text)
		}
	}
	for i := range q.lists {
		add(q.lists[i].want)
	}
	for _, c := range q.rooms {
		add(c.want)
	}
	if size > maxWishes {
		return invalid("The request asks for too many kinds of state.")
	}
	return nil
}

// wanted returns what any of parts wants.
func (e *Engine) wanted(parts ...*part) *wanted {
	w := newWanted(parts)
	if known, ok := e.wishes.Get(w.text); ok {
		return known
	}
	if len(w.text) <= maxWishes {
		e.wishes.Add(w.text, w)
	}
	return w
}

// both returns what is to be told of a room about which a client has two
// wishes: all that either wants.
func (e *Engine) both(a, b config) config {
	switch {
	case a.want == nil:
		return b
	case a.want != b.want:
		a.want = e.wanted(slices.Concat(a.want.parts, b.want.parts)...)
	}
	a.timeline = max(a.timeline, b.timeline)
	return a
}

// lists is a set of the lists of a question, by their numbers.
type lists [(maxLists + 63) / 64]uint64

func (s *lists) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *lists) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// meets reports whether the two have a list in common.
func (s *lists) meets(other *lists) bool {
	for i := range s {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// isEmpty reports whether there is none.
func (s *lists) isEmpty() bool { return *s == lists{} }
