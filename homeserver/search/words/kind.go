package words

import (
	"unicode"
	"unicode/utf8"
)

// kind is what a letter does to the word that it comes after.
type kind uint8

const (
	gap    kind = iota // ends it: spaces, punctuation
	letter             // goes on with it: letters and digits
	pair               // letters of scripts without spaces between words
	symbol             // a word of its own: emoji
	silent             // is not written: accents, hyphens that only show at the end of a line
)

// continuous are the scripts of which words are cut into pairs of letters: those
// without spaces between words, and that of Korean, where what belongs to a
// word in other languages is often written together with what comes after.
var continuous = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// firstContinuous is where the first of them begins.
const firstContinuous = 0x0e00

const (
	longVowel = 'ー' // of Japanese; belongs to two scripts, and so to none
	zeroSpace = '\u200b'
	tatweel   = 'ـ' // makes Arabic words look longer
)

// kindOf tells what r, of normalised text, does.
func kindOf(r rune) kind {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return letter
	case r < utf8.RuneSelf || r == zeroSpace || r == utf8.RuneError:
		return gap
	case r < firstContinuous && r != tatweel && unicode.IsLetter(r):
		return letter
	case r == tatweel || isSilent(r):
		return silent
	case unicode.Is(unicode.Nd, r):
		return letter
	case r >= firstContinuous && isContinuous(r):
		return pair
	case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
		return letter
	case unicode.Is(unicode.So, r):
		return symbol
	}
	return gap
}

func isContinuous(r rune) bool {
	return r == longVowel || unicode.In(r, continuous...) && !unicode.IsPunct(r) && !unicode.IsSymbol(r)
}

// isSilent reports whether r is an accent that stands by itself, a vowel sign
// that most people leave out, or says only how text is shown. In the scripts of
// India and its neighbours, marks are parts of words.
func isSilent(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.IsMark(r) && unicode.In(r, unicode.Inherited, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Cyrillic)
}
