package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// spelling is how a letter is written in the words of an index, where neither
// lower case nor leaving out its accents says it.
func spelling(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø':
		return "o"
	case 'ł', 'Ł':
		return "l"
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d"
	case 'ħ', 'Ħ':
		return "h"
	case 'þ', 'Þ':
		return "th"
	case 'ı', 'İ': // in Turkish, I is the capital of one and i that of the other
		return "i"
	case 'ς': // at the end of a Greek word
		return "σ"
	case 'ё', 'Ё': // most Russians write е
		return "е"
	case 'ٱ':
		return "ا"
	case 'ى', 'ی': // of Egypt, of Persia
		return "ي"
	case 'ة':
		return "ه"
	case 'ک':
		return "ك"
	case 'ך': // at the end of a Hebrew word, and so on
		return "כ"
	case 'ם':
		return "מ"
	case 'ן':
		return "נ"
	case 'ף':
		return "פ"
	case 'ץ':
		return "צ"
	}
	return ""
}

// appendFolded appends r, a letter or a digit, as it stands in the words of an
// index.
func appendFolded(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(dst, byte(r))
	}
	if s := spelling(r); s != "" {
		return append(dst, s...)
	}
	if unicode.IsDigit(r) {
		return append(dst, '0'+digit(r))
	}
	r = unicode.ToLower(r)
	if base := unaccented(r); base != r {
		return appendFolded(dst, base)
	}
	return utf8.AppendRune(dst, r)
}

// digit returns the value of a decimal digit of any script: tens of them follow
// each other, in order.
func digit(r rune) byte {
	n := 0
	for unicode.Is(unicode.Nd, r-1) {
		r--
		n++
	}
	return byte(n % 10)
}

// Where these scripts begin; between them are only those of Armenian and, again,
// Russian.
const (
	cyrillic = 0x0400
	hebrew   = 0x0590
)

// unaccented returns the letter under the accents of r. In scripts where what
// looks like an accent makes another letter (the Russian й), it stays.
func unaccented(r rune) rune {
	if cyrillic <= r && r < hebrew {
		return r
	}
	var buf [utf8.UTFMax]byte
	parts := norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if len(parts) == 0 {
		return r
	}
	base, _ := utf8.DecodeRune(parts)
	if unicode.In(base, unicode.Latin, unicode.Greek, unicode.Arabic, unicode.Hebrew) {
		return base
	}
	return r
}
