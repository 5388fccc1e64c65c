package rooms

import (
	"cmp"
	"context"
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// LastEdit returns the event of rm that says what e says now, nil when e says
// it itself. Who may see it is not looked at.
//
// Spec: client-server-api#event-replacements
func (rm *Room) LastEdit(ctx context.Context, e *Event) (*Event, error) {
	kids, err := rm.r.children.of(ctx, rm, []id.EventID{e.ID})
	if err != nil {
		return nil, err
	}
	var edits []child
	for _, k := range kids[e.ID] {
		if k.rel == "m.replace" && canReplace(e, k) {
			edits = append(edits, k)
		}
	}
	bestFirst(edits)
	return rm.r.newestEdit(ctx, e, edits, nil)
}

// canReplace reports whether k may be a replacement of e, as far as its
// content does not matter.
//
// Spec: client-server-api#validity-of-replacement-events
func canReplace(e *Event, k child) bool {
	return e.RedactedBy == 0 && !e.IsState() && e.RelType != "m.replace" && k.sender == e.Sender && k.typ == e.Type
}

// bestFirst puts replacements in the order in which they count.
func bestFirst(edits []child) {
	slices.SortFunc(edits, func(a, b child) int {
		return cmp.Or(cmp.Compare(b.ts, a.ts), cmp.Compare(b.id, a.id))
	})
}

// newestEdit returns the best of the candidates that is valid. Those that are
// loaded need not be read.
func (r *Rooms) newestEdit(ctx context.Context, e *Event, edits []child, loaded map[matrix.Position]*Event) (*Event, error) {
	for _, k := range edits {
		edit := loaded[k.pos]
		if edit == nil {
			evs, err := r.Events(ctx, []matrix.Position{k.pos})
			if err != nil {
				return nil, err
			}
			edit = evs[k.pos]
		}
		if edit != nil && edit.replaces(e) {
			return edit, nil
		}
	}
	return nil, nil
}

// replaces reports whether the content of edit, which relates to e as a
// replacement, is one. That of an encrypted event cannot be told.
func (edit *Event) replaces(e *Event) bool {
	if edit.Room != e.Room || edit.IsState() || edit.RedactedBy != 0 {
		return false
	}
	return e.Type == "m.room.encrypted" || gjson.GetBytes(edit.pdu.Content, `m\.new_content`).IsObject()
}
