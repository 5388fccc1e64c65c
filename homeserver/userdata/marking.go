package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// Markers are the events up to which a user has read a room, each empty when
// it is not to be moved.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidread_markers
type Markers struct {
	FullyRead, Read, ReadPrivate id.EventID
	// Backward lets FullyRead move back too, as MSC4446 has it: the user says
	// where they want to read on.
	Backward bool
}

// SetReceipt moves a receipt of p in room to event. thread is empty for a
// receipt that knows no threads. A receipt that would move backwards stays.
//
// Spec: client-server-api#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
func (d *Data) SetReceipt(ctx context.Context, p matrix.Principal, room id.RoomID, kind string, event, thread id.EventID) error {
	var m Markers
	switch kind {
	case Read:
		m.Read = event
	case ReadPrivate:
		m.ReadPrivate = event
	case FullyRead:
		m.FullyRead = event
		if thread != "" {
			return matrix.Errorf(matrix.InvalidParam, "%s knows no threads.", FullyRead)
		}
	default:
		return matrix.Errorf(matrix.InvalidParam, "There is no receipt of type %q.", kind)
	}
	return d.mark(ctx, p, room, m, thread)
}

// MoveReceipt is SetReceipt that may move the receipt back too. That is only
// for FullyRead, which nobody else sees and which counts for nothing.
//
// Spec: MSC4446
func (d *Data) MoveReceipt(ctx context.Context, p matrix.Principal, room id.RoomID, kind string, event id.EventID) error {
	if kind != FullyRead {
		return matrix.Errorf(matrix.InvalidParam, "Only %s can be moved back.", FullyRead)
	}
	return d.SetMarkers(ctx, p, room, Markers{FullyRead: event, Backward: true})
}

// SetMarkers moves the markers of p in room, all or none.
func (d *Data) SetMarkers(ctx context.Context, p matrix.Principal, room id.RoomID, m Markers) error {
	return d.mark(ctx, p, room, m, "")
}

// marking is a change of markers that was checked.
type marking struct {
	user     id.UserID
	room     id.RoomID
	receipts []*Receipt
	full     *rooms.Event // nil: stays
	backward bool         // full may be before the marker
}

func (d *Data) mark(ctx context.Context, p matrix.Principal, room id.RoomID, m Markers, thread id.EventID) error {
	if err := d.checkJoined(ctx, p.User, room); err != nil {
		return err
	}
	todo := marking{user: p.User, room: room, backward: m.Backward}
	for _, one := range []struct {
		event   id.EventID
		private bool
	}{{m.Read, false}, {m.ReadPrivate, true}} {
		if one.event == "" {
			continue
		}
		r, err := d.receiptAt(ctx, p.User, room, one.event, thread)
		if err != nil {
			return err
		}
		r.Private = one.private
		todo.receipts = append(todo.receipts, r)
	}
	if m.FullyRead != "" {
		e, err := d.eventIn(ctx, room, m.FullyRead)
		if err != nil {
			return err
		}
		todo.full = e
	}
	return d.store(ctx, &todo)
}

// receiptAt makes a receipt at event, which must be in thread.
func (d *Data) receiptAt(ctx context.Context, user id.UserID, room id.RoomID, event, thread id.EventID) (*Receipt, error) {
	e, err := d.eventIn(ctx, room, event)
	if err != nil {
		return nil, err
	}
	if thread != "" {
		in, err := d.isInThread(ctx, e, thread)
		if err != nil {
			return nil, err
		}
		if !in {
			return nil, matrix.Errorf(matrix.InvalidParam, "The event is not related to the thread %s.", thread)
		}
	}
	return &Receipt{User: user, Thread: thread, Event: e.ID, EventPos: e.Pos, TS: d.opt.Now().UnixMilli()}, nil
}

// eventIn returns an event of room.
func (d *Data) eventIn(ctx context.Context, room id.RoomID, event id.EventID) (*rooms.Event, error) {
	e, err := d.rooms.Event(ctx, event)
	if err != nil {
		return nil, err
	}
	if e.Room != room {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such event.")
	}
	return e, nil
}

// isInThread reports whether a receipt at e says something about thread.
func (d *Data) isInThread(ctx context.Context, e *rooms.Event, thread id.EventID) (bool, error) {
	if thread == Main {
		root, err := d.rooms.ThreadOf(ctx, e)
		return root == "", err
	}
	return d.rooms.ConcernsThread(ctx, e, thread)
}

func (d *Data) checkJoined(ctx context.Context, user id.UserID, room id.RoomID) error {
	m, err := d.rooms.MembershipOf(ctx, user, room)
	if err == nil && m.Membership != "join" {
		return matrix.Errorf(matrix.Forbidden, "You are not in this room.")
	}
	return err
}

// store writes what moves forward.
func (d *Data) store(ctx context.Context, m *marking) error {
	moves, err := d.moving(ctx, m)
	if err != nil || !moves {
		return err
	}
	var full json.RawMessage
	if m.full != nil {
		if full, err = json.Marshal(markerContent{m.full.ID}); err != nil {
			return err
		}
	}
	err = d.db.Write(ctx, func(tx *storage.Tx) error {
		for _, r := range m.receipts {
			if err := d.storeReceipt(ctx, tx, m.room, r); err != nil {
				return err
			}
		}
		if full == nil {
			return nil
		}
		return d.write(ctx, tx, m.user, &AccountDatum{Room: m.room, Type: fullyReadType, Content: full, Pos: tx.Position()})
	})
	if err == nil {
		d.readAbroad(ctx, m)
	}
	return err
}

func (d *Data) storeReceipt(ctx context.Context, tx *storage.Tx, room id.RoomID, r *Receipt) error {
	r.Pos = tx.Position()
	if err := store.PutReceipt(ctx, tx, room, r); err != nil {
		return err
	}
	tx.OnCommit(func() {
		d.receipts.change(room, r.Pos, func(rr *roomReceipts) { rr.take(r) })
	})
	tx.Wake(rooms.UserTopic(r.User))
	if !r.Private {
		tx.Wake(rooms.RoomTopic(room))
	}
	return nil
}

// moving keeps in m what is further than what is known, and reports whether
// there is anything.
func (d *Data) moving(ctx context.Context, m *marking) (bool, error) {
	ahead := m.receipts[:0]
	err := d.receipts.with(ctx, m.room, func(rr *roomReceipts) {
		for _, r := range m.receipts {
			if old, ok := rr.get(keyOf(r)); !ok || old.EventPos < r.EventPos {
				ahead = append(ahead, r)
			}
		}
	})
	m.receipts = ahead
	if err != nil || m.full == nil {
		return len(ahead) > 0, err
	}
	was, err := d.fullyRead(ctx, m.user, m.room)
	if err != nil {
		return false, err
	}
	if was == m.full.Pos || was > m.full.Pos && !m.backward {
		m.full = nil
	}
	return len(ahead) > 0 || m.full != nil, nil
}
