package index

import (
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/words"
	"plenum/internal/matrix"
)

// Question is what is looked for in an index.
type Question struct {
	Terms   []words.Term         // at least one of them is wanted
	Fields  [Fields]bool         // where
	Senders func(id.UserID) bool // of whom; nil: of anybody
	URL     *bool                // whether the content has a url; nil: either
}

// Hit is a document that answers a question.
type Hit struct {
	Pos   matrix.Position
	Edit  matrix.Position // of the event that says what its text is; 0: it does itself
	Score int             // how well it answers
}

// What a document is worth: for each term the weight of the word, and more if
// it is that word and not one that begins so; and once more for what rooms are
// called.
const (
	exactScore = 4
	nameScore  = 4
	topicScore = 2
)

// MaxScore is the score that no document surpasses.
func (q *Question) MaxScore() int {
	n := nameScore
	for _, t := range q.Terms {
		if !t.Not {
			n += exactScore + maxWeight
		}
	}
	return n
}

// Shelves are those that have to be read for an answer.
func (q *Question) Shelves() []int {
	list := MarkShelves()
	for _, t := range q.Terms {
		list = append(list, shelf(t.Word))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Search returns the documents in the pages of a stretch that answer q, in the
// order of their positions.
func (q *Question) Search(low matrix.Position, pages []Page) ([]Hit, error) {
	a := newAnswer(q)
	// The marks come last: in most stretches there is nothing that they matter to.
	for _, p := range slices.Backward(pages) {
		if p.Shelf == marks && !a.isPossible() {
			return nil, nil
		}
		if err := p.each(low, a.see); err != nil {
			return nil, err
		}
	}
	return a.hits(), nil
}

// SearchDocuments is Search for documents that are not in a stretch yet.
func (q *Question) SearchDocuments(docs []*Document) []Hit {
	a := newAnswer(q)
	for _, d := range docs {
		for _, k := range d.keys {
			a.see([]byte(k.text), one(d.Pos, k.weight))
		}
	}
	return a.hits()
}
