package storage_test

import (
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		var pos matrix.Position
		err := db.Write(ctx, func(tx *storage.Tx) error {
			if err := tx.Exec(ctx, `CREATE TABLE thing (pos BIGINT PRIMARY KEY, name TEXT NOT NULL, raw `+`{bytes}`+`, flag SMALLINT NOT NULL)`); err != nil {
				return err
			}
			pos = tx.Position()
			return tx.Exec(ctx, `INSERT INTO thing VALUES ($1, $2, $3, $4)`, pos, id.UserID("@a:b"), []byte{1, 2, 0}, true)
		})
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			Pos  matrix.Position
			Name id.UserID
			Raw  []byte
			Flag bool
		}
		err = db.Read(ctx, func(tx *storage.Tx) error {
			rows, err := storage.Select[row](ctx, tx, `SELECT pos, name, raw, flag FROM thing WHERE name {in $1} AND raw {in $2} AND pos {in $3}`,
				storage.List([]id.UserID{"x", "@a:b"}), storage.List([][]byte{{1, 2, 0}}), storage.List([]matrix.Position{pos}))
			if err != nil {
				return err
			}
			if len(rows) != 1 || rows[0].Name != "@a:b" || !rows[0].Flag || rows[0].Pos != pos || string(rows[0].Raw) != "\x01\x02\x00" {
				t.Errorf("got %+v", rows)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if db.Committed() != pos || pos != 1 {
			t.Errorf("committed %d, position %d", db.Committed(), pos)
		}
	})
}
