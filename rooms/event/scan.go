package event

import (
	"unicode/utf16"
	"unicode/utf8"
)

// peek returns the byte that comes next, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

// take skips the byte c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) space() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) word(dst []byte, word string) ([]byte, error) {
	end := s.at + len(word)
	if end > len(s.in) || string(s.in[s.at:end]) != word {
		return nil, errNotJSON
	}
	s.at = end
	return append(dst, word...), nil
}

const maxSafe = 1<<53 - 1

// number reads a number. Zero has no sign.
func (s *scanner) number(dst []byte) ([]byte, error) {
	start := s.at
	s.take('-')
	digits := s.at
	n, ok := s.digits()
	if !ok || s.in[digits] == '0' && s.at > digits+1 {
		return nil, errNotJSON
	}
	integer := true
	if s.take('.') {
		integer = false
		if _, ok := s.digits(); !ok {
			return nil, errNotJSON
		}
	}
	if s.take('e') || s.take('E') {
		integer = false
		if !s.take('+') {
			s.take('-')
		}
		if _, ok := s.digits(); !ok {
			return nil, errNotJSON
		}
	}
	switch raw := s.in[start:s.at]; {
	case integer && n == 0:
		return append(dst, '0'), nil
	case s.strict && (!integer || n > maxSafe):
		return nil, errNumber
	default:
		return append(dst, raw...), nil
	}
}

// digits reads decimal digits, at least one. A value that is too large for
// its type counts as one above maxSafe.
func (s *scanner) digits() (n uint64, ok bool) {
	start := s.at
	for ; s.at < len(s.in); s.at++ {
		c := s.in[s.at]
		if c < '0' || c > '9' {
			break
		}
		if n <= maxSafe {
			n = n*10 + uint64(c-'0')
		}
	}
	return n, s.at > start
}

// text reads a string.
func (s *scanner) text(dst []byte) ([]byte, error) {
	start := s.at + 1
	ascii := true
	for i := start; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(s.in[start:i]) {
				return nil, errText
			}
			s.at = i + 1
			return append(dst, s.in[start-1:s.at]...), nil
		case c == '\\':
			return s.escapedText(dst, i)
		case c < ' ':
			return nil, errNotJSON
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, errNotJSON
}

// escapedText reads a string whose first escape is at i, and writes it with
// the escapes that it cannot do without.
func (s *scanner) escapedText(dst []byte, i int) ([]byte, error) {
	start := s.at + 1
	for ; i < len(s.in) && s.in[i] != '"'; i++ {
		if s.in[i] == '\\' {
			i++
		}
	}
	if i >= len(s.in) {
		return nil, errNotJSON
	}
	escaped := s.in[start:i]
	s.at = i + 1
	if err := checkEscaped(escaped); err != nil {
		return nil, err
	}
	return appendString(dst, string(unescape(nil, escaped))), nil
}

// checkEscaped checks what is between the quotes of a string.
func checkEscaped(b []byte) error {
	if !utf8.Valid(b) {
		return errText
	}
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] < ' ':
			return errNotJSON
		case b[i] != '\\':
			continue
		}
		i++ // there is one more byte, or the quote would have been escaped
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			r, ok := hexRune(b, i+1)
			if !ok {
				return errNotJSON
			}
			i += 4
			if !utf16.IsSurrogate(r) {
				continue
			}
			low, ok := escapedRune(b, i+1)
			if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
				return errText // half of a pair is no text
			}
			i += 6
		default:
			return errNotJSON
		}
	}
	return nil
}

// unescape appends b, which checkEscaped has passed, without escapes.
func unescape(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			dst = append(dst, b[i])
			continue
		}
		i++
		switch b[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hexRune(b, i+1)
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := escapedRune(b, i+1)
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, b[i])
		}
	}
	return dst
}

// escapedRune reads \uXXXX at i.
func escapedRune(b []byte, i int) (rune, bool) {
	if i+1 >= len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	return hexRune(b, i+2)
}

// hexRune reads four hexadecimal digits at i.
func hexRune(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
