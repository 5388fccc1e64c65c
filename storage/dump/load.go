package dump

import (
	"context"
	"errors"
	"fmt"

	"plenum/internal/matrix"
	"plenum/storage"
)

var (
	// ErrSchema is returned for rows of tables that this program does not make.
	ErrSchema = errors.New("dump: the tables are not those of this version")
	// ErrDiffers is returned when a table did not become what it should be.
	ErrDiffers = errors.New("dump: the rows are not those that were to be stored")
)

// Loader fills an empty database. Whatever it does is undone by Abandon, or by
// the next Loader of the same database, until Finish is through.
type Loader struct {
	blank   *storage.Blank
	schema  Schema
	inserts []string
	args    []any
}

// NewLoader makes the tables of schema in an empty database. Errors are those
// of storage.OpenBlank and ErrSchema.
func NewLoader(ctx context.Context, cfg storage.Config, schema Schema) (_ *Loader, err error) {
	defer matrix.Wrap(&err, "fill a database")
	blank, err := storage.OpenBlank(ctx, cfg, schema.Migrations)
	if err != nil {
		return nil, err
	}
	l := &Loader{blank: blank, schema: schema}
	if err := blank.Write(ctx, func(tx *storage.Tx) error { return l.prepare(ctx, tx) }); err != nil {
		return nil, errors.Join(err, blank.Abandon(context.WithoutCancel(ctx)))
	}
	return l, nil
}

// prepare compares the tables of the schema with those that there are.
func (l *Loader) prepare(ctx context.Context, tx *storage.Tx) error {
	tables, err := readTables(ctx, tx)
	if err != nil {
		return err
	}
	known := make(map[string]Table, len(tables))
	for _, t := range tables {
		known[t.Name] = t
	}
	for _, t := range l.schema.Tables {
		if !t.equal(known[t.Name]) {
			return fmt.Errorf("%w: table %q", ErrSchema, t.Name)
		}
		delete(known, t.Name)
		l.inserts = append(l.inserts, t.insert())
	}
	for name := range known {
		return fmt.Errorf("%w: there is no table %q", ErrSchema, name)
	}
	return nil
}

// Rows adds encoded rows, one behind the other, to a table of the schema. They
// are one transaction.
func (l *Loader) Rows(ctx context.Context, table int, rows []byte) (err error) {
	t := l.schema.Tables[table]
	defer matrix.Wrap(&err, "table %s", t.Name)
	return l.blank.Write(ctx, func(tx *storage.Tx) error {
		for len(rows) > 0 {
			args, n, err := decodeRow(t.Columns, rows, l.args[:0], true)
			if err != nil {
				return err
			}
			if err := tx.Exec(ctx, l.inserts[table], args...); err != nil {
				return err
			}
			l.args, rows = args, rows[n:]
		}
		return nil
	})
}

// Check reads everything back and compares it with what should be there, by
// table of the schema. The error is ErrDiffers, or that of a damaged file.
func (l *Loader) Check(ctx context.Context, want []Digest) (err error) {
	defer matrix.Wrap(&err, "check the database")
	return l.blank.Write(ctx, func(tx *storage.Tx) error {
		for i, t := range l.schema.Tables {
			var have Digest
			query, args := t.query(), []any(nil)
			if t.Name == "meta" {
				query, args = query+" WHERE key <> $1", []any{storage.MetaUnfinished}
			}
			if err := readRows(ctx, tx, t, func(row []byte) error { have.Add(row); return nil }, query, args...); err != nil {
				return err
			}
			if have != want[i] {
				return fmt.Errorf("%w: table %s has %d rows, want %d", ErrDiffers, t.Name, have.Rows, want[i].Rows)
			}
		}
		return storage.CheckIntegrity(ctx, tx)
	})
}

// Finish brings the schema up to date, runs fn, and hands the database over
// to whoever opens it next, all at once.
func (l *Loader) Finish(ctx context.Context, fn func(*storage.Tx) error) (err error) {
	defer matrix.Wrap(&err, "finish the database")
	return l.blank.Finish(ctx, fn)
}

// Abandon deletes everything again.
func (l *Loader) Abandon(ctx context.Context) (err error) {
	defer matrix.Wrap(&err, "delete what was stored")
	return l.blank.Abandon(ctx)
}
