package words

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord is how many bytes of a word count. What is longer is no word of any
// language; what begins alike is then found alike.
const maxWord = 64

// Word is a word of a text.
type Word struct {
	Text string // as it stands in an index
	Raw  string // as it is written
	// Paired is whether it is a letter, or two, of a script that is cut into
	// pairs; Tail whether it is the letter that the last pair has ended with.
	Paired, Tail bool
}

// Split returns the words of text in order. Words may repeat. Text that is not
// in Unicode's form for comparison (NFKC) is brought into it first.
func Split(text string) []Word {
	text = norm.NFKC.String(strings.ToValidUTF8(text, " "))
	s := splitter{text: text, out: make([]Word, 0, len(text)/6+1)}
	s.run()
	return s.out
}

// splitter is a text that is being taken apart.
type splitter struct {
	text  string
	out   []Word
	start int    // of the word or the run of pairs; -1: there is none
	end   int    // of its last letter
	word  []byte // folded
	plain bool   // what is folded is the same as what is written
	pairs []int  // where the letters of a run of pairs begin
}

func (s *splitter) run() {
	s.start = -1
	for i, r := range s.text {
		switch next := i + utf8.RuneLen(r); kindOf(r) {
		case letter:
			s.letter(i, next, r)
		case pair:
			if len(s.pairs) == 0 {
				s.finish()
				s.start = i
			}
			s.pairs = append(s.pairs, i)
			s.end = next
		case symbol:
			s.finish()
			s.out = append(s.out, Word{Text: s.text[i:next], Raw: s.text[i:next]})
		case silent:
			s.plain = false
		default:
			s.finish()
		}
	}
	s.finish()
}

func (s *splitter) letter(from, to int, r rune) {
	if s.start < 0 || len(s.pairs) > 0 {
		s.finish()
		s.start, s.plain, s.word = from, true, s.word[:0]
	}
	s.end = to
	n := len(s.word)
	s.word = appendFolded(s.word, r)
	s.plain = s.plain && string(s.word[n:]) == s.text[from:to]
}

// finish ends the word or the run of pairs, if there is one.
func (s *splitter) finish() {
	switch {
	case s.start < 0:
		return
	case len(s.pairs) > 0:
		s.finishPairs()
	default:
		raw := s.text[s.start:s.end]
		w := Word{Text: raw, Raw: raw}
		if !s.plain {
			w.Text = string(s.word)
		}
		w.Text = clip(w.Text)
		s.out = append(s.out, w)
	}
	s.start = -1
}

// finishPairs cuts a run into pairs. The last letter comes by itself, too, so
// that every letter begins a word and is found when somebody looks for it alone.
func (s *splitter) finishPairs() {
	s.pairs = append(s.pairs, s.end)
	for i := 0; i+1 < len(s.pairs); i++ {
		raw := s.text[s.pairs[i]:s.pairs[min(i+2, len(s.pairs)-1)]]
		w := Word{Text: fold(raw), Raw: raw, Paired: true, Tail: i > 0 && i+2 == len(s.pairs)}
		s.out = append(s.out, w)
	}
	s.pairs = s.pairs[:0]
}

// fold returns a pair of letters as it stands in an index.
func fold(raw string) string {
	out := make([]byte, 0, len(raw))
	for _, r := range raw {
		if kindOf(r) == pair {
			out = appendFolded(out, r)
		}
	}
	if string(out) == raw {
		return raw
	}
	return string(out)
}

// clip cuts a word that is too long.
func clip(word string) string {
	if len(word) <= maxWord {
		return word
	}
	n := maxWord
	for !utf8.RuneStart(word[n]) {
		n--
	}
	return word[:n]
}
