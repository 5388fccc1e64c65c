// Package words takes text apart into the words by which it is found again,
// and reads what people type to find it.
//
// A word is a run of letters and digits. Words that differ only in ways in which
// people write the same word differently are made the same: case, accents,
// width, ligatures, the dots of the Turkish i, the vowel signs of Arabic and
// Hebrew. Nothing is known of any language: there are no stems and no stop
// words, and the beginning of a word is enough to find it.
//
// Scripts that put no spaces between words are cut into pairs of letters that
// overlap, so that a word is found wherever it stands.
package words
