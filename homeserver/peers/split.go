package peers

import (
	"bytes"
	"fmt"
	"io"
)

// splitter cuts JSON that arrives into its values. It finds where they end and
// does not look at what they are: that is for whoever takes them. Unlike
// json.Decoder it goes over each byte once, whatever a peer sends, and keeps
// nothing of values that are not wanted.
type splitter struct {
	from io.Reader
	buf  []byte
	next []byte // of buf, what was not looked at yet
}

func newSplitter(from io.Reader) *splitter {
	return &splitter{from: from, buf: make([]byte, 64<<10)}
}

// fill makes sure that there is a next byte.
func (s *splitter) fill() error {
	for len(s.next) == 0 {
		n, err := s.from.Read(s.buf)
		s.next = s.buf[:n]
		if n > 0 {
			return nil
		}
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// peek returns the next byte that is not white space.
func (s *splitter) peek() (byte, error) {
	for {
		if err := s.fill(); err != nil {
			return 0, err
		}
		s.next = bytes.TrimLeft(s.next, " \t\r\n")
		if len(s.next) > 0 {
			return s.next[0], nil
		}
	}
}

// expect takes a byte that has to come next.
func (s *splitter) expect(want byte) error {
	c, err := s.peek()
	if err == nil && c != want {
		err = fmt.Errorf("%w: %q instead of %q", ErrAnswer, c, want)
	}
	if err == nil {
		s.next = s.next[1:]
	}
	return err
}

// ended takes the end of an array or object, if that comes next.
func (s *splitter) ended(end byte) (bool, error) {
	c, err := s.peek()
	if err != nil || c != end {
		return false, err
	}
	s.next = s.next[1:]
	return true, nil
}

// more takes a comma, or the end of an array or object.
func (s *splitter) more(end byte) (bool, error) {
	if ended, err := s.ended(end); ended || err != nil {
		return false, err
	}
	return true, s.expect(',')
}

// value takes the value that comes next. It returns nil for one of more than
// most bytes.
func (s *splitter) value(most int) ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	var v valueEnd
	var raw []byte
	long := false
	for {
		n, done := v.find(s.next)
		if long = long || len(raw)+n > most; long {
			raw = nil
		} else {
			raw = append(raw, s.next[:n]...)
		}
		s.next = s.next[n:]
		if done {
			break
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	if !long && len(raw) == 0 {
		return nil, fmt.Errorf("%w: a value is missing", ErrAnswer)
	}
	return raw, nil
}

// valueEnd finds the end of a value.
type valueEnd struct {
	depth   int
	text    bool // in a string
	escaped bool // the next byte is
}

// find returns how many bytes of p belong to the value, and whether it ends
// with them.
func (v *valueEnd) find(p []byte) (int, bool) {
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case v.escaped:
			v.escaped = false
		case v.text:
			switch c {
			case '\\':
				v.escaped = true
			case '"':
				v.text = false
				if v.depth == 0 {
					return i + 1, true
				}
			}
		case c == '"':
			v.text = true
		case c == '{' || c == '[':
			v.depth++
		case c == '}' || c == ']':
			if v.depth == 0 { // of what the value is in
				return i, true
			}
			if v.depth--; v.depth == 0 {
				return i + 1, true
			}
		case v.depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			return i, true
		}
	}
	return len(p), false
}
