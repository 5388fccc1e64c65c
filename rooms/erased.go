package rooms

import (
	"maps"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/eventlog"
)

// Erasures knows who wants to be forgotten.
type Erasures interface {
	// IsErased reports whether user closed their account and wanted what they
	// said to be erased. It is asked about many events and has to be quick.
	IsErased(user id.UserID) bool
}

// hide finds what is only shown redacted, of evs and of what is shown with
// them: what people said who were erased since, to whoever was not there when
// they said it. Of state, which belongs to the room, that is only people's own
// membership with their name and picture.
//
// Spec: client-server-api#post_matrixclientv3accountdeactivate
func (x *encoder) hide(evs []*Event) error {
	if x.r.opt.Erased == nil {
		return nil
	}
	if err := x.hideEach(evs); err != nil {
		return err
	}
	for parent, s := range x.sums {
		if err := x.hideEach(s.events()); err != nil {
			return err
		}
		if s.edit != nil && x.hidden[s.edit.Pos] != nil {
			s.edit = nil // it says nothing any more
		}
		if s.isEmpty() {
			delete(x.sums, parent)
		}
	}
	return x.hideEach(slices.Collect(maps.Values(x.beside)))
}

func (x *encoder) hideEach(evs []*Event) error {
	for _, e := range evs {
		hidden, err := x.hides(e)
		if err != nil {
			return err
		}
		if !hidden {
			continue
		}
		form, err := redacted(x.rm, e)
		if err != nil {
			return err
		}
		if x.hidden == nil {
			x.hidden = map[matrix.Position]*Event{}
		}
		x.hidden[e.Pos] = form
	}
	return nil
}

func (x *encoder) hides(e *Event) (bool, error) {
	switch s := x.sight; {
	case e.RedactedBy != 0, e.IsState() && !e.Is("m.room.member", string(e.Sender)):
		return false, nil
	case s.is == eventlog.Join && e.Pos >= s.since, !x.r.opt.Erased.IsErased(e.Sender):
		return false, nil
	}
	if err := x.sight.remember(x.ctx); err != nil {
		return false, err
	}
	return x.sight.membership(e.Pos) != eventlog.Join, nil
}

// form is e as who asks gets to see it.
func (x *encoder) form(e *Event) *Event {
	if form := x.hidden[e.Pos]; form != nil {
		return form
	}
	return e
}
