package index

import (
	"maps"
	"slices"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// fullAt is how many bytes a stretch has when it is spread over shelves. Half
// of that is written anew whenever messages of a room are added, and all of it
// read when somebody searches the room.
const fullAt = 16 << 10

// Shelves of a stretch: all of it while it is not full; else marks, and words
// by their first letters.
const (
	whole = iota
	marks
	firstWords
	wordShelves = 16
)

// shelf tells on which shelf of a full stretch a key stands.
func shelf[T string | []byte](key T) int {
	if isMark(key) {
		return marks
	}
	r, _ := utf8.DecodeRune([]byte(key[:min(len(key), utf8.UTFMax)]))
	return firstWords + int(r)%wordShelves
}

// Stretch is a part of the history of a room by its words, to be changed.
type Stretch struct {
	Low  matrix.Position // its name: no document in it is older, and none of later stretches
	High matrix.Position // of its newest document
	size int             // bytes when it is stored, about

	pages []Page // as it is stored, with less and more:
	gone  map[matrix.Position]bool
	more  []addition
}

// addition is a key of a document that is to be added.
type addition struct {
	key string
	posting
}

// NewStretch returns an empty stretch that begins at low.
func NewStretch(low matrix.Position) *Stretch { return &Stretch{Low: low, High: low} }

// ReadStretch returns the stretch that is stored as pages.
func ReadStretch(low, high matrix.Position, pages []Page) *Stretch {
	s := &Stretch{Low: low, High: high, pages: pages}
	for _, p := range pages {
		s.size += len(p.Data)
	}
	return s
}

// IsFullAt reports whether a stretch is full whose first page is on shelf.
func IsFullAt(shelf int) bool { return shelf != whole }

// IsFull reports whether new messages go into another stretch.
func (s *Stretch) IsFull() bool { return s.size >= fullAt || s.isSpread() }

// isSpread reports whether s is stored on shelves.
func (s *Stretch) isSpread() bool { return len(s.pages) > 0 && IsFullAt(s.pages[0].Shelf) }

// Add puts d in. There is no document at its position.
func (s *Stretch) Add(d *Document) {
	for _, k := range d.keys {
		s.more = append(s.more, addition{k.text, posting{d.Pos, k.weight}})
		s.size += newKeyBytes + len(k.text)/4 // much of it is there already
	}
	s.High = max(s.High, d.Pos)
}

// newKeyBytes is about what a key of a document adds to a stretch, besides its
// letters.
const newKeyBytes = 3

// Remove takes the documents at positions out. Not all of them need be there.
func (s *Stretch) Remove(positions ...matrix.Position) {
	if s.gone == nil {
		s.gone = map[matrix.Position]bool{}
	}
	for _, pos := range positions {
		s.gone[pos] = true
	}
	s.more = slices.DeleteFunc(s.more, func(a addition) bool { return slices.Contains(positions, a.pos) })
}

// Pages returns s as it is to be stored, nothing if there is no document in it.
func (s *Stretch) Pages() ([]Page, error) {
	spread := s.IsFull()
	writers := map[int]*pageWriter{}
	m := merger{s: s, more: s.sortedMore(), emit: func(key []byte, list []posting) {
		at := whole
		if spread {
			at = shelf(key)
		}
		if writers[at] == nil {
			writers[at] = &pageWriter{low: s.Low}
		}
		writers[at].add(key, list)
	}}
	for _, p := range s.pages {
		if err := p.each(s.Low, m.old); err != nil {
			return nil, err
		}
	}
	m.upTo(nil)
	var out []Page
	for _, at := range slices.Sorted(maps.Keys(writers)) {
		out = append(out, Page{at, writers[at].data})
	}
	return out, nil
}
