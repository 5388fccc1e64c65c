package rooms

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// Redaction asks to strip an event of its content.
type Redaction struct {
	Room    id.RoomID
	Event   id.EventID
	Content json.RawMessage // "reason" and whatever else the redaction says
	Txn     string
	Related []string // also what relates to the event in these ways; "*": in any

	delayed *Delayed
}

// Redact redacts an event: what it said is gone from the disk when Redact
// returns. Who may is decided by the room's power levels; everybody may redact
// what they sent.
//
// Spec: client-server-api#redactions
func (r *Rooms) Redact(ctx context.Context, p matrix.Principal, q Redaction) (id.EventID, error) {
	rm, err := r.known(ctx, q.Room)
	if err != nil {
		return "", err
	}
	if rm.MembershipOf(p.User) != "join" {
		return "", errNotInRoom()
	}
	return r.once(ctx, p, q.Txn, []string{"redact", string(q.Room), string(q.Event), q.Txn}, func(txn *eventlog.TxnWrite) (id.EventID, error) {
		target, err := r.Event(ctx, q.Event)
		if matrix.IsCode(err, matrix.NotFound) && len(rm.servers()) > 0 {
			return r.redactUnseen(ctx, p, q, txn)
		}
		if err != nil {
			return "", err
		}
		if target.Room != q.Room {
			return "", matrix.Errorf(matrix.NotFound, "There is no such event in this room.")
		}
		// What relates to it goes first: who asks again after a crash finds the rest.
		if err := r.redactRelated(ctx, rm, p, target, q); err != nil {
			return "", err
		}
		return r.redact(ctx, rm, p, target, q, txn)
	})
}

// redactUnseen redacts an event that only other servers have: here it is
// redacted as soon as it comes.
func (r *Rooms) redactUnseen(ctx context.Context, p matrix.Principal, q Redaction, txn *eventlog.TxnWrite) (id.EventID, error) {
	if len(q.Event) < 2 || q.Event[0] != '$' || len(q.Event) > event.MaxName {
		return "", matrix.Errorf(matrix.InvalidParam, "%q is not the id of an event.", string(q.Event))
	}
	d := draft{Draft: event.Draft{Sender: p.User, Type: "m.room.redaction", Content: q.Content, Redacts: q.Event}, txn: txn}
	evs, err := r.add(ctx, q.Room, func(v *view, i int) (*draft, error) {
		if i > 0 {
			return nil, nil
		}
		if levels := v.Levels(); p.Suspended || levels.User(p.User) < levels.Redact() {
			return nil, matrix.Errorf(matrix.NotFound, "There is no such event.")
		}
		one := d
		return &one, nil
	}, func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
		return r.log.AddEarlyRedaction(ctx, tx, rm.nid, q.Event, evs[0].Pos)
	})
	if err != nil {
		return "", err
	}
	return evs[0].ID, nil
}

func (r *Rooms) redact(ctx context.Context, rm *Room, p matrix.Principal, target *Event, q Redaction, txn *eventlog.TxnWrite) (id.EventID, error) {
	content := []byte(q.Content)
	if len(content) == 0 {
		content = []byte("{}")
	}
	// Both places, so that clients of any age find it in rooms of any version.
	content, err := sjson.SetBytes(content, "redacts", string(target.ID))
	if err != nil {
		return "", matrix.Errorf(matrix.BadJSON, "The content of an event is a JSON object.")
	}
	d := draft{Draft: event.Draft{Sender: p.User, Type: "m.room.redaction", Content: content, Redacts: target.ID}, txn: txn}
	var stripped *Event // made anew when the room was loaded again
	evs, err := r.add(ctx, q.Room, func(v *view, i int) (*draft, error) {
		if i > 0 {
			return nil, nil
		}
		if target.Is("m.room.create", "") {
			return nil, matrix.Errorf(matrix.Forbidden, "The event that makes a room cannot be redacted.")
		}
		if target.Is("m.room.encryption", "") { // new devices would find a room without encryption
			return nil, matrix.Errorf(matrix.Forbidden, "The event that turns encryption on cannot be redacted.")
		}
		if target.Sender != p.User {
			if p.Suspended {
				return nil, matrix.Errorf(matrix.UserSuspended, "A suspended account can redact only what it sent itself.")
			}
			if levels := v.Levels(); levels.User(p.User) < levels.Redact() {
				return nil, matrix.Errorf(matrix.Forbidden, "You may redact only what you sent yourself.")
			}
		}
		var err error
		if stripped, err = redacted(rm, target); err != nil {
			return nil, err
		}
		if now := v.stateOf(target); now != nil && now.ID == target.ID {
			v.put(stripped) // the next event finds the room without what is redacted
		}
		one := d
		return &one, nil
	}, append(q.delayed.sidelines(), func(ctx context.Context, tx *storage.Tx, rm *Room, evs []*Event) error {
		return rm.strip(ctx, tx, stripped, evs[0])
	})...)
	if err != nil {
		return "", err
	}
	return evs[0].ID, nil
}

// redacted returns the redacted form of e.
func redacted(rm *Room, e *Event) (*Event, error) {
	raw, err := event.Redact(rm.rules, e.PDU)
	if err != nil {
		return nil, err
	}
	p, err := event.ParseTrusted(rm.rules, raw, e.ID)
	if err != nil {
		return nil, err
	}
	out := newEvent(p, e.Room)
	out.Pos, out.Replaces, out.SoftFailed, out.Rejected = e.Pos, e.Replaces, e.SoftFailed, e.Rejected
	return out, nil
}

// strip writes the redacted form of an event, and shows it from the commit on.
// When the event was redacted before, the first redaction stands.
func (rm *Room) strip(ctx context.Context, tx *storage.Tx, form, by *Event) error {
	rec, err := rm.r.log.ByPos(ctx, tx, []matrix.Position{form.Pos})
	if err != nil || len(rec) == 0 || rec[0].RedactedBy != 0 {
		return err
	}
	if err := rm.r.log.Redact(ctx, tx, form.Pos, by.Pos, form.PDU); err != nil {
		return err
	}
	shown := *form
	shown.RedactedBy = by.Pos
	tx.OnCommit(func() { rm.redacted(form, &shown) })
	return nil
}

// annotated reports whether user annotated parent with key by an event of typ.
func (r *Rooms) annotated(ctx context.Context, user id.UserID, typ string, parent id.EventID, key string) (bool, error) {
	var rows []eventlog.RelationRow
	err := r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = r.log.Children(ctx, tx, []id.EventID{parent})
		return err
	})
	if err != nil {
		return false, err
	}
	var mine []matrix.Position
	for _, row := range rows {
		if row.Type == "m.annotation" && row.Sender == user && row.ChildType == typ {
			mine = append(mine, row.Child)
		}
	}
	if len(mine) == 0 {
		return false, nil
	}
	evs, err := r.Events(ctx, mine)
	for _, e := range evs {
		if gjson.GetBytes(e.pdu.Content, `m\.relates_to.key`).Str == key {
			return true, nil
		}
	}
	return false, err
}
