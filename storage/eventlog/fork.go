package eventlog

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Fork is the state before an event that was not simply added to the newest
// state of its room: that of the room after Base, with Changes.
type Fork struct {
	Base    matrix.Position
	Changes []ForkChange
}

// ForkChange is an entry of the state that is not as in the base.
type ForkChange struct {
	Type, Key string
	Event     matrix.Position // 0: nothing stands there
}

// MarshalJSON writes a change as a list.
func (c ForkChange) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]any{c.Type, c.Key, c.Event})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *ForkChange) UnmarshalJSON(raw []byte) error {
	list := [3]any{&c.Type, &c.Key, &c.Event}
	return json.Unmarshal(raw, &list)
}

// AddFork notes the state before the event at pos.
func (l *Log) AddFork(ctx context.Context, tx *storage.Tx, pos matrix.Position, f Fork) error {
	if f.Changes == nil {
		f.Changes = []ForkChange{}
	}
	changes, err := json.Marshal(f.Changes)
	if err != nil {
		return err
	}
	return tx.Exec(ctx, `INSERT INTO fork (pos, base, changes) VALUES ($1, $2, $3)`, pos, f.Base, changes)
}

// Fork returns the state before the event at pos; false when the event was
// simply added to the newest state.
func (l *Log) Fork(ctx context.Context, tx *storage.Tx, pos matrix.Position) (f Fork, ok bool, err error) {
	defer matrix.Wrap(&err, "read fork")
	row, ok, err := storage.One[struct {
		Base    matrix.Position
		Changes []byte
	}](ctx, tx, `SELECT base, changes FROM fork WHERE pos = $1`, pos)
	if err != nil || !ok {
		return f, false, err
	}
	f.Base = row.Base
	return f, true, json.Unmarshal(row.Changes, &f.Changes)
}

// Supersede makes room for an outlier that gets a place in its room's timeline
// after all. The event is to be appended again; the former entry stays for the
// state that refers to it, and is no longer found by its id.
func (l *Log) Supersede(ctx context.Context, tx *storage.Tx, pos matrix.Position, ev id.EventID) error {
	return tx.Exec(ctx, `UPDATE event SET event_id = $1 WHERE pos = $2`, formerID(ev), pos)
}

// Numbers returns by which position the state refers to each of the events
// that are known: the first that an event had.
func (l *Log) Numbers(ctx context.Context, tx *storage.Tx, ids []id.EventID) (_ map[id.EventID]matrix.Position, err error) {
	defer matrix.Wrap(&err, "number events")
	keys := make([][]byte, 0, 2*len(ids))
	for _, ev := range ids {
		keys = append(keys, encodeID(ev), formerID(ev))
	}
	rows, err := storage.Select[struct {
		Pos     matrix.Position
		ID      []byte
		Version string
	}](ctx, tx, `SELECT e.pos, e.event_id, r.version FROM event e JOIN room r ON r.nid = e.room WHERE e.event_id {in $1}`, storage.List(keys))
	if err != nil {
		return nil, err
	}
	out := make(map[id.EventID]matrix.Position, len(rows))
	for _, row := range rows {
		ev := decodeID(row.ID, row.Version)
		if _, known := out[ev]; !known || len(row.ID) == len(formerID(ev)) {
			out[ev] = row.Pos
		}
	}
	return out, nil
}

// AddEarlyRedaction notes that the event at pos redacts one that is not known yet.
func (l *Log) AddEarlyRedaction(ctx context.Context, tx *storage.Tx, room int64, target id.EventID, pos matrix.Position) error {
	return tx.Exec(ctx, `INSERT INTO early_redaction (target, room, redaction) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, encodeID(target), room, pos)
}

// EarlyRedactions returns the redactions of target that were there before it,
// oldest first.
func (l *Log) EarlyRedactions(ctx context.Context, tx *storage.Tx, room int64, target id.EventID) ([]matrix.Position, error) {
	return storage.Select[matrix.Position](ctx, tx, `SELECT redaction FROM early_redaction WHERE target = $1 AND room = $2 ORDER BY redaction`, encodeID(target), room)
}

// Lowest returns the position at or below every event of all rooms, 0 at most.
func (l *Log) Lowest(ctx context.Context, tx *storage.Tx) (matrix.Position, error) {
	pos, _, err := storage.One[*matrix.Position](ctx, tx, `SELECT min(pos) FROM event`)
	if err != nil || pos == nil {
		return 0, err
	}
	return min(0, *pos), nil
}

// AddGap notes that something is missing before the event at pos.
func (l *Log) AddGap(ctx context.Context, tx *storage.Tx, room int64, pos matrix.Position) error {
	return tx.Exec(ctx, `INSERT INTO gap (room, pos) VALUES ($1, $2)`, room, pos)
}

// Gaps returns the events of room before which something is missing, in order.
func (l *Log) Gaps(ctx context.Context, tx *storage.Tx, room int64) ([]matrix.Position, error) {
	return storage.Select[matrix.Position](ctx, tx, `SELECT pos FROM gap WHERE room = $1 ORDER BY pos`, room)
}
