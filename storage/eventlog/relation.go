package eventlog

import (
	"context"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// RelationRow says that the event at Child relates to Parent.
type RelationRow struct {
	RawParent []byte
	Type      string
	Child     matrix.Position
	ChildType string
	Sender    id.UserID
	TS        int64 // origin_server_ts of the child
	RawID     []byte
}

// Parent returns the id of the event that is related to, in a room of version.
func (r RelationRow) Parent(version string) id.EventID { return decodeID(r.RawParent, version) }

// ID returns the id of the child, in a room of version.
func (r RelationRow) ID(version string) id.EventID { return decodeID(r.RawID, version) }

const relationColumns = `SELECT c.parent, c.rel_type, c.child, t.text, s.text, c.ts, e.event_id FROM relation c
	JOIN name t ON t.nid = c.type JOIN name s ON s.nid = c.sender JOIN event e ON e.pos = c.child `

// Children returns the relations to parents, oldest child first.
func (l *Log) Children(ctx context.Context, tx *storage.Tx, parents []id.EventID) ([]RelationRow, error) {
	return storage.Select[RelationRow](ctx, tx, relationColumns+`WHERE c.parent {in $1} ORDER BY c.child`, storage.List(encodeIDs(parents)))
}

// Bundled returns the relations to parents that servers sum up for clients
// (edits, threads, references), oldest child first.
func (l *Log) Bundled(ctx context.Context, tx *storage.Tx, room int64, parents []id.EventID) ([]RelationRow, error) {
	return storage.Select[RelationRow](ctx, tx, relationColumns+`WHERE c.parent {in $1} AND c.room = $2
		AND c.rel_type IN ('m.replace', 'm.thread', 'm.reference') ORDER BY c.child`, storage.List(encodeIDs(parents)), room)
}

// RelationQuery asks for a page of the children of one event.
type RelationQuery struct {
	Room        int64
	Parent      id.EventID
	Type        string // of the relation; "": any
	ChildType   string // of the event; "": any
	After, Upto matrix.Position
	Backwards   bool
	Limit       int
}

// ChildrenPage returns the positions of children with After < position <= Upto
// in the order that is asked for.
func (l *Log) ChildrenPage(ctx context.Context, tx *storage.Tx, q RelationQuery) ([]matrix.Position, error) {
	sql := `SELECT child FROM relation WHERE parent = $1 AND room = $2 AND child > $3 AND child <= $4 `
	args := []any{encodeID(q.Parent), q.Room, q.After, q.Upto, q.Limit}
	if q.Type != "" {
		args = append(args, q.Type)
		sql += `AND rel_type = $6 `
	}
	if q.ChildType != "" {
		typ, ok, err := l.names.find(ctx, tx, q.ChildType)
		if err != nil || !ok {
			return nil, err
		}
		args = append(args, typ)
		sql += `AND type = $` + strconv.Itoa(len(args)) + ` `
	}
	if q.Backwards {
		sql += `ORDER BY child DESC LIMIT $5`
	} else {
		sql += `ORDER BY child LIMIT $5`
	}
	return storage.Select[matrix.Position](ctx, tx, sql, args...)
}

// ThreadRow is a thread of a room: its root and its newest reply.
type ThreadRow struct {
	RawRoot []byte
	Latest  matrix.Position
}

// Root returns the id of the thread's root in a room of version.
func (t ThreadRow) Root(version string) id.EventID { return decodeID(t.RawRoot, version) }

// newestReplies finds replies without a newer one, from the newest on, so that
// it reads no more of a room's threads than a page needs.
const newestReplies = `SELECT c.parent, c.child FROM relation c WHERE c.room = $1 AND c.rel_type = 'm.thread' AND c.child < $2
	AND NOT EXISTS (SELECT 1 FROM relation n WHERE n.parent = c.parent AND n.rel_type = 'm.thread' AND n.child > c.child AND n.child <= $3) `

// ThreadQuery asks for threads of a room.
type ThreadQuery struct {
	Room   int64
	Before matrix.Position // whose newest reply is before this position
	Upto   matrix.Position // replies behind it do not count
	With   id.UserID       // who began them or replied; "": anybody
	Limit  int
}

// Threads returns threads of a room, the one with the newest reply first.
func (l *Log) Threads(ctx context.Context, tx *storage.Tx, q ThreadQuery) ([]ThreadRow, error) {
	if q.With == "" {
		return storage.Select[ThreadRow](ctx, tx, newestReplies+`ORDER BY c.child DESC LIMIT $4`, q.Room, q.Before, q.Upto, q.Limit)
	}
	nid, ok, err := l.names.find(ctx, tx, string(q.With))
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[ThreadRow](ctx, tx, newestReplies+`
		AND (EXISTS (SELECT 1 FROM relation m WHERE m.parent = c.parent AND m.rel_type = 'm.thread' AND m.sender = $5)
		OR EXISTS (SELECT 1 FROM event e WHERE e.event_id = c.parent AND e.sender = $5))
		ORDER BY c.child DESC LIMIT $4`, q.Room, q.Before, q.Upto, q.Limit, nid)
}
