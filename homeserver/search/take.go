package search

import (
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/search"
)

// takeOne takes in an event.
func (f *follower) takeOne(e *rooms.Event) error {
	_, searched := fieldOf(e)
	redacts := e.Type == "m.room.redaction"
	switch {
	case e.SoftFailed || e.Rejected:
		return nil
	case e.Is("m.room.encryption", ""):
		return f.dropRoom(e.Room)
	case !searched && !redacts:
		return nil
	}
	kinds, err := f.s.rooms.Kinds(f.ctx, []id.RoomID{e.Room})
	if err != nil || kinds[0].Encrypted {
		return err
	}
	switch {
	case redacts:
		return f.redaction(e)
	case e.RelType == "m.replace" && !e.IsState():
		return f.edit(e)
	}
	if d := document(e, nil); d != nil && !f.s.opt.Erased(e.Sender) {
		f.s.recent.put(e.Room, e.Pos, d)
	}
	return nil
}

// edit takes in an event that says what another one is to say now.
func (f *follower) edit(e *rooms.Event) error {
	target, err := f.event(e.RelatesTo, e.Room)
	if err != nil || target == nil {
		return err
	}
	return f.reread(target)
}

// redaction takes in an event that takes another one back.
func (f *follower) redaction(e *rooms.Event) error {
	target, err := f.event(e.Redacts, e.Room)
	if err != nil || target == nil || target.RedactedBy == 0 {
		return err
	}
	if _, searched := fieldOf(target); !searched {
		return nil
	}
	if err := f.takeBack(target); err != nil {
		return err
	}
	return f.saveRoom(e.Room)
}

// takeBack removes what the index has from an event that was redacted: the
// event itself, or if it was an edit, the text that came from it.
func (f *follower) takeBack(target *rooms.Event) error {
	known, err := f.has(target)
	if err != nil {
		return err
	}
	if known {
		f.s.recent.put(target.Room, target.Pos, nil)
		return nil
	}
	pos, known, err := f.editedBy(target)
	if err != nil || !known {
		return err
	}
	evs, err := f.s.rooms.Events(f.ctx, []matrix.Position{pos})
	if err != nil || evs[pos] == nil {
		return err
	}
	return f.reread(evs[pos])
}

// reread takes in what e says now.
func (f *follower) reread(e *rooms.Event) error {
	rm, err := f.s.rooms.Room(f.ctx, e.Room)
	if err != nil {
		return err
	}
	edit, err := rm.LastEdit(f.ctx, e)
	if err != nil {
		return err
	}
	if e.RelType != "m.replace" && !f.s.opt.Erased(e.Sender) { // edits are not found by themselves
		f.s.recent.put(e.Room, e.Pos, document(e, edit))
	}
	return nil
}

// event returns an event of room, nil when it is not known there.
func (f *follower) event(ev id.EventID, room id.RoomID) (*rooms.Event, error) {
	e, err := f.s.rooms.Event(f.ctx, ev)
	if matrix.IsCode(err, matrix.NotFound) || err == nil && e.Room != room {
		return nil, nil
	}
	return e, err
}

// has reports whether e can be found.
func (f *follower) has(e *rooms.Event) (found bool, err error) {
	if d, changed := f.s.recent.of(e.Room)[e.Pos]; changed {
		return d != nil, nil
	}
	err = f.s.db.Read(f.ctx, func(tx *storage.Tx) error {
		place, ok, err := store.PlaceOf(f.ctx, tx, e.Room, e.Pos)
		if err != nil || !ok {
			return err
		}
		pages, err := store.Stretch(f.ctx, tx, e.Room, place.Low)
		for _, st := range stretches(pages) {
			found, err = index.Has(st.low, e.Pos, st.pages)
		}
		return err
	})
	return found, err
}

// editedBy returns the position of the message whose text in the index came from
// the event edit.
func (f *follower) editedBy(edit *rooms.Event) (pos matrix.Position, known bool, err error) {
	for _, d := range f.s.recent.of(edit.Room) {
		if d != nil && d.Edit == edit.Pos {
			return d.Pos, true, nil
		}
	}
	err = f.s.db.Read(f.ctx, func(tx *storage.Tx) error {
		pages, err := store.Pages(f.ctx, tx, []id.RoomID{edit.Room}, index.MarkShelves())
		if err != nil {
			return err
		}
		for _, st := range stretches(pages) {
			if pos, known, err = index.EditedBy(st.low, edit.Pos, st.pages); known || err != nil {
				return err
			}
		}
		return nil
	})
	return pos, known, err
}

// dropRoom removes all that is known of a room.
func (f *follower) dropRoom(room id.RoomID) error {
	f.s.recent.drop(room)
	known := false
	err := f.s.db.Read(f.ctx, func(tx *storage.Tx) (err error) {
		_, known, err = store.PlaceOf(f.ctx, tx, room, math.MaxInt64)
		return err
	})
	if err != nil || !known {
		return err
	}
	return f.s.db.Write(f.ctx, func(tx *storage.Tx) error { return store.DropRoom(f.ctx, tx, room) })
}
