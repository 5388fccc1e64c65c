package outbox

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// The logs that are followed.
const (
	Events = "events"
	Lists  = "lists"
)

// Cursors returns up to where each log has been followed.
func Cursors(ctx context.Context, tx *storage.Tx) (map[string]matrix.Position, error) {
	type row struct {
		Name string
		Pos  matrix.Position
	}
	rows, err := storage.Select[row](ctx, tx, `SELECT name, pos FROM outbox_cursor`)
	out := map[string]matrix.Position{}
	for _, r := range rows {
		out[r.Name] = r.Pos
	}
	return out, err
}

// SetCursor notes up to where a log has been followed.
func SetCursor(ctx context.Context, tx *storage.Tx, name string, pos matrix.Position) error {
	return tx.Exec(ctx, `INSERT INTO outbox_cursor (name, pos) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET pos = excluded.pos`, name, pos)
}

// AllEvents calls fn with the events that wait for each server, in order.
func AllEvents(ctx context.Context, tx *storage.Tx, fn func(server string, refs []Ref) error) error {
	type row struct {
		Server  string
		Waiting []byte
	}
	return storage.Each(ctx, tx, func(r row) error {
		refs, err := readRefs(r.Waiting)
		if err != nil {
			return err
		}
		return fn(r.Server, refs)
	}, `SELECT server, waiting FROM outbox_event`)
}

// SetEvents stores the events that wait for a server; none removes the row.
func SetEvents(ctx context.Context, tx *storage.Tx, server string, refs []Ref) error {
	if len(refs) == 0 {
		return tx.Exec(ctx, `DELETE FROM outbox_event WHERE server = $1`, server)
	}
	return tx.Exec(ctx, `INSERT INTO outbox_event (server, waiting) VALUES ($1, $2)
		ON CONFLICT (server) DO UPDATE SET waiting = excluded.waiting`, server, appendRefs(nil, refs))
}

// RoomRow is the newest event of a room that waits for a server.
type RoomRow struct {
	Server string
	Room   id.RoomID
	Event  matrix.Position
}

// AllRooms calls fn for every RoomRow.
func AllRooms(ctx context.Context, tx *storage.Tx, fn func(RoomRow) error) error {
	return storage.Each(ctx, tx, fn, `SELECT server, room_id, event FROM outbox_room`)
}

// SetRoom stores a row, or removes it when its event is 0.
func SetRoom(ctx context.Context, tx *storage.Tx, r RoomRow) error {
	if r.Event == 0 {
		return tx.Exec(ctx, `DELETE FROM outbox_room WHERE server = $1 AND room_id = $2`, r.Server, r.Room)
	}
	return tx.Exec(ctx, `INSERT INTO outbox_room (server, room_id, event) VALUES ($1, $2, $3)
		ON CONFLICT (server, room_id) DO UPDATE SET event = excluded.event`, r.Server, r.Room, r.Event)
}

// ListRow says after what the device list of a user has to be told to a server.
type ListRow struct {
	Server string
	User   id.UserID
	Since  matrix.Position // 0: all of it
}

// AllLists calls fn for every ListRow.
func AllLists(ctx context.Context, tx *storage.Tx, fn func(ListRow) error) error {
	return storage.Each(ctx, tx, fn, `SELECT server, user_id, since FROM outbox_list`)
}

// SetList stores a row.
func SetList(ctx context.Context, tx *storage.Tx, r ListRow) error {
	return tx.Exec(ctx, `INSERT INTO outbox_list (server, user_id, since) VALUES ($1, $2, $3)
		ON CONFLICT (server, user_id) DO UPDATE SET since = excluded.since`, r.Server, r.User, r.Since)
}

// DeleteList removes a row.
func DeleteList(ctx context.Context, tx *storage.Tx, server string, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM outbox_list WHERE server = $1 AND user_id = $2`, server, user)
}
