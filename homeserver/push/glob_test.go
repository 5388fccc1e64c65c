package push

import (
	"regexp"
	"strings"
	"testing"
	"testing/quick"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		whole, words  bool
	}{
		{"lunc?*", "Lunch plans", true, true},
		{"lunc?*", "LUNCH", true, true},
		{"lunc?*", " lunch", false, true},
		{"lunc?*", "lunc", false, false},
		{"ex*ple", "An example event.", false, true},
		{"ex*ple", "exple", true, true},
		{"ex*ple", "An exciting triple-whammy", false, true},
		{"ex*ple", "An exciting tripled thing", false, false},
		{"cake", "cakes", false, false},
		{"cake", "pancake", false, false},
		{"cake", "a_cake", false, false},
		{"cake", "pancake, cake!", false, true},
		{"cake", "übercake", false, false},
		{"cake", "überécake", false, true}, // letters beyond a to z are no word
		{"", "", true, true},
		{"*", "", true, true},
		{"*", "anything", true, true},
		{"?", "ü", true, true},
		{"??", "ü", false, false},
		{"a?c", "aüc", true, true},
		{"*a?", "xxabxac", true, true},
		{"a*b*c", "axbxcxc", true, true},
		{"a*b*c", "axcxb", false, false},
		{"*b", "ab ab", true, true},
		{"ab*ab", "ab", false, false},
		{"a**b", "ab", true, true},
		{"@room", "hello @room!", false, true},
		{"@room", "hello@room", false, true},
		{"ÄPFEL", "zwei äpfel", false, true},
		{"foo bar", "a foo bar b", false, true},
		{"aa", "aaa aa", false, true},
	} {
		g, text := newGlob(c.pattern), strings.ToLower(c.text)
		if got := g.matches(text); got != c.whole {
			t.Errorf("%q matches all of %q: %v", c.pattern, c.text, got)
		}
		if got := g.matchesWords(text); got != c.words {
			t.Errorf("%q matches words of %q: %v", c.pattern, c.text, got)
		}
	}
}

// expression returns pattern as a regular expression, the slow way.
func expression(pattern, before, after string) *regexp.Regexp {
	e := regexp.QuoteMeta(pattern)
	e = strings.ReplaceAll(strings.ReplaceAll(e, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`(?s)` + before + e + after)
}

func TestGlobAgainstRegularExpressions(t *testing.T) {
	t.Parallel()
	// Few letters make many matches.
	from := func(n uint64, letters string) string {
		var b strings.Builder
		for ; n > 0; n /= uint64(len(letters)) {
			b.WriteByte(letters[n%uint64(len(letters))])
		}
		return b.String()
	}
	check := func(p, s uint32) bool {
		pattern, text := from(uint64(p)%100_000, "a*b?_ "), from(uint64(s), "ab _")
		g := newGlob(pattern)
		return g.matches(text) == expression(pattern, `^`, `$`).MatchString(text) &&
			g.matchesWords(text) == expression(pattern, `(^|\b|\W)`, `(\b|\W|$)`).MatchString(text)
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("ex*ple", "An exciting triple-whammy")
	f.Add("a?*", "aü")
	f.Add("\xff?", "\xff\xfe")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		g, s := newGlob(pattern), strings.ToLower(text)
		if g.matches(s) && !g.matchesWords(s) {
			t.Errorf("%q matches all of %q, but no words of it", pattern, text)
		}
		if !newGlob("*"+pattern+"*").matches(s) && g.matchesWords(s) {
			t.Errorf("%q matches words of %q, but is not in it", pattern, text)
		}
	})
}

func BenchmarkGlobWords(b *testing.B) {
	g := newGlob("alice")
	text := strings.ToLower("this is a message of a usual length, in which nobody is mentioned at all")
	for b.Loop() {
		g.matchesWords(text)
	}
}
