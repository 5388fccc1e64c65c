package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Unread is what a user had not read in a room at a position.
type Unread struct {
	Room id.RoomID
	Upto matrix.Position
	Hits json.RawMessage
}

// UnreadOf returns what was noted of user.
func UnreadOf(ctx context.Context, tx *storage.Tx, user id.UserID) ([]Unread, error) {
	return storage.Select[Unread](ctx, tx, `SELECT room_id, upto, hits FROM unread WHERE user_id = $1`, user)
}

const putUnread = `INSERT INTO unread (user_id, room_id, upto, hits) VALUES ($1, $2, $3, $4)
	ON CONFLICT (user_id, room_id) DO UPDATE SET upto = excluded.upto, hits = excluded.hits`

// PutUnread notes what user has not read.
func PutUnread(ctx context.Context, tx *storage.Tx, user id.UserID, u Unread) error {
	return tx.Exec(ctx, putUnread, user, u.Room, u.Upto, []byte(u.Hits))
}

// DeleteUnread removes what was noted of user.
func DeleteUnread(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM unread WHERE user_id = $1`, user)
}
