package index

import (
	"slices"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/words"
	"plenum/internal/matrix"
)

// Field is a part of an event's content that is searched.
type Field uint8

// The fields, and how many there are.
const (
	Body  Field = iota // content.body of m.room.message
	Name               // content.name of m.room.name
	Topic              // content.topic of m.room.topic
	Fields
)

// Document is what is known of an event by its words.
type Document struct {
	Pos    matrix.Position
	Edit   matrix.Position // of the event that says what its text is; 0: it does itself
	Sender id.UserID
	Field  Field
	HasURL bool // the content has a url

	keys []key
}

// key is a word or a mark.
type key struct {
	text   string
	weight uint8
}

// The marks, or what they begin with. They come before all words, which begin
// with a letter, a digit or a symbol.
const (
	markName   = "!name"
	markTopic  = "!topic"
	markURL    = "#url"
	markEdit   = "%" // and the position of the edit
	markSender = "&" // and the user id
)

// isMark reports whether a key is not a word.
func isMark[T string | []byte](key T) bool { return len(key) == 0 || key[0] < '0' }

// editMark is the mark of what was edited by the event at pos.
func editMark(pos matrix.Position) string { return markEdit + strconv.FormatInt(int64(pos), 10) }

// SetText says what the text of d is, and completes it: the other fields have
// been set.
func (d *Document) SetText(text string) {
	all := words.Split(text)
	times := make(map[string]int, len(all))
	for _, w := range all {
		times[w.Text]++
	}
	d.keys = make([]key, 0, len(times)+3)
	for word, n := range times {
		// Words are parts of texts, which would stay in memory with them.
		d.keys = append(d.keys, key{strings.Clone(word), weigh(n, len(all))})
	}
	if d.IsEmpty() {
		return
	}
	for _, mark := range d.marks() {
		d.keys = append(d.keys, key{text: mark})
	}
	slices.SortFunc(d.keys, func(a, b key) int { return strings.Compare(a.text, b.text) })
}

// IsEmpty reports whether there is no word by which d could be found.
func (d *Document) IsEmpty() bool { return len(d.keys) == 0 }

func (d *Document) marks() []string {
	marks := []string{markSender + string(d.Sender)}
	switch d.Field {
	case Name:
		marks = append(marks, markName)
	case Topic:
		marks = append(marks, markTopic)
	}
	if d.HasURL {
		marks = append(marks, markURL)
	}
	if d.Edit != 0 {
		marks = append(marks, editMark(d.Edit))
	}
	return marks
}

// maxWeight is the highest weight. Weights have two bits.
const maxWeight = 3

// weigh says how much a text is about a word that stands in it n times.
func weigh(n, length int) uint8 {
	switch {
	case 2*n >= length:
		return maxWeight
	case 6*n >= length:
		return 2
	case 24*n >= length:
		return 1
	}
	return 0
}
