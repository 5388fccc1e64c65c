package rooms

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage/eventlog"
)

// Draft is an event that somebody wants to send.
type Draft struct {
	Room     id.RoomID
	Type     string
	StateKey *string // nil for a message event
	Content  json.RawMessage
	Txn      string   // the client's transaction id; "" for a state event
	TS       int64    // ms; 0: now
	Sticky   int64    // ms for which it is sticky; 0: an event like others
	Delayed  *Delayed // nil: it was not scheduled before
}

// Send adds an event to a room and returns its id when it is on disk. The same
// transaction id of the same device gives the same event again.
//
// Spec: client-server-api#sending-events-to-a-room
func (r *Rooms) Send(ctx context.Context, p matrix.Principal, d Draft) (id.EventID, error) {
	if d.StateKey != nil {
		return r.sendState(ctx, p, d)
	}
	if d.Type == "m.room.redaction" {
		target := gjson.GetBytes(d.Content, "redacts")
		if target.Type != gjson.String {
			return "", matrix.Errorf(matrix.BadJSON, "A redaction names the event in its content as \"redacts\".")
		}
		return r.Redact(ctx, p, Redaction{Room: d.Room, Event: id.EventID(target.Str), Content: d.Content, Txn: d.Txn, delayed: d.Delayed})
	}
	if _, err := r.known(ctx, d.Room); err != nil {
		return "", err
	}
	return r.once(ctx, p, d.Txn, []string{"send", string(d.Room), d.Type, d.Txn}, func(txn *eventlog.TxnWrite) (id.EventID, error) {
		if err := r.checkMessage(ctx, p, d); err != nil {
			return "", err
		}
		return r.sendOne(ctx, d.Room, draft{Draft: event.Draft{Sender: p.User, Type: d.Type, Content: d.Content, TS: d.TS, Sticky: d.Sticky}, txn: txn}, d.Delayed.sidelines()...)
	})
}

func (r *Rooms) sendOne(ctx context.Context, room id.RoomID, d draft, then ...sideline) (id.EventID, error) {
	e, err := r.addOne(ctx, room, d, then...)
	if err != nil {
		return "", err
	}
	return e.ID, nil
}

// checkMessage refuses what the rules of authorisation allow, but nobody wants.
func (r *Rooms) checkMessage(ctx context.Context, p matrix.Principal, d Draft) error {
	if d.Type == "m.room.create" || d.Type == "m.room.member" {
		return matrix.Errorf(matrix.BadJSON, "An event of type %s is a state event.", d.Type)
	}
	rel := gjson.GetBytes(d.Content, `m\.relates_to`)
	parent := id.EventID(rel.Get("event_id").Str)
	switch rel.Get("rel_type").Str {
	case "m.annotation":
		return r.checkAnnotation(ctx, p, d.Type, parent, rel.Get("key").Str)
	case "m.thread":
		return r.checkThread(ctx, parent)
	}
	return nil
}

// checkAnnotation refuses to annotate an event with the same thing again.
//
// Spec: client-server-api#avoiding-duplicate-annotations
func (r *Rooms) checkAnnotation(ctx context.Context, p matrix.Principal, typ string, parent id.EventID, key string) error {
	dup, err := r.annotated(ctx, p.User, typ, parent, key)
	if err == nil && dup {
		err = matrix.Errorf(matrix.DuplicateAnnotation, "You have annotated the event with this already.")
	}
	return err
}

// checkThread refuses a thread whose root relates to another event itself.
//
// Spec: client-server-api#validation-of-mthread-relationships
func (r *Rooms) checkThread(ctx context.Context, root id.EventID) error {
	e, err := r.Event(ctx, root)
	if matrix.IsCode(err, matrix.NotFound) {
		return nil // it may come to us later
	}
	if err == nil && e.RelType != "" {
		err = matrix.Errorf(matrix.Unknown, "A thread cannot begin at an event that relates to another one.")
	}
	return err
}

