package dump

import (
	"context"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Read reads everything in db as it is at one moment, while others go on
// writing. It calls begin once, and then row with the number of a table in the
// schema and a row of it, one table after the other. The row is good until
// the function returns.
//
// Both may take their time, but should not take long: see storage.DB.Snapshot.
func Read(ctx context.Context, db *storage.DB, begin func(Schema) error, row func(table int, row []byte) error) (err error) {
	defer matrix.Wrap(&err, "read the database")
	return db.Snapshot(ctx, func(ctx context.Context, tx *storage.Tx) error {
		schema, err := readSchema(ctx, tx, db.Engine())
		if err != nil {
			return err
		}
		if err := begin(schema); err != nil {
			return err
		}
		for i, t := range schema.Tables {
			if err := readTable(ctx, tx, t, func(b []byte) error { return row(i, b) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// readTable calls row for each row of t.
func readTable(ctx context.Context, tx *storage.Tx, t Table, row func([]byte) error) (err error) {
	defer matrix.Wrap(&err, "table %s", t.Name)
	return readRows(ctx, tx, t, row, t.query())
}

func readRows(ctx context.Context, tx *storage.Tx, t Table, row func([]byte) error, query string, args ...any) error {
	var buf []byte
	return storage.EachRow(ctx, tx, func(r storage.Row) error {
		var err error
		if buf, err = appendRow(buf[:0], t.Columns, r); err != nil {
			return err
		}
		return row(buf)
	}, query, args...)
}
