package eventlog

import (
	"context"

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
}

// Parent returns the id of the event that is related to, in a room of version.
func (r RelationRow) Parent(version string) id.EventID { return decodeID(r.RawParent, version) }

// Children returns the relations to parents, oldest child first.
func (l *Log) Children(ctx context.Context, tx *storage.Tx, parents []id.EventID) ([]RelationRow, error) {
	raw := make([][]byte, len(parents))
	for i, p := range parents {
		raw[i] = encodeID(p)
	}
	return storage.Select[RelationRow](ctx, tx, `SELECT c.parent, c.rel_type, c.child, t.text, s.text FROM relation c
		JOIN name t ON t.nid = c.type JOIN name s ON s.nid = c.sender WHERE c.parent {in $1} ORDER BY c.child`, storage.List(raw))
}

// ThreadRow is a thread of a room: its root and its newest reply.
type ThreadRow struct {
	RawRoot []byte
	Latest  matrix.Position
}

// Root returns the id of the thread's root in a room of version.
func (t ThreadRow) Root(version string) id.EventID { return decodeID(t.RawRoot, version) }

// Threads returns up to limit threads of room whose newest reply is before
// position before, the one with the newest reply first.
func (l *Log) Threads(ctx context.Context, tx *storage.Tx, room int64, before matrix.Position, limit int) ([]ThreadRow, error) {
	return storage.Select[ThreadRow](ctx, tx, `SELECT parent, max(child) FROM relation WHERE room = $1 AND rel_type = 'm.thread'
		GROUP BY parent HAVING max(child) < $2 ORDER BY 2 DESC LIMIT $3`, room, before, limit)
}