// sendState adds a state event, unless the state is just that already.
func (r *Rooms) sendState(ctx context.Context, p matrix.Principal, d Draft) (id.EventID, error) {
	if _, err := r.known(ctx, d.Room); err != nil {
		return "", err
	}
	content, err := event.AppendCanonical(nil, d.Content, false)
	if err != nil || len(content) == 0 || content[0] != '{' {
		return "", matrix.Errorf(matrix.BadJSON, "The content of an event is a JSON object.")
	}
	if d.Type == "m.room.member" { // who lets somebody in, the server says
		if content, err = sjson.DeleteBytes(content, authorisedVia); err != nil {
			return "", err
		}
	}
	if err := r.checkState(ctx, p, d); err != nil {
		return "", err
	}
	if invited := invites(d); invited != "" && !r.IsLocal(invited) {
		e, err := r.inviteSigned(ctx, MemberChange{Room: d.Room, User: invited}, memberDraft(p.User, invited, content))
		if err != nil {
			return "", err
		}
		return e.ID, nil
	}
	var same *Event
	evs, err := r.add(ctx, d.Room, func(v *view, i int) (*draft, error) {
		old := v.Event(d.Type, *d.StateKey)
		if i > 0 {
			return nil, nil
		}
		if old != nil && d.Sticky == 0 && old.Sender == p.User && string(old.pdu.Content) == string(content) && v.membership(string(p.User)) == "join" {
			same = old
			return nil, nil
		}
		if err := checkReplaced(old, d.Type, content); err != nil {
			return nil, err
		}
		if err := v.checkListed(d.Type, content); err != nil {
			return nil, err
		}
		return &draft{Draft: event.Draft{Sender: p.User, Type: d.Type, StateKey: d.StateKey, Content: content, TS: d.TS, Sticky: d.Sticky}}, nil
	}, d.Delayed.sidelines()...)
	if err != nil {
		return "", err
	}
	if len(evs) == 0 {
		return same.ID, nil
	}
	return evs[0].ID, nil
}

// checkReplaced refuses changes of state that would harm those who rely on it.
func checkReplaced(old *Event, typ string, content []byte) error {
	if typ != "m.room.encryption" || old == nil {
		return nil
	}
	if was := old.Content().Get("algorithm").Str; was != "" && gjson.GetBytes(content, "algorithm").Str != was {
		return matrix.Errorf(matrix.Forbidden, "Encryption cannot be turned off or changed once it is on.")
	}
	return nil
}

// checkState refuses state whose content is wrong in ways that the rules of
// authorisation do not look at.
func (r *Rooms) checkState(ctx context.Context, p matrix.Principal, d Draft) error {
	switch {
	case d.Type == "m.room.create":
		return matrix.Errorf(matrix.BadJSON, "A room is created only once.")
	case d.Type == "m.room.canonical_alias" && *d.StateKey == "":
		return r.checkCanonicalAlias(ctx, d)
	case d.Type == "m.room.member":
		return r.checkMemberState(ctx, p, d)
	}
	return nil
}

// checkMemberState refuses invitations that cannot reach whom they are for.
func (r *Rooms) checkMemberState(ctx context.Context, p matrix.Principal, d Draft) error {
	user := invites(d)
	if user == "" {
		return nil
	}
	if err := r.reachable(ctx, p.User, user, d.Room); err != nil {
		return err
	}
	r.tellInvited(ctx, user)
	return nil
}

// invites returns whom d invites, "" for another event.
func invites(d Draft) id.UserID {
	if d.Type != "m.room.member" || d.StateKey == nil || gjson.GetBytes(d.Content, "membership").Str != "invite" {
		return ""
	}
	return id.UserID(*d.StateKey)
}

// once runs send unless the same device did the same before. A request
// without a transaction id runs always.
func (r *Rooms) once(ctx context.Context, p matrix.Principal, txn string, parts []string, send func(*eventlog.TxnWrite) (id.EventID, error)) (id.EventID, error) {
	if txn == "" {
		return send(nil)
	}
	if len(txn) > 255 {
		return "", matrix.Errorf(matrix.InvalidParam, "A transaction id has at most 255 bytes.")
	}
	h := hashTxn(parts...)
	return r.txns.once(ctx, p, h, func() (id.EventID, error) {
		return send(&eventlog.TxnWrite{Device: p.Device, Hash: h[:], Txn: txn, TS: r.opt.Now().UnixMilli()})
	})
}
