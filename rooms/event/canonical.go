package event

import (
	"bytes"
	"errors"
	"slices"
)

// maxDepth bounds the nesting of foreign JSON.
const maxDepth = 200

var (
	errNotJSON   = errors.New("not valid JSON")
	errNotObject = errors.New("not an object")
	errNumber    = errors.New("numbers must be integers between -(2^53-1) and 2^53-1")
	errDuplicate = errors.New("a key appears twice in one object")
	errText      = errors.New("text is not valid UTF-8")
	errDeep      = errors.New("nested too deeply")
)

// AppendCanonical appends the canonical form of raw to dst. In strict mode
// (room version 6 and later) numbers have to be integers in the safe range;
// otherwise other numbers stay as they are written. A key that appears twice
// is an error in both modes: servers would not agree on which one counts.
//
// Spec: appendices#canonical-json
func AppendCanonical(dst, raw []byte, strict bool) ([]byte, error) {
	s := scanner{in: raw, strict: strict}
	dst, err := s.value(dst, 0)
	if err != nil {
		return nil, err
	}
	s.space()
	if s.at < len(s.in) {
		return nil, errNotJSON
	}
	return dst, nil
}

// scanner reads JSON and writes it in canonical form, in one pass.
type scanner struct {
	in     []byte
	at     int
	strict bool
}

// value reads the value that comes next.
func (s *scanner) value(dst []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	s.space()
	switch s.peek() {
	case '{':
		return s.object(dst, depth)
	case '[':
		return s.array(dst, depth)
	case '"':
		return s.text(dst)
	case 't':
		return s.word(dst, "true")
	case 'f':
		return s.word(dst, "false")
	case 'n':
		return s.word(dst, "null")
	}
	return s.number(dst)
}

func (s *scanner) array(dst []byte, depth int) ([]byte, error) {
	s.at++
	dst = append(dst, '[')
	if s.space(); s.take(']') {
		return append(dst, ']'), nil
	}
	for {
		var err error
		if dst, err = s.value(dst, depth+1); err != nil {
			return nil, err
		}
		s.space()
		switch {
		case s.take(','):
			dst = append(dst, ',')
		case s.take(']'):
			return append(dst, ']'), nil
		default:
			return nil, errNotJSON
		}
	}
}

// span is a member of an object that is being written: where its key and its
// value are, from the first byte of the key's text to the last of the value.
type span struct{ key, colon, end int }

func (s *scanner) object(dst []byte, depth int) ([]byte, error) {
	s.at++
	dst = append(dst, '{')
	if s.space(); s.take('}') {
		return append(dst, '}'), nil
	}
	var few [16]span
	members, sorted := few[:0], true
	for {
		m := span{key: len(dst)}
		var err error
		if dst, err = s.member(dst, &m, depth); err != nil {
			return nil, err
		}
		if n := len(members); n > 0 && sorted {
			order := compareKeys(dst, members[n-1], m)
			if order == 0 {
				return nil, errDuplicate
			}
			sorted = order < 0
		}
		members = append(members, m)
		s.space()
		switch {
		case s.take(','):
			dst = append(dst, ',')
		case !s.take('}'):
			return nil, errNotJSON
		case sorted:
			return append(dst, '}'), nil
		default:
			return sortMembers(dst, members)
		}
	}
}

// member reads a key and its value.
func (s *scanner) member(dst []byte, m *span, depth int) (_ []byte, err error) {
	if s.space(); s.peek() != '"' {
		return nil, errNotJSON
	}
	if dst, err = s.text(dst); err != nil {
		return nil, err
	}
	m.colon = len(dst)
	if s.space(); !s.take(':') {
		return nil, errNotJSON
	}
	if dst, err = s.value(append(dst, ':'), depth+1); err != nil {
		return nil, err
	}
	m.end = len(dst)
	return dst, nil
}

// sortMembers puts the members at the end of dst, which have no closing brace
// yet, into order.
func sortMembers(dst []byte, members []span) ([]byte, error) {
	from := members[0].key
	old := bytes.Clone(dst[from:])
	for i := range members {
		members[i].key -= from
		members[i].colon -= from
		members[i].end -= from
	}
	slices.SortFunc(members, func(a, b span) int { return compareKeys(old, a, b) })
	dst = dst[:from]
	for i, m := range members {
		if i > 0 {
			if compareKeys(old, members[i-1], m) == 0 {
				return nil, errDuplicate
			}
			dst = append(dst, ',')
		}
		dst = append(dst, old[m.key:m.end]...)
	}
	return append(dst, '}'), nil
}

// compareKeys orders two members of written. The order of UTF-8 bytes is the
// order of code points that the standard asks for.
func compareKeys(written []byte, a, b span) int {
	return bytes.Compare(keyText(written, a), keyText(written, b))
}

// keyText returns the key of a member without quotes and escapes.
func keyText(written []byte, m span) []byte {
	key := written[m.key+1 : m.colon-1]
	if bytes.IndexByte(key, '\\') < 0 {
		return key
	}
	return unescape(nil, key)
}
