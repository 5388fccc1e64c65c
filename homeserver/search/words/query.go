package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// mostTerms bounds the words of a query. What comes after is not looked for.
	mostTerms = 32
	// mostBytes bounds what of a query is read.
	mostBytes = 4096
	// mostFound bounds the places that Match names.
	mostFound = 64
)

// Query is what somebody looks for: texts in which all that is wanted stands,
// and nothing that is not.
//
//	house boat        both words, or words that begin so
//	"house boat"      exactly these words, one after the other
//	house -boat       the one without the other
//	v1.2 don't        what is written together stands together
type Query struct {
	wanted, unwanted []phrase
}

// phrase is a sequence of words.
type phrase struct {
	words []string
	open  bool // the last word may be the beginning of one
}

// Term is a word that an index has to be asked for.
type Term struct {
	Word   string
	Prefix bool // words that begin so count, too
	Not    bool // texts with it are not wanted
}

// ParseQuery reads a query. Whatever people type is one; a query without a word
// in it finds nothing.
func ParseQuery(text string) Query {
	var q Query
	text = text[:min(len(text), mostBytes)]
	for len(text) > 0 && q.size() < mostTerms {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		not := false
		if rest, ok := strings.CutPrefix(text, "-"); ok && rest != "" && !startsGap(rest) {
			text, not = rest, true
		}
		var part string
		var quoted bool
		part, text, quoted = cut(text)
		if p := newPhrase(part, quoted); len(p.words) > 0 {
			p.words = p.words[:min(len(p.words), mostTerms-q.size())]
			if not {
				q.unwanted = append(q.unwanted, p)
			} else {
				q.wanted = append(q.wanted, p)
			}
		}
	}
	if q.IsEmpty() { // "-5" is a number
		q.wanted, q.unwanted = q.unwanted, nil
	}
	return q
}

// size returns how many words there are.
func (q Query) size() int {
	n := 0
	for _, p := range slices.Concat(q.wanted, q.unwanted) {
		n += len(p.words)
	}
	return n
}

// startsGap reports whether text begins with what is not part of a word.
func startsGap(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return !isQuote(r) && kindOf(r) == gap
}

// isQuote reports whether r opens or closes a quotation in some language.
func isQuote(r rune) bool {
	return r == '"' || unicode.Is(unicode.Quotation_Mark, r) && !strings.ContainsRune(`'＇‘’‚‛`, r)
}

// cut takes the first part off a text: up to a space, or a whole quotation.
func cut(text string) (part, rest string, quoted bool) {
	if r, n := utf8.DecodeRuneInString(text); isQuote(r) {
		if end := strings.IndexFunc(text[n:], isQuote); end >= 0 {
			_, m := utf8.DecodeRuneInString(text[n+end:])
			return text[n : n+end], text[n+end+m:], true
		}
		text = text[n:] // somebody has not typed the other one yet
	}
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:], false
}

// newPhrase makes a phrase of text.
func newPhrase(text string, quoted bool) phrase {
	words := Split(text)
	if len(words) == 0 {
		return phrase{}
	}
	last := words[len(words)-1]
	p := phrase{open: !quoted && !last.Tail && isBeginning(last)}
	if last.Tail { // the pair before has it; in the text, more letters may follow
		words = words[:len(words)-1]
	}
	if last.Paired && !last.Tail && utf8.RuneCountInString(last.Text) == 1 {
		p.open = true // in the index, a letter is alone only at the end of a run
	}
	for _, w := range words {
		p.words = append(p.words, w.Text)
	}
	return p
}

// isBeginning reports whether other words may be meant by w. One letter alone
// would be the beginning of far too many.
func isBeginning(w Word) bool {
	return !w.Paired && len(w.Text) > 1 && utf8.RuneCountInString(w.Text) > 1
}

// IsEmpty reports whether nothing can be found.
func (q Query) IsEmpty() bool { return len(q.wanted) == 0 }

// Terms returns what an index has to be asked for. Texts that it names can
// still have the words in another order: Match knows.
func (q Query) Terms() []Term {
	var terms []Term
	add := func(t Term) {
		if !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	for _, p := range q.wanted {
		for i, w := range p.words {
			add(Term{Word: w, Prefix: p.open && i == len(p.words)-1})
		}
	}
	for _, p := range q.unwanted {
		if len(p.words) == 1 { // else the words may stand there, only not together
			add(Term{Word: p.words[0], Prefix: p.open, Not: true})
		}
	}
	return terms
}

// Match reports whether text is one that the query is for, and returns the
// places, as they are written, that make it so.
func (q Query) Match(text string) (found []string, ok bool) {
	words := Split(text)
	for _, p := range q.unwanted {
		if p.find(words) >= 0 {
			return nil, false
		}
	}
	for _, p := range q.wanted {
		if p.find(words) < 0 {
			return nil, false
		}
		found = p.appendFound(found, words)
	}
	return found, !q.IsEmpty()
}

// appendFound appends the places where p stands in words, as they are written.
func (p phrase) appendFound(found []string, words []Word) []string {
	for len(found) < mostFound {
		i := p.find(words)
		if i < 0 {
			break
		}
		for _, w := range words[i : i+len(p.words)] {
			if !slices.Contains(found, w.Raw) {
				found = append(found, w.Raw)
			}
		}
		words = words[i+len(p.words):]
	}
	return found
}

// find returns where p first stands in words; -1: nowhere.
func (p phrase) find(words []Word) int {
	for i := 0; i+len(p.words) <= len(words); i++ {
		if p.at(words[i:]) {
			return i
		}
	}
	return -1
}

// at reports whether words begin with p.
func (p phrase) at(words []Word) bool {
	last := len(p.words) - 1
	for i, w := range p.words[:last] {
		if words[i].Text != w {
			return false
		}
	}
	if p.open {
		return strings.HasPrefix(words[last].Text, p.words[last])
	}
	return words[last].Text == p.words[last]
}
