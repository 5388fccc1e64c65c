package index

import (
	"bytes"
	"cmp"
	"slices"
)

// sortedMore returns what is to be added in the order in which it is stored.
func (s *Stretch) sortedMore() []addition {
	slices.SortFunc(s.more, func(a, b addition) int {
		return cmp.Or(s.compare([]byte(a.key), []byte(b.key)), cmp.Compare(a.pos, b.pos))
	})
	return s.more
}

// compare tells in which order keys are stored.
func (s *Stretch) compare(a, b []byte) int {
	if s.isSpread() {
		if c := cmp.Compare(shelf(a), shelf(b)); c != 0 {
			return c
		}
	}
	return bytes.Compare(a, b)
}

// merger goes through the keys of a stretch, those that are stored and those
// that are added, in their common order.
type merger struct {
	s    *Stretch
	more []addition // that have not come yet
	list []posting  // scratch
	emit func(key []byte, list []posting)
}

// old takes a key that is stored.
func (m *merger) old(key []byte, at postings) bool {
	m.upTo(key)
	m.list = m.list[:0]
	for p := range at.all() {
		if !m.s.gone[p.pos] {
			m.list = append(m.list, p)
		}
	}
	stays := len(m.list)
	m.take(key)
	if stays > 0 && len(m.list) > stays && m.list[stays].pos < m.list[stays-1].pos {
		slices.SortFunc(m.list, func(a, b posting) int { return cmp.Compare(a.pos, b.pos) })
	}
	if len(m.list) > 0 {
		m.emit(key, m.list)
	}
	return true
}

// upTo emits the keys that are only added and come before key; nil: all that
// are left.
func (m *merger) upTo(key []byte) {
	for len(m.more) > 0 && (key == nil || m.s.compare([]byte(m.more[0].key), key) < 0) {
		added := []byte(m.more[0].key)
		m.list = m.list[:0]
		m.take(added)
		m.emit(added, m.list)
	}
}

// take moves the additions of key to the list.
func (m *merger) take(key []byte) {
	for len(m.more) > 0 && m.more[0].key == string(key) {
		m.list = append(m.list, m.more[0].posting)
		m.more = m.more[1:]
	}
}
