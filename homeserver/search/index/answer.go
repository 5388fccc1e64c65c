package index

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// answer gathers what the keys say about a question.
type answer struct {
	q      *Question
	found  [][]scored // by term
	barred []matrix.Position
	fields map[matrix.Position]Field // of what is no message
	urls   []matrix.Position
	edits  map[matrix.Position]matrix.Position

	// Keys before first say nothing, nor do those after last that do not begin
	// with it.
	first, last []byte
}

// scored is a document with a word that is looked for, and what that is worth.
type scored struct {
	pos   matrix.Position
	score int
}

func newAnswer(q *Question) *answer {
	a := &answer{
		q: q, found: make([][]scored, len(q.Terms)),
		fields: map[matrix.Position]Field{}, edits: map[matrix.Position]matrix.Position{},
	}
	for _, t := range q.Terms {
		if a.first == nil || t.Word < string(a.first) {
			a.first = []byte(t.Word)
		}
		if t.Word > string(a.last) {
			a.last = []byte(t.Word)
		}
	}
	return a
}

// see takes in what is said by a key. It returns false when later keys say
// nothing any more.
func (a *answer) see(key []byte, at postings) bool {
	if isMark(key) {
		a.seeMark(key, at)
		return true
	}
	if bytes.Compare(key, a.first) < 0 {
		return true
	}
	for i, t := range a.q.Terms {
		exact := string(key) == t.Word
		if !exact && !(t.Prefix && bytes.HasPrefix(key, []byte(t.Word))) {
			continue
		}
		worth := 0
		if exact {
			worth = exactScore
		}
		for p := range at.all() {
			a.found[i] = append(a.found[i], scored{p.pos, worth + int(p.weight)})
		}
	}
	return bytes.Compare(key, a.last) <= 0 || bytes.HasPrefix(key, a.last)
}

func (a *answer) seeMark(mark []byte, at postings) {
	switch {
	case string(mark) == markName:
		a.seeField(Name, at)
	case string(mark) == markTopic:
		a.seeField(Topic, at)
	case string(mark) == markURL && a.q.URL != nil:
		for p := range at.all() {
			a.urls = append(a.urls, p.pos)
		}
	case len(mark) == 0:
	case mark[0] == markSender[0] && a.q.Senders != nil && !a.q.Senders(id.UserID(mark[1:])):
		for p := range at.all() {
			a.barred = append(a.barred, p.pos)
		}
	case mark[0] == markEdit[0]:
		edit, err := strconv.ParseInt(string(mark[1:]), 10, 64)
		for p := range at.all() {
			if err == nil {
				a.edits[p.pos] = matrix.Position(edit)
			}
		}
	}
}

func (a *answer) seeField(f Field, at postings) {
	for p := range at.all() {
		a.fields[p.pos] = f
	}
}

// isPossible reports whether every word that is wanted was seen.
func (a *answer) isPossible() bool {
	for i, t := range a.q.Terms {
		if !t.Not && len(a.found[i]) == 0 {
			return false
		}
	}
	return true
}

// hits returns the documents that answer the question.
func (a *answer) hits() []Hit {
	if !a.isPossible() {
		return nil
	}
	var all []scored
	first := true
	for i, t := range a.q.Terms {
		switch list := best(a.found[i]); {
		case t.Not:
			for _, s := range list {
				a.barred = append(a.barred, s.pos)
			}
		case first:
			all, first = list, false
		default:
			all = both(all, list)
		}
	}
	slices.Sort(a.barred)
	slices.Sort(a.urls)
	hits := make([]Hit, 0, len(all))
	for _, s := range all {
		if a.passes(s.pos) {
			hits = append(hits, Hit{Pos: s.pos, Edit: a.edits[s.pos], Score: s.score + a.bonus(s.pos)})
		}
	}
	return hits
}

// passes reports whether the document at pos is wanted, whatever its words are.
func (a *answer) passes(pos matrix.Position) bool {
	if !a.q.Fields[a.fields[pos]] || has(a.barred, pos) {
		return false
	}
	return a.q.URL == nil || *a.q.URL == has(a.urls, pos)
}

func has(sorted []matrix.Position, pos matrix.Position) bool {
	_, ok := slices.BinarySearch(sorted, pos)
	return ok
}

func (a *answer) bonus(pos matrix.Position) int {
	switch a.fields[pos] {
	case Name:
		return nameScore
	case Topic:
		return topicScore
	}
	return 0
}

// best puts list in the order of positions and leaves the best of each.
func best(list []scored) []scored {
	order := func(a, b scored) int { return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(b.score, a.score)) }
	if !slices.IsSortedFunc(list, order) {
		slices.SortFunc(list, order)
	}
	return slices.CompactFunc(list, func(a, b scored) bool { return a.pos == b.pos })
}

// both returns what is in a and in b, with the scores of both.
func both(a, b []scored) []scored {
	out := a[:0]
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].pos < b[j].pos:
			i++
		case a[i].pos > b[j].pos:
			j++
		default:
			out = append(out, scored{a[i].pos, a[i].score + b[j].score})
			i++
			j++
		}
	}
	return out
}
