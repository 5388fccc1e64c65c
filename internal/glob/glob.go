// Package glob compares names with patterns.
package glob

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether pattern stands for all of s, without regard to case:
// * stands for any text, ? for one character. Its time is at worst the product
// of both lengths.
//
// Spec: appendices#glob-style-matching
func Match(pattern, s string) bool {
	pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	p, i := 0, 0
	star, from := -1, 0 // the last star, and where the text after what it stands for begins
	for i < len(s) {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += size
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0: // let the star stand for one character more
			_, size = utf8.DecodeRuneInString(s[from:])
			from += size
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
