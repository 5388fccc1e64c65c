package index

import (
	"encoding/binary"
	"errors"
	"iter"

	"plenum/internal/matrix"
)

// ErrDamaged means that bytes are not a page.
var ErrDamaged = errors.New("index: a page cannot be read")

// Page is a part of a stretch, as it is stored: keys in order, each with the
// positions of the documents in which it is. Of a key, only what differs from
// the one before is written, and of a position the distance.
type Page struct {
	Shelf int
	Data  []byte
}

// posting says that a key is in a document.
type posting struct {
	pos    matrix.Position
	weight uint8
}

// postings are those of one key, as they are stored.
type postings struct {
	data []byte
	low  matrix.Position // where the stretch begins
}

// each calls fn for every key of the page, until that returns false. The key
// is valid until fn returns.
func (p Page) each(low matrix.Position, fn func(key []byte, at postings) bool) error {
	var key []byte
	for data := p.Data; len(data) > 0; {
		shared, n := binary.Uvarint(data)
		if n <= 0 || shared > uint64(len(key)) {
			return ErrDamaged
		}
		rest, tail, ok := chunk(data[n:])
		if !ok {
			return ErrDamaged
		}
		key = append(key[:shared], rest...)
		list, after, ok := chunk(tail)
		if !ok {
			return ErrDamaged
		}
		if !fn(key, postings{list, low}) {
			return nil
		}
		data = after
	}
	return nil
}

// chunk takes bytes with their length before them off data.
func chunk(data []byte) (head, tail []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, nil, false
	}
	return data[n : n+int(size)], data[n+int(size):], true
}

// one is a single posting.
func one(pos matrix.Position, weight uint8) postings {
	return postings{[]byte{weight}, pos}
}

// all returns the postings in the order of their positions. What is damaged
// ends them.
func (p postings) all() iter.Seq[posting] {
	return func(yield func(posting) bool) {
		pos := p.low
		for data := p.data; len(data) > 0; {
			v, n := binary.Uvarint(data)
			if n <= 0 {
				return
			}
			pos += matrix.Position(v >> 2)
			if !yield(posting{pos, uint8(v & maxWeight)}) {
				return
			}
			data = data[n:]
		}
	}
}

// pageWriter writes a page.
type pageWriter struct {
	low  matrix.Position
	data []byte
	last []byte // key
	list []byte // scratch
}

// add writes the next key.
func (w *pageWriter) add(key []byte, list []posting) {
	shared := commonPrefix(w.last, key)
	w.data = binary.AppendUvarint(w.data, uint64(shared))
	w.data = binary.AppendUvarint(w.data, uint64(len(key)-shared))
	w.data = append(w.data, key[shared:]...)
	w.list = w.list[:0]
	pos := w.low
	for _, p := range list {
		w.list = binary.AppendUvarint(w.list, uint64(p.pos-pos)<<2|uint64(p.weight))
		pos = p.pos
	}
	w.data = binary.AppendUvarint(w.data, uint64(len(w.list)))
	w.data = append(w.data, w.list...)
	w.last = append(w.last[:0], key...)
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
