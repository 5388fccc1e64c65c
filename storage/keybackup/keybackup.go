// Package keybackup is all SQL about backups of room keys.
package keybackup

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Version is one backup of a user.
type Version struct {
	Version   matrix.Position
	Algorithm string
	AuthData  json.RawMessage
	ETag      int64 // changes with every change of the keys
	Count     int64 // keys in the backup
}

const versionColumns = `SELECT version, algorithm, auth_data, etag, count FROM key_backup WHERE user_id = $1 `

// Latest returns the newest backup of user, false when there is none.
func Latest(ctx context.Context, tx *storage.Tx, user id.UserID) (Version, bool, error) {
	return storage.One[Version](ctx, tx, versionColumns+`ORDER BY version DESC LIMIT 1`, user)
}

// Get returns a backup of user, false when there is none with that version.
func Get(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position) (Version, bool, error) {
	return storage.One[Version](ctx, tx, versionColumns+`AND version = $2`, user, version)
}

// Create makes an empty backup and returns its version.
func Create(ctx context.Context, tx *storage.Tx, user id.UserID, algorithm string, authData json.RawMessage) (matrix.Position, error) {
	version := tx.Position()
	return version, tx.Exec(ctx, `INSERT INTO key_backup (user_id, version, algorithm, auth_data, etag, count) VALUES ($1, $2, $3, $4, 0, 0)`,
		user, version, algorithm, []byte(authData))
}

// SetAuthData replaces what a backup says of its own key.
func SetAuthData(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, authData json.RawMessage) error {
	return tx.Exec(ctx, `UPDATE key_backup SET auth_data = $3 WHERE user_id = $1 AND version = $2`, user, version, []byte(authData))
}

// SetState writes etag and count of a backup.
func SetState(ctx context.Context, tx *storage.Tx, user id.UserID, v Version) error {
	return tx.Exec(ctx, `UPDATE key_backup SET etag = $3, count = $4 WHERE user_id = $1 AND version = $2`, user, v.Version, v.ETag, v.Count)
}

// Delete removes a backup with its keys.
func Delete(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position) error {
	if err := tx.Exec(ctx, `DELETE FROM key_backup_session WHERE user_id = $1 AND version = $2`, user, version); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM key_backup WHERE user_id = $1 AND version = $2`, user, version)
}

// DeleteUser removes all backups of user.
func DeleteUser(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	if err := tx.Exec(ctx, `DELETE FROM key_backup_session WHERE user_id = $1`, user); err != nil {
		return err
	}
	return tx.Exec(ctx, `DELETE FROM key_backup WHERE user_id = $1`, user)
}

// Session is the key of one session of a room.
type Session struct {
	Room       id.RoomID
	ID         id.SessionID
	FirstIndex int64
	Forwarded  int64
	Verified   bool
	Data       json.RawMessage
}

const (
	sessionColumns = `SELECT room_id, session_id, first_index, forwarded, verified, data FROM key_backup_session WHERE user_id = $1 AND version = $2 `
	putSession     = `INSERT INTO key_backup_session (user_id, version, room_id, session_id, first_index, forwarded, verified, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET
		first_index = excluded.first_index, forwarded = excluded.forwarded, verified = excluded.verified, data = excluded.data`
)

// Put stores a key, in place of what is there.
func Put(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, s Session) error {
	return tx.Exec(ctx, putSession, user, version, s.Room, s.ID, s.FirstIndex, s.Forwarded, s.Verified, []byte(s.Data))
}

// Sessions returns the keys of a backup: of one room, or of all when room is
// empty; of one session, or of all when session is empty.
func Sessions(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, room id.RoomID, session id.SessionID) ([]Session, error) {
	switch {
	case room == "":
		return storage.Select[Session](ctx, tx, sessionColumns+`ORDER BY room_id, session_id`, user, version)
	case session == "":
		return storage.Select[Session](ctx, tx, sessionColumns+`AND room_id = $3 ORDER BY session_id`, user, version, room)
	}
	return storage.Select[Session](ctx, tx, sessionColumns+`AND room_id = $3 AND session_id = $4`, user, version, room, session)
}

// Known returns what is stored of the sessions with ids, in any room.
func Known(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, ids []id.SessionID) ([]Session, error) {
	return storage.Select[Session](ctx, tx, sessionColumns+`AND session_id {in $3}`, user, version, storage.List(ids))
}

// DeleteSessions removes keys, chosen as for Sessions, and returns how many.
func DeleteSessions(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, room id.RoomID, session id.SessionID) (int64, error) {
	const sql = `DELETE FROM key_backup_session WHERE user_id = $1 AND version = $2 `
	var gone []string
	var err error
	switch {
	case room == "":
		gone, err = storage.Select[string](ctx, tx, sql+`RETURNING session_id`, user, version)
	case session == "":
		gone, err = storage.Select[string](ctx, tx, sql+`AND room_id = $3 RETURNING session_id`, user, version, room)
	default:
		gone, err = storage.Select[string](ctx, tx, sql+`AND room_id = $3 AND session_id = $4 RETURNING session_id`, user, version, room, session)
	}
	return int64(len(gone)), err
}
