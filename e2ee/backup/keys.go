package backup

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/keybackup"
)

// State says how a backup is after a change.
type State struct {
	ETag  string
	Count int64
}

func stateOf(v Version) State { return State{strconv.FormatInt(v.ETag, 10), v.Count} }

// Put stores keys in the current backup. A key that is there stays where it is
// better: verified, reaching further back, forwarded fewer times.
//
// Spec: client-server-api#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2
func (b *Backups) Put(ctx context.Context, user id.UserID, version matrix.Position, sessions []Session) (state State, err error) {
	ids := make([]id.SessionID, len(sessions))
	for i, s := range sessions {
		ids[i] = s.ID
	}
	err = b.db.Write(ctx, func(tx *storage.Tx) error {
		v, err := current(ctx, tx, user, version)
		if err != nil {
			return err
		}
		known, err := keybackup.Known(ctx, tx, user, version, ids)
		if err != nil {
			return err
		}
		added, changed, err := merge(ctx, tx, user, version, known, sessions)
		if err != nil {
			return err
		}
		if changed {
			v.ETag++
			v.Count += added
			if err := keybackup.SetState(ctx, tx, user, v); err != nil {
				return err
			}
		}
		state = stateOf(v)
		return nil
	})
	return state, err
}

// current returns the backup that is written to, if version is that.
func current(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position) (Version, error) {
	v, err := find(ctx, tx, user, 0)
	if err != nil {
		return v, err
	}
	if v.Version != version {
		now := strconv.FormatInt(int64(v.Version), 10)
		return v, &matrix.Error{
			Code: matrix.WrongRoomKeysVersion, Text: "Keys are stored in the current backup, which is " + now + ".",
			Extra: map[string]any{"current_version": now},
		}
	}
	return v, nil
}

type sessionKey struct {
	room id.RoomID
	id   id.SessionID
}

// merge writes those of sessions that are better than what is known.
func merge(ctx context.Context, tx *storage.Tx, user id.UserID, version matrix.Position, known, sessions []Session) (added int64, changed bool, err error) {
	have := make(map[sessionKey]Session, len(known))
	for _, s := range known {
		have[sessionKey{s.Room, s.ID}] = s
	}
	for _, s := range sessions {
		key := sessionKey{s.Room, s.ID}
		old, ok := have[key]
		if ok && !better(s, old) {
			continue
		}
		if !ok {
			added++
		}
		changed = true
		have[key] = s
		if err := keybackup.Put(ctx, tx, user, version, s); err != nil {
			return 0, false, err
		}
	}
	return added, changed, nil
}

// better reports whether a key replaces an old one of the same session.
func better(s, old Session) bool {
	if s.Verified != old.Verified {
		return s.Verified
	}
	if s.FirstIndex != old.FirstIndex {
		return s.FirstIndex < old.FirstIndex
	}
	return s.Forwarded < old.Forwarded
}

// Sessions returns keys of a backup: of one room, or of all when room is
// empty; of one session, or of all when session is empty.
func (b *Backups) Sessions(ctx context.Context, user id.UserID, version matrix.Position, room id.RoomID, session id.SessionID) (out []Session, err error) {
	err = b.db.Read(ctx, func(tx *storage.Tx) error {
		if _, err := find(ctx, tx, user, version); err != nil {
			return err
		}
		out, err = keybackup.Sessions(ctx, tx, user, version, room, session)
		return err
	})
	return out, err
}

// DeleteSessions removes keys, chosen as for Sessions, from the current backup.
func (b *Backups) DeleteSessions(ctx context.Context, user id.UserID, version matrix.Position, room id.RoomID, session id.SessionID) (state State, err error) {
	err = b.db.Write(ctx, func(tx *storage.Tx) error {
		v, err := find(ctx, tx, user, version)
		if err != nil {
			return err
		}
		gone, err := keybackup.DeleteSessions(ctx, tx, user, version, room, session)
		if err != nil {
			return err
		}
		if gone > 0 {
			v.ETag++
			v.Count -= gone
			if err := keybackup.SetState(ctx, tx, user, v); err != nil {
				return err
			}
		}
		state = stateOf(v)
		return nil
	})
	return state, err
}

// ParseSession reads the key of one session as clients send it.
func ParseSession(room id.RoomID, session id.SessionID, raw json.RawMessage) (Session, error) {
	v := gjson.ParseBytes(raw)
	s := Session{Room: room, ID: session, Data: json.RawMessage(v.Get("session_data").Raw)}
	if room == "" || session == "" || !v.IsObject() || !v.Get("session_data").IsObject() {
		return s, matrix.Errorf(matrix.BadJSON, "The key of a session is an object with session_data, first_message_index, forwarded_count and is_verified.")
	}
	if len(raw) > maxSession || len(room) > 255 || len(session) > 255 {
		return s, matrix.Errorf(matrix.TooLarge, "The key of a session has at most %d bytes.", maxSession)
	}
	for name, dst := range map[string]*int64{"first_message_index": &s.FirstIndex, "forwarded_count": &s.Forwarded} {
		n := v.Get(name)
		if n.Type != gjson.Number || n.Num != float64(n.Int()) || n.Int() < 0 {
			return s, matrix.Errorf(matrix.BadJSON, "%s is a whole number.", name)
		}
		*dst = n.Int()
	}
	if !v.Get("is_verified").IsBool() {
		return s, matrix.Errorf(matrix.BadJSON, "is_verified is true or false.")
	}
	s.Verified = v.Get("is_verified").Bool()
	return s, nil
}
