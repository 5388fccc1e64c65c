package outbox

import (
	"context"
	"encoding/json"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Mail is a message from device to device that waits for a server.
type Mail struct {
	Pos  matrix.Position
	JSON json.RawMessage // content of the EDU
}

// AddMail stores a message and returns its position.
func AddMail(ctx context.Context, tx *storage.Tx, server string, content json.RawMessage) (matrix.Position, error) {
	pos := tx.Position()
	return pos, tx.Exec(ctx, `INSERT INTO outbox_mail (pos, server, json) VALUES ($1, $2, $3)`, pos, server, []byte(content))
}

// MailAfter returns up to limit messages for a server after a position, in order.
func MailAfter(ctx context.Context, tx *storage.Tx, server string, after matrix.Position, limit int) ([]Mail, error) {
	return storage.Select[Mail](ctx, tx, `SELECT pos, json FROM outbox_mail WHERE server = $1 AND pos > $2 ORDER BY pos LIMIT $3`, server, after, limit)
}

// DeleteMail removes the messages for a server up to a position.
func DeleteMail(ctx context.Context, tx *storage.Tx, server string, upto matrix.Position) error {
	return tx.Exec(ctx, `DELETE FROM outbox_mail WHERE server = $1 AND pos <= $2`, server, upto)
}

// DropOldMail removes the oldest messages for a server beyond the newest keep.
func DropOldMail(ctx context.Context, tx *storage.Tx, server string, keep int) error {
	return tx.Exec(ctx, `DELETE FROM outbox_mail WHERE server = $1 AND pos <=
		(SELECT pos FROM outbox_mail WHERE server = $1 ORDER BY pos DESC LIMIT 1 OFFSET $2)`, server, keep)
}

// Waiting is how many messages wait for a server.
type Waiting struct {
	Server string
	Count  int64
	Last   matrix.Position
}

// AllMail returns how many messages wait for which servers.
func AllMail(ctx context.Context, tx *storage.Tx) ([]Waiting, error) {
	return storage.Select[Waiting](ctx, tx, `SELECT server, count(*), max(pos) FROM outbox_mail GROUP BY server`)
}
