// Package appservices is all SQL about application services: how far each has
// been told what happened, and the rooms that they list for foreign networks.
package appservices

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Progress is how far a service has been told.
type Progress struct {
	Pos  matrix.Position // everything up to here is in transactions that were made
	Txn  int64           // number of the last of them
	Body []byte          // of that one, as long as it has not arrived
}

// Load returns the progress of a service, and false when there is none yet.
func Load(ctx context.Context, tx *storage.Tx, service string) (Progress, bool, error) {
	return storage.One[Progress](ctx, tx, `SELECT pos, txn, body FROM appservice WHERE id = $1`, service)
}

const saveProgress = `INSERT INTO appservice (id, pos, txn, body) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id) DO UPDATE SET pos = excluded.pos, txn = excluded.txn, body = excluded.body`

// Save stores the progress of a service.
func Save(ctx context.Context, tx *storage.Tx, service string, p Progress) error {
	return tx.Exec(ctx, saveProgress, service, p.Pos, p.Txn, p.Body)
}

// KeepOnly forgets the progress of all services but those named.
func KeepOnly(ctx context.Context, tx *storage.Tx, services []string) error {
	return tx.Exec(ctx, `DELETE FROM appservice WHERE NOT (id {in $1})`, storage.List(services))
}

// ListRoom lists a room in the directory of a network, or takes it out.
func ListRoom(ctx context.Context, tx *storage.Tx, network string, room id.RoomID, listed bool) error {
	if !listed {
		return tx.Exec(ctx, `DELETE FROM appservice_room WHERE network = $1 AND room_id = $2`, network, room)
	}
	return tx.Exec(ctx, `INSERT INTO appservice_room (network, room_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, network, room)
}

// RoomsOf returns the rooms in the directory of a network; of all networks
// when it is empty.
func RoomsOf(ctx context.Context, tx *storage.Tx, network string) ([]id.RoomID, error) {
	return storage.Select[id.RoomID](ctx, tx, `SELECT DISTINCT room_id FROM appservice_room WHERE network = $1 OR $1 = '' ORDER BY room_id`, network)
}
