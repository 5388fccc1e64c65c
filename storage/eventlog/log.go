package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Log is the log of events over one database.
type Log struct {
	names *names
}

// New returns a Log. It holds a cache of names, so there is one per database.
func New() (*Log, error) {
	n, err := newNames()
	if err != nil {
		return nil, err
	}
	return &Log{names: n}, nil
}

// Hidden says why an event is not part of its room's timeline.
type Hidden int16

// Reasons to hide an event; they add up.
const (
	Outlier    Hidden = 1 // known, but its place in the room is not
	SoftFailed Hidden = 2
	Rejected   Hidden = 4
)

// Relay says which server sends an event to the others in the room.
type Relay int16

// By default that is the server of the sender.
const (
	Usual  Relay = 0
	Passed Relay = 1 // this server, which has accepted it on behalf of another one's user
	Handed Relay = 2 // another server, to which this one has handed an event of its own user
)

// Record is an event as it is stored.
type Record struct {
	Pos        matrix.Position
	Room       int64
	ID         id.EventID
	Hidden     Hidden
	RedactedBy matrix.Position // 0 when it is not redacted
	Replaces   matrix.Position // the state event that stood there before; 0: none
	Relay      Relay           // who sends it to other servers
	JSON       []byte          // canonical, as federated
}

// Relation is what an event says of another one in m.relates_to.
type Relation struct {
	Parent id.EventID
	Type   string
}

// Entry is an event to append, with everything derived from it.
type Entry struct {
	Room       int64
	ID         id.EventID
	Type       string
	StateKey   *string
	Sender     id.UserID
	TS         int64 // ms, as the sender's server claims
	JSON       []byte
	Hidden     Hidden
	Relay      Relay           // who sends it to other servers
	At         matrix.Position // a place in the past of the room, below 0; 0: the newest position
	Relation   Relation        // zero: none
	State      *StateWrite
	Membership *MembershipWrite
	Txn        *TxnWrite
}

// StateWrite makes an entry the current state under its type and state key.
type StateWrite struct {
	Prev matrix.Position // the event that stood there; 0: none
}

const insertEvent = `INSERT INTO event (pos, room, event_id, type, sender, hidden, replaces, relay, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// Append adds e to the log and returns its position.
func (l *Log) Append(ctx context.Context, tx *storage.Tx, e *Entry) (_ matrix.Position, err error) {
	defer matrix.Wrap(&err, "append %s", e.ID)
	typ, err := l.names.intern(ctx, tx, e.Type)
	if err != nil {
		return 0, err
	}
	sender, err := l.names.intern(ctx, tx, string(e.Sender))
	if err != nil {
		return 0, err
	}
	pos := e.At
	if pos == 0 {
		pos = tx.Position()
	}
	var replaces *matrix.Position
	if e.State != nil {
		replaces = optional(e.State.Prev)
	}
	if err := tx.Exec(ctx, insertEvent, pos, e.Room, encodeID(e.ID), typ, sender, e.Hidden, replaces, e.Relay, e.JSON); err != nil {
		return 0, err
	}
	if e.State != nil {
		if err := l.writeState(ctx, tx, e, typ, pos); err != nil {
			return 0, err
		}
	}
	if e.Membership != nil {
		if err := l.writeMembership(ctx, tx, e, sender, pos); err != nil {
			return 0, err
		}
	}
	if e.Txn != nil {
		if err := l.writeTxn(ctx, tx, e.Txn, sender, pos); err != nil {
			return 0, err
		}
	}
	if e.Relation.Parent != "" {
		err = tx.Exec(ctx, `INSERT INTO relation (parent, rel_type, child, room, type, sender, ts) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			encodeID(e.Relation.Parent), e.Relation.Type, pos, e.Room, typ, sender, e.TS)
	}
	return pos, err
}

type eventRow struct {
	Pos        matrix.Position
	Room       int64
	ID         []byte
	Hidden     Hidden
	RedactedBy *matrix.Position
	Replaces   *matrix.Position
	Relay      Relay
	JSON       []byte
	Version    string
}

func (r eventRow) record() Record {
	rec := Record{Pos: r.Pos, Room: r.Room, ID: decodeID(r.ID, r.Version), Hidden: r.Hidden, Relay: r.Relay, JSON: r.JSON}
	if r.RedactedBy != nil {
		rec.RedactedBy = *r.RedactedBy
	}
	if r.Replaces != nil {
		rec.Replaces = *r.Replaces
	}
	return rec
}

