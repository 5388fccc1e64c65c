package eventlog

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// RoomRow is a room as it is stored.
type RoomRow struct {
	NID     int64
	ID      id.RoomID
	Version string
	Heads   json.RawMessage // JSON list of event ids; nil: the newest event is the only head
	Public  bool
	Created int64           // ms
	Since   matrix.Position // from here on its state is known; 0: from the beginning
}

const roomColumns = `SELECT nid, room_id, version, heads, public, created, since FROM room `

// Room returns a room by its id.
func (l *Log) Room(ctx context.Context, tx *storage.Tx, room id.RoomID) (RoomRow, bool, error) {
	return storage.One[RoomRow](ctx, tx, roomColumns+`WHERE room_id = $1`, room)
}

// RoomByNID returns a room by its number.
func (l *Log) RoomByNID(ctx context.Context, tx *storage.Tx, nid int64) (RoomRow, bool, error) {
	return storage.One[RoomRow](ctx, tx, roomColumns+`WHERE nid = $1`, nid)
}

// AddRoom makes a room and returns its number. A room that exists already is storage.ErrConflict.
func (l *Log) AddRoom(ctx context.Context, tx *storage.Tx, room id.RoomID, version string, created int64) (int64, error) {
	nid := int64(tx.Position())
	return nid, tx.Exec(ctx, `INSERT INTO room (nid, room_id, version, created) VALUES ($1, $2, $3, $4)`, nid, room, version, created)
}

// SetHeads writes the room's forward extremities; nil means that the newest event is the only one.
func (l *Log) SetHeads(ctx context.Context, tx *storage.Tx, room int64, heads json.RawMessage) error {
	return tx.Exec(ctx, `UPDATE room SET heads = $1 WHERE nid = $2`, heads, room)
}

// SetSince says from which position on the state of room is known.
func (l *Log) SetSince(ctx context.Context, tx *storage.Tx, room int64, since matrix.Position) error {
	return tx.Exec(ctx, `UPDATE room SET since = $1 WHERE nid = $2`, since, room)
}

// SetPublic lists room in the public directory, or takes it out.
func (l *Log) SetPublic(ctx context.Context, tx *storage.Tx, room int64, public bool) error {
	return tx.Exec(ctx, `UPDATE room SET public = $1 WHERE nid = $2`, public, room)
}

// PublicRooms returns the rooms listed in the public directory.
func (l *Log) PublicRooms(ctx context.Context, tx *storage.Tx) ([]RoomRow, error) {
	return storage.Select[RoomRow](ctx, tx, roomColumns+`WHERE public = 1 ORDER BY nid`)
}

// AliasRow is a room alias of this server.
type AliasRow struct {
	Alias   id.RoomAlias
	Room    id.RoomID
	Creator id.UserID
}

const aliasColumns = `SELECT a.alias, r.room_id, n.text FROM alias a JOIN room r ON r.nid = a.room JOIN name n ON n.nid = a.creator `

// Alias returns what alias points to.
func (l *Log) Alias(ctx context.Context, tx *storage.Tx, alias id.RoomAlias) (AliasRow, bool, error) {
	return storage.One[AliasRow](ctx, tx, aliasColumns+`WHERE a.alias = $1`, alias)
}

// Aliases returns the aliases of room, in order of their names.
func (l *Log) Aliases(ctx context.Context, tx *storage.Tx, room int64) ([]AliasRow, error) {
	return storage.Select[AliasRow](ctx, tx, aliasColumns+`WHERE a.room = $1 ORDER BY a.alias`, room)
}

// AddAlias points alias to room. An alias that is taken is storage.ErrConflict.
func (l *Log) AddAlias(ctx context.Context, tx *storage.Tx, alias id.RoomAlias, room int64, creator id.UserID) error {
	nid, err := l.names.intern(ctx, tx, string(creator))
	if err != nil {
		return err
	}
	return tx.Exec(ctx, `INSERT INTO alias (alias, room, creator) VALUES ($1, $2, $3)`, alias, room, nid)
}

// MoveAliases points every alias of room from to room to.
func (l *Log) MoveAliases(ctx context.Context, tx *storage.Tx, from, to int64) error {
	return tx.Exec(ctx, `UPDATE alias SET room = $1 WHERE room = $2`, to, from)
}

