package rooms

import (
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage/eventlog"
)

// StateKey names one entry of a room's state.
type StateKey struct{ Type, Key string }

// Event is an event of the log. It is immutable and shared between readers.
type Event struct {
	Pos        matrix.Position // place in the log, and the event's number everywhere inside
	ID         id.EventID
	Room       id.RoomID
	Type       string
	StateKey   *string // nil for a message event
	Sender     id.UserID
	TS         int64 // ms since 1970, as the sender's server claims
	Depth      int64
	Redacts    id.EventID      // of m.room.redaction
	RedactedBy matrix.Position // 0 when it is not redacted
	Replaces   matrix.Position // the state event that stood there before; 0: none
	RelType    string          // of m.relates_to; "" without one
	RelatesTo  id.EventID
	PDU        []byte // canonical JSON as federated; the redacted form once redacted
	Client     []byte // client form without unsigned
	SoftFailed bool
	Rejected   bool
	Outlier    bool // known, but its place in the room is not
	Relay      bool // accepted on behalf of another server's user: this server passes it on
	Handed     bool // of a user of this server, and another server passes it on

	pdu *event.PDU
}

// newEvent makes an Event of p, which is not in the log yet.
func newEvent(p *event.PDU, room id.RoomID) *Event {
	e := &Event{
		ID: p.ID, Room: room, Type: p.Type, StateKey: p.StateKey, Sender: p.Sender,
		TS: p.TS, Depth: p.Depth, Redacts: p.Redacts, PDU: p.JSON, pdu: p,
	}
	if rel := gjson.GetBytes(p.Content, `m\.relates_to`); rel.IsObject() {
		e.RelType = rel.Get("rel_type").Str
		e.RelatesTo = id.EventID(rel.Get("event_id").Str)
	}
	e.Client = event.AppendClient(make([]byte, 0, len(p.JSON)), p)
	return e
}

// fromRecord makes an Event of a stored one.
func fromRecord(rules *event.Rules, room id.RoomID, r eventlog.Record) (*Event, error) {
	p, err := event.ParseTrusted(rules, r.JSON, r.ID)
	if err != nil {
		return nil, err
	}
	e := newEvent(p, room)
	e.Pos, e.RedactedBy, e.Replaces = r.Pos, r.RedactedBy, r.Replaces
	e.SoftFailed, e.Rejected = r.Hidden&eventlog.SoftFailed != 0, r.Hidden&eventlog.Rejected != 0
	e.Outlier = r.Hidden&eventlog.Outlier != 0
	e.Relay, e.Handed = r.Relay == eventlog.Passed, r.Relay == eventlog.Handed
	return e, nil
}

// Hidden reports whether e is not part of the room's timeline.
func (e *Event) Hidden() bool { return e.SoftFailed || e.Rejected || e.Outlier }

// Content returns the event's content.
func (e *Event) Content() gjson.Result { return gjson.ParseBytes(e.pdu.Content) }

// IsState reports whether e is a state event.
func (e *Event) IsState() bool { return e.StateKey != nil }

// Is reports whether e is the state event of typ and key.
func (e *Event) Is(typ, key string) bool {
	return e.StateKey != nil && e.Type == typ && *e.StateKey == key
}

// Membership returns the membership that e gives, or "" for another event.
func (e *Event) Membership() string {
	if e.Type != "m.room.member" || e.StateKey == nil {
		return ""
	}
	return gjson.GetBytes(e.pdu.Content, "membership").Str
}
