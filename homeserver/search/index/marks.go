package index

import (
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// MarkShelves are the shelves from which Has and EditedBy can be told.
func MarkShelves() []int { return []int{whole, marks} }

// Has reports whether there is a document at pos.
func Has(low, pos matrix.Position, pages []Page) (found bool, err error) {
	err = eachMark(low, pages, markSender, func(_ string, p posting) bool {
		found = p.pos == pos
		return !found
	})
	return found, err
}

// EditedBy returns the position of the document whose text is that of an edit.
func EditedBy(low, edit matrix.Position, pages []Page) (pos matrix.Position, found bool, err error) {
	want := editMark(edit)
	err = eachMark(low, pages, markEdit, func(mark string, p posting) bool {
		if found = mark == want; found {
			pos = p.pos
		}
		return !found
	})
	return pos, found, err
}

// SentBy returns the positions of the documents that somebody sent.
func SentBy(low matrix.Position, sender id.UserID, pages []Page) (all []matrix.Position, err error) {
	want := markSender + string(sender)
	err = eachMark(low, pages, want, func(mark string, p posting) bool {
		if mark == want {
			all = append(all, p.pos)
		}
		return true
	})
	return all, err
}

// eachMark calls fn for the postings of the marks that begin so, until that
// returns false.
func eachMark(low matrix.Position, pages []Page, begin string, fn func(string, posting) bool) error {
	for _, page := range pages {
		if page.Shelf != whole && page.Shelf != marks {
			continue
		}
		more := true
		err := page.each(low, func(key []byte, at postings) bool {
			if strings.HasPrefix(string(key), begin) {
				for p := range at.all() {
					if more = fn(string(key), p); !more {
						return false
					}
				}
			}
			return isMark(key)
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}
