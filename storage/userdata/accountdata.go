package userdata

import (
	"context"
	"encoding/json"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// AccountDatum is one entry of a user's account data. It is immutable.
type AccountDatum struct {
	Room    id.RoomID // empty: of the account as a whole
	Type    string
	Content json.RawMessage
	Pos     matrix.Position
}

// IsDeleted reports whether the entry only says that there was one.
func (d *AccountDatum) IsDeleted() bool { return string(d.Content) == "{}" }

const accountColumns = `SELECT room_id, type, content, pos FROM account_data `

// AccountData returns all account data of user, oldest change first.
func AccountData(ctx context.Context, tx *storage.Tx, user id.UserID) ([]AccountDatum, error) {
	return storage.Select[AccountDatum](ctx, tx, accountColumns+`WHERE user_id = $1 ORDER BY pos`, user)
}

// Datum returns one entry of user's account data.
func Datum(ctx context.Context, tx *storage.Tx, user id.UserID, room id.RoomID, typ string) (AccountDatum, bool, error) {
	return storage.One[AccountDatum](ctx, tx, accountColumns+`WHERE user_id = $1 AND room_id = $2 AND type = $3`, user, room, typ)
}

// CountAccountData returns how many entries user has.
func CountAccountData(ctx context.Context, tx *storage.Tx, user id.UserID) (int, error) {
	n, _, err := storage.One[int](ctx, tx, `SELECT count(*) FROM account_data WHERE user_id = $1`, user)
	return n, err
}

const putDatum = `INSERT INTO account_data (user_id, room_id, type, content, pos) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, pos = excluded.pos`

// PutDatum writes one entry of user's account data.
func PutDatum(ctx context.Context, tx *storage.Tx, user id.UserID, d *AccountDatum) error {
	return tx.Exec(ctx, putDatum, user, d.Room, d.Type, []byte(d.Content), d.Pos)
}

// DeleteAccountData removes all account data of user.
func DeleteAccountData(ctx context.Context, tx *storage.Tx, user id.UserID) error {
	return tx.Exec(ctx, `DELETE FROM account_data WHERE user_id = $1`, user)
}