// DeleteAlias removes alias.
func (l *Log) DeleteAlias(ctx context.Context, tx *storage.Tx, alias id.RoomAlias) error {
	return tx.Exec(ctx, `DELETE FROM alias WHERE alias = $1`, alias)
}

// TxnWrite records that a client's transaction id made an entry.
type TxnWrite struct {
	Device id.DeviceID
	Hash   []byte // of the endpoint and the transaction id
	Txn    string
	TS     int64 // ms
}

func (l *Log) writeTxn(ctx context.Context, tx *storage.Tx, t *TxnWrite, user int64, pos matrix.Position) error {
	return tx.Exec(ctx, `INSERT INTO txn (user_nid, device, hash, txn, event, ts) VALUES ($1, $2, $3, $4, $5, $6)`,
		user, t.Device, t.Hash, t.Txn, pos, t.TS)
}

// TxnRow is a transaction id that was used.
type TxnRow struct {
	Hash  []byte
	Txn   string
	Event matrix.Position
	ID    []byte
	Vers  string
}

// EventID returns the id of the event that the transaction made.
func (t TxnRow) EventID() id.EventID { return decodeID(t.ID, t.Vers) }

// Txns returns the transaction ids that device used lately.
func (l *Log) Txns(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) ([]TxnRow, error) {
	nid, ok, err := l.names.find(ctx, tx, string(user))
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[TxnRow](ctx, tx, `SELECT t.hash, t.txn, t.event, e.event_id, r.version FROM txn t
		JOIN event e ON e.pos = t.event JOIN room r ON r.nid = e.room
		WHERE t.user_nid = $1 AND t.device = $2 ORDER BY t.event`, nid, device)
}

// PruneTxns forgets the transaction ids used before ts (milliseconds).
func (l *Log) PruneTxns(ctx context.Context, tx *storage.Tx, ts int64) error {
	return tx.Exec(ctx, `DELETE FROM txn WHERE ts < $1`, ts)
}

// TraitRow is a state event that says what kind of room a room is.
type TraitRow struct {
	Room id.RoomID
	Type string
	JSON []byte
}

// Traits returns the state events under types, with an empty state key, of
// rooms, in no order.
func (l *Log) Traits(ctx context.Context, tx *storage.Tx, rooms []id.RoomID, types []string) ([]TraitRow, error) {
	nids, err := l.names.findAll(ctx, tx, types)
	if err != nil {
		return nil, err
	}
	return storage.Select[TraitRow](ctx, tx, `SELECT r.room_id, t.text, e.json FROM room r
		JOIN state s ON s.room = r.nid JOIN name t ON t.nid = s.type JOIN name k ON k.nid = s.state_key JOIN event e ON e.pos = s.event
		WHERE r.room_id {in $1} AND s.type {in $2} AND k.text = ''`, storage.List(rooms), storage.List(nids))
}

// PastTraits returns every event that was the state under typ, with an empty
// state key, of rooms, in no order.
func (l *Log) PastTraits(ctx context.Context, tx *storage.Tx, rooms []id.RoomID, typ string) ([]TraitRow, error) {
	t, ok, err := l.names.find(ctx, tx, typ)
	if err != nil || !ok {
		return nil, err
	}
	k, ok, err := l.names.find(ctx, tx, "")
	if err != nil || !ok {
		return nil, err
	}
	return storage.Select[TraitRow](ctx, tx, `SELECT r.room_id, t.text, e.json FROM room r
		JOIN state_change c ON c.room = r.nid JOIN event e ON e.pos = c.event JOIN name t ON t.nid = c.type
		WHERE r.room_id {in $1} AND c.type = $2 AND c.state_key = $3`, storage.List(rooms), t, k)
}

// LastRow says where a room's timeline ends.
type LastRow struct {
	Room id.RoomID
	Last matrix.Position
}

// Lasts returns the position of the newest timeline event of each of rooms
// that has one, in no order.
func (l *Log) Lasts(ctx context.Context, tx *storage.Tx, rooms []id.RoomID) ([]LastRow, error) {
	return storage.Select[LastRow](ctx, tx, `SELECT room_id, pos FROM (SELECT r.room_id,
		(SELECT e.pos FROM event e WHERE e.room = r.nid AND e.hidden = 0 ORDER BY e.pos DESC LIMIT 1) AS pos
		FROM room r WHERE r.room_id {in $1}) AS lasts WHERE pos IS NOT NULL`, storage.List(rooms))
}
