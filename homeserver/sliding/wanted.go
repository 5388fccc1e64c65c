package sliding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// wanted is which entries of a room's state a client wants by one wish or by
// several. Clients of one kind all want the same, so that there are few:
// equal ones are one and the same (see Engine.wanted).
type wanted struct {
	text  string // says it all
	parts []*part
	lazy  bool // members are told as they are needed

	exact []rooms.StateKey // entries that are named
	types []string         // types of which any state key is wanted
	scans bool             // every entry of the state has to be looked at
}

// part is what one wish wants.
type part struct {
	text             string
	include, exclude entries
	lazy             bool
}

// entries is a set of entries of a room's state.
type entries struct {
	all   bool
	types map[string]struct{} // with any state key
	keys  map[string]struct{} // with any type
	exact map[rooms.StateKey]struct{}
}

// memberType is the type of the state that says who is in a room.
const memberType = "m.room.member"

func newPart(s State) *part {
	return &part{text: textOf(s), include: newEntries(s.Include), exclude: newEntries(s.Exclude), lazy: s.LazyMembers}
}

// textOf writes what s means, the same for the same.
func textOf(s State) string {
	var b strings.Builder
	b.WriteString(strconv.FormatBool(s.LazyMembers))
	for _, list := range [][]Entry{s.Include, s.Exclude} {
		texts := make([]string, len(list))
		for i, e := range list {
			texts[i] = quote(e.Type) + "," + quote(e.Key)
		}
		slices.Sort(texts)
		b.WriteString("[" + strings.Join(slices.Compact(texts), " ") + "]")
	}
	return b.String()
}

// quote tells a name from any name.
func quote(name *string) string {
	if name == nil {
		return Any
	}
	return strconv.Quote(*name)
}

func newEntries(list []Entry) entries {
	s := entries{types: map[string]struct{}{}, keys: map[string]struct{}{}, exact: map[rooms.StateKey]struct{}{}}
	for _, e := range list {
		switch {
		case e.Type == nil && e.Key == nil:
			s.all = true
		case e.Key == nil:
			s.types[*e.Type] = struct{}{}
		case e.Type == nil:
			s.keys[*e.Key] = struct{}{}
		default:
			s.exact[rooms.StateKey{Type: *e.Type, Key: *e.Key}] = struct{}{}
		}
	}
	return s
}

// has reports whether k is one of the entries: with wide unset, whether it is
// one by its own state key.
func (s *entries) has(k rooms.StateKey, wide bool) bool {
	if _, ok := s.exact[k]; ok {
		return true
	}
	if _, ok := s.keys[k.Key]; ok {
		return true
	}
	_, ofType := s.types[k.Type]
	return wide && (s.all || ofType)
}

// has reports whether the wish wants k. When members are loaded lazily, it
// wants those whom it names, and not all because it wants everything.
func (p *part) has(k rooms.StateKey) bool {
	return p.include.has(k, !p.lazy || k.Type != memberType) && !p.exclude.has(k, true)
}

// hasMembers reports whether the wish wants all members.
func (p *part) hasMembers() bool {
	_, ofType := p.include.types[memberType]
	return !p.lazy && (p.include.all || ofType)
}

// newWanted returns what any of parts wants.
func newWanted(parts []*part) *wanted {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b *part) int { return cmp.Compare(a.text, b.text) })
	w := &wanted{parts: slices.CompactFunc(parts, func(a, b *part) bool { return a.text == b.text })}
	texts := make([]string, len(w.parts))
	members := false
	for i, p := range w.parts {
		texts[i] = p.text
		w.lazy = w.lazy || p.lazy
		members = members || p.hasMembers()
		w.scans = w.scans || p.include.all || len(p.include.keys) > 0
		for k := range p.include.exact {
			w.exact = append(w.exact, k)
		}
		for typ := range p.include.types {
			if typ != memberType || !p.lazy {
				w.types = append(w.types, typ)
			}
		}
	}
	slices.Sort(w.types)
	w.types = slices.Compact(w.types)
	w.text, w.lazy = strings.Join(texts, "\n"), w.lazy && !members
	return w
}

// has reports whether k is wanted.
func (w *wanted) has(k rooms.StateKey) bool {
	for _, p := range w.parts {
		if p.has(k) {
			return true
		}
	}
	return false
}

// includes reports whether every wish of other is one of w.
func (w *wanted) includes(other *wanted) bool {
	for _, p := range other.parts {
		if !slices.ContainsFunc(w.parts, func(q *part) bool { return p.text == q.text }) {
			return false
		}
	}
	return true
}

// of returns the events of a state that are wanted, but not by other (nil:
// nobody), in no order and maybe more than once.
func (w *wanted) of(s *rooms.State, other *wanted) []matrix.Position {
	keep := func(k rooms.StateKey) bool { return w.has(k) && (other == nil || !other.has(k)) }
	if w.scans {
		return s.Positions(keep)
	}
	var out []matrix.Position
	for _, k := range w.exact {
		if !keep(k) {
			continue
		}
		if pos, ok := s.Get(k.Type, k.Key); ok {
			out = append(out, pos)
		}
	}
	for _, typ := range w.types {
		out = append(out, s.OfType(typ, keep)...)
	}
	return out
}
