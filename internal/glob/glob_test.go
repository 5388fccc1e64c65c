package glob_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"plenum/internal/glob"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "abc", true},
		{"a?c", "aéc", true},
		{"a?c", "ac", false},
		{"*.Evil.example", "SUB.evil.example", true},
		{"*.evil.example", "evil.example", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-b-c-d", false},
		{"*ab", "aab", true},
		{"@user-?*", "@user-12:hs1", true},
		{"a.c", "abc", false},
	} {
		if got := glob.Match(c.pattern, c.s); got != c.want {
			t.Errorf("%q with %q: got %v", c.pattern, c.s, got)
		}
	}
}

// FuzzMatch holds Match against regular expressions.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "aXbYc")
	f.Add("**?*", "é")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		expr := regexp.QuoteMeta(strings.ToLower(pattern))
		expr = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(expr)
		want := regexp.MustCompile(`(?s)^(?:` + expr + `)$`).MatchString(strings.ToLower(s))
		if got := glob.Match(pattern, s); got != want {
			t.Errorf("%q with %q: got %v", pattern, s, got)
		}
	})
}
