package push

import (
	"strings"
	"unicode/utf8"
)

// glob is a compiled pattern: * stands for any text, ? for one character. It
// is compared without regard to case.
//
// Looking for each piece as early as possible never misses a match, so that
// no pattern makes matching slow.
//
// Spec: appendices#glob-style-matching
type glob struct {
	pieces []piece // between the stars; at least one
}

// piece is a part of a pattern without stars.
type piece struct {
	text  string // in lower case
	holes bool   // it contains ?
}

func newGlob(pattern string) glob {
	var g glob
	for text := range strings.SplitSeq(strings.ToLower(pattern), "*") {
		g.pieces = append(g.pieces, piece{text, strings.Contains(text, "?")})
	}
	return g
}

// isPlain reports whether the pattern stands for one text only.
func (g glob) isPlain() bool { return len(g.pieces) == 1 && !g.pieces[0].holes }

// matches reports whether the pattern stands for all of s, which is in lower case.
func (g glob) matches(s string) bool {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	at := first.at(s, 0)
	if len(g.pieces) == 1 || at < 0 {
		return at == len(s)
	}
	if at = g.middle(s, at); at < 0 {
		return false
	}
	if !last.holes {
		return len(s)-len(last.text) >= at && strings.HasSuffix(s, last.text)
	}
	for { // the last piece has to end where s does
		start, end := last.find(s, at)
		if start < 0 || end == len(s) {
			return start >= 0
		}
		at = after(s, start)
	}
}

// matchesWords reports whether the pattern stands for some part of s, which
// is in lower case, that begins and ends at the boundary of a word.
//
// Spec: client-server-api#push-rules, content-specific rules
func (g glob) matchesWords(s string) bool {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	for from := 0; ; {
		start, end := first.find(s, from)
		switch {
		case start < 0:
			return false
		case !isBoundary(s, start):
		case len(g.pieces) == 1 && isBoundary(s, end):
			return true
		case len(g.pieces) > 1: // a later beginning leaves less for the rest
			at := g.middle(s, end)
			return at >= 0 && last.endsWord(s, at)
		}
		from = after(s, start)
	}
}

// middle finds the pieces between the first and the last one after position
// at, and returns where they end, -1 when they are not there.
func (g glob) middle(s string, at int) int {
	for _, p := range g.pieces[1 : len(g.pieces)-1] {
		start, end := p.find(s, at)
		if start < 0 {
			return -1
		}
		at = end
	}
	return at
}

// endsWord reports whether p is in s after from, with the end of a word behind it.
func (p piece) endsWord(s string, from int) bool {
	for {
		start, end := p.find(s, from)
		if start < 0 || isBoundary(s, end) {
			return start >= 0
		}
		from = after(s, start)
	}
}

// find returns where p is first in s from a position on, -1 when nowhere.
func (p piece) find(s string, from int) (start, end int) {
	if !p.holes && from <= len(s) {
		if i := strings.Index(s[from:], p.text); i >= 0 {
			return from + i, from + i + len(p.text)
		}
		return -1, -1
	}
	for start = from; start <= len(s); start = after(s, start) {
		if end = p.at(s, start); end >= 0 {
			return start, end
		}
	}
	return -1, -1
}

// at returns where p ends if it begins at a position of s, -1 when it does not.
func (p piece) at(s string, start int) int {
	if !p.holes {
		if strings.HasPrefix(s[start:], p.text) {
			return start + len(p.text)
		}
		return -1
	}
	at := start
	for i := 0; i < len(p.text); i++ {
		switch {
		case at == len(s):
			return -1
		case p.text[i] == '?':
			at = after(s, at)
		case p.text[i] != s[at]:
			return -1
		default:
			at++
		}
	}
	return at
}

// after returns the position behind the character at a position of s.
func after(s string, at int) int {
	if at >= len(s) {
		return at + 1
	}
	_, size := utf8.DecodeRuneInString(s[at:])
	return at + size
}

// isBoundary reports whether position at of s is the boundary of a word.
func isBoundary(s string, at int) bool {
	return at == 0 || at == len(s) || !isWord(s[at-1]) || !isWord(s[at])
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' // upper case is gone by now
}