const eventColumns = `SELECT e.pos, e.room, e.event_id, e.hidden, e.redacted_by, e.replaces, e.relay, e.json, r.version FROM event e JOIN room r ON r.nid = e.room `

func (l *Log) records(ctx context.Context, tx *storage.Tx, sql string, args ...any) ([]Record, error) {
	rows, err := storage.Select[eventRow](ctx, tx, eventColumns+sql, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Record, len(rows))
	for i, r := range rows {
		out[i] = r.record()
	}
	return out, nil
}

// ByPos returns the events at positions, in no order.
func (l *Log) ByPos(ctx context.Context, tx *storage.Tx, positions []matrix.Position) ([]Record, error) {
	return l.records(ctx, tx, `WHERE e.pos {in $1}`, storage.List(positions))
}

// ByID returns the events that are known among ids, in no order.
func (l *Log) ByID(ctx context.Context, tx *storage.Tx, ids []id.EventID) ([]Record, error) {
	return l.records(ctx, tx, `WHERE e.event_id {in $1}`, storage.List(encodeIDs(ids)))
}

// RoomBefore returns up to limit events of room's timeline with after < position <= upto, newest first.
func (l *Log) RoomBefore(ctx context.Context, tx *storage.Tx, room int64, after, upto matrix.Position, limit int) ([]Record, error) {
	return l.records(ctx, tx, `WHERE e.room = $1 AND e.pos > $2 AND e.pos <= $3 AND e.hidden = 0 ORDER BY e.pos DESC LIMIT $4`, room, after, upto, limit)
}

// RoomAfter returns up to limit events of room's timeline with after < position <= upto, oldest first.
func (l *Log) RoomAfter(ctx context.Context, tx *storage.Tx, room int64, after, upto matrix.Position, limit int) ([]Record, error) {
	return l.records(ctx, tx, `WHERE e.room = $1 AND e.pos > $2 AND e.pos <= $3 AND e.hidden = 0 ORDER BY e.pos LIMIT $4`, room, after, upto, limit)
}

// After returns up to limit events of all rooms' timelines with position > after, in log order.
func (l *Log) After(ctx context.Context, tx *storage.Tx, after matrix.Position, limit int) ([]Record, error) {
	return l.records(ctx, tx, `WHERE e.pos > $1 AND e.hidden = 0 ORDER BY e.pos LIMIT $2`, after, limit)
}

// NewestOf returns the position of the newest timeline event of room that has
// one of types, 0 when there is none.
func (l *Log) NewestOf(ctx context.Context, tx *storage.Tx, room int64, types []string) (matrix.Position, error) {
	nids, err := l.names.findAll(ctx, tx, types)
	if err != nil {
		return 0, err
	}
	pos, _, err := storage.One[matrix.Position](ctx, tx, `SELECT pos FROM event
		WHERE room = $1 AND hidden = 0 AND type {in $2} ORDER BY pos DESC LIMIT 1`, room, storage.List(nids))
	return pos, err
}

// OfSender returns the timeline events of room that sender sent, in no order.
func (l *Log) OfSender(ctx context.Context, tx *storage.Tx, room int64, sender id.UserID) (_ []Record, err error) {
	defer matrix.Wrap(&err, "events of a sender")
	nid, ok, err := l.names.find(ctx, tx, string(sender))
	if err != nil || !ok {
		return nil, err
	}
	return l.records(ctx, tx, `WHERE e.room = $1 AND e.sender = $2 AND e.hidden = 0`, room, nid)
}

// Redact replaces the stored bytes of the event at pos by its redacted form
// and forgets its relation; the original is gone.
func (l *Log) Redact(ctx context.Context, tx *storage.Tx, pos, by matrix.Position, json []byte) error {
	if err := tx.Exec(ctx, `UPDATE event SET json = $1, redacted_by = $2 WHERE pos = $3`, json, by, pos); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM relation WHERE child = $1`, pos)
}

// MaxPosition returns the highest position of any event in the log.
func (l *Log) MaxPosition(ctx context.Context, tx *storage.Tx) (matrix.Position, error) {
	pos, _, err := storage.One[*matrix.Position](ctx, tx, `SELECT max(pos) FROM event`)
	if err != nil || pos == nil {
		return 0, err
	}
	return *pos, nil
}
