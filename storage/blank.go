package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"plenum/internal/matrix"
	"plenum/storage/migrations"
)

var (
	// ErrNotEmpty is returned by OpenBlank for a database with anything in it.
	ErrNotEmpty = errors.New("storage: the database is not empty")
	// ErrUnfinished is returned by Open for a database that a Blank has begun
	// to fill, and not finished.
	ErrUnfinished = errors.New("storage: the database is only half filled")
	// ErrNewer is returned when a database or a backup was written by a newer
	// version of the program.
	ErrNewer = errors.New("storage: a newer version has written this")
)

// MetaUnfinished is the name of the fact that a database is half filled. Its
// value is the list of the tables that a Blank has made.
const MetaUnfinished = "unfinished"

// Migration names a step of the schema.
type Migration struct {
	Number int64
	Name   string
}

// Migrations lists the steps that the schema of a database has behind it.
func Migrations(ctx context.Context, tx *Tx) ([]Migration, error) {
	return Select[Migration](ctx, tx, migrationsDone)
}

// KnowsAll returns ErrNewer if there are migrations that this program does not
// know.
func KnowsAll(done []Migration) error {
	all, err := readMigrations(SQLite, migrations.Files())
	if err != nil {
		return err
	}
	for _, d := range done {
		if _, err := find(all, d); err != nil {
			return err
		}
	}
	return nil
}

// find returns the migration of all that d names.
func find(all []migration, d Migration) (migration, error) {
	i := slices.IndexFunc(all, func(m migration) bool { return m.Number == d.Number && m.Name == d.Name })
	if i < 0 {
		return migration{}, fmt.Errorf("%w: this one does not know the migration %04d_%s", ErrNewer, d.Number, d.Name)
	}
	return all[i], nil
}

// Clock returns the last position that was issued.
func Clock(ctx context.Context, tx *Tx) (matrix.Position, error) {
	row, _, err := One[clockRow](ctx, tx, clockRead)
	return row.Pos, err
}

// SetClock sets the last position that was issued. It is for a Blank: while a
// database is open, its writer keeps the clock.
func SetClock(ctx context.Context, tx *Tx, pos matrix.Position) error {
	return tx.Exec(ctx, sqlSetClock, pos)
}

// Blank is a database that is being filled with what another one held. Until
// that is finished, Open refuses it.
type Blank struct{ db *DB }

// OpenBlank makes the tables of a database that has none yet, as they were
// after certain migrations. What an earlier Blank has left unfinished is
// deleted first. The errors are ErrNotEmpty, ErrInUse, and ErrNewer when there
// are migrations that this program does not know.
func OpenBlank(ctx context.Context, cfg Config, done []Migration) (*Blank, error) {
	db, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	left, err := db.leftover(ctx)
	if err != nil {
		return nil, errors.Join(err, db.backend.close())
	}
	if left != nil {
		if err := db.backend.discard(ctx, left); err != nil {
			return nil, err
		}
		if db, err = connect(ctx, cfg); err != nil {
			return nil, err
		}
	}
	b := &Blank{db}
	if err := b.Write(ctx, func(tx *Tx) error { return tx.create(ctx, done) }); err != nil {
		return nil, errors.Join(err, db.backend.discard(context.WithoutCancel(ctx), nil))
	}
	return b, nil
}

// leftover returns the tables that an unfinished Blank has made. It fails when
// there are others.
func (db *DB) leftover(ctx context.Context) (left []string, err error) {
	err = db.direct(ctx, func(tx *Tx) error {
		tables, err := Catalogue(ctx, tx)
		if err != nil || len(tables) == 0 {
			return err
		}
		if !slices.ContainsFunc(tables, func(t Table) bool { return t.Name == "meta" }) {
			return ErrNotEmpty
		}
		list, found, err := Meta(ctx, tx, MetaUnfinished)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotEmpty
		}
		return json.Unmarshal([]byte(list), &left)
	})
	return left, err
}

// create makes the tables without any rows, but for the mark that they are to
// be filled.
func (tx *Tx) create(ctx context.Context, done []Migration) error {
	all, err := readMigrations(tx.db.engine, migrations.Files())
	if err != nil {
		return err
	}
	if err := tx.Exec(ctx, migrationTable); err != nil {
		return err
	}
	for _, d := range done {
		m, err := find(all, d)
		if err == nil {
			err = m.apply(ctx, tx)
		}
		if err != nil {
			return err
		}
	}
	tables, err := Catalogue(ctx, tx)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
		if t.Name == "migration" {
			continue
		}
		if err := tx.Exec(ctx, "DELETE FROM "+Quote(t.Name)); err != nil { // rows that a migration has put there
			return err
		}
	}
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return SetMeta(ctx, tx, MetaUnfinished, string(list))
}

// refuseUnfinished is how Open notices what a Blank has left.
func refuseUnfinished(ctx context.Context, tx *Tx) error {
	_, found, err := Meta(ctx, tx, MetaUnfinished)
	if err == nil && found {
		return ErrUnfinished
	}
	return err
}

// Engine tells which engine the database runs on.
func (b *Blank) Engine() Engine { return b.db.engine }

// Write runs fn in a transaction. There is no clock: fn must not ask for
// positions, nor use what is done on commit.
func (b *Blank) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.db.direct(ctx, func(tx *Tx) error {
		if s, ok := tx.s.(*pgSession); ok {
			if err := s.patient(); err != nil {
				return err
			}
		}
		return fn(tx)
	})
}

// Finish brings the schema up to date, runs fn, and makes the database one
// that Open takes, all at once. Then it closes the database.
func (b *Blank) Finish(ctx context.Context, fn func(*Tx) error) error {
	all, err := readMigrations(b.db.engine, migrations.Files())
	if err != nil {
		return err
	}
	err = b.Write(ctx, func(tx *Tx) error {
		done, err := Select[migration](ctx, tx, migrationsDone)
		if err != nil {
			return err
		}
		for _, m := range missing(all, done) {
			if err := m.apply(ctx, tx); err != nil {
				return err
			}
		}
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Exec(ctx, "DELETE FROM meta WHERE key = $1", MetaUnfinished)
	})
	if err != nil {
		return err
	}
	return b.db.backend.close()
}

// CheckIntegrity reads all of the database and returns an error if its file is
// damaged. On PostgreSQL it does nothing: that checks what it reads by itself.
func CheckIntegrity(ctx context.Context, tx *Tx) error {
	if tx.db.engine != SQLite {
		return nil
	}
	found, err := Select[string](ctx, tx, "SELECT integrity_check FROM pragma_integrity_check LIMIT 10")
	if err == nil && !slices.Equal(found, []string{"ok"}) {
		err = fmt.Errorf("storage: the database file is damaged: %s", strings.Join(found, "; "))
	}
	return err
}

// Drop closes the database half filled, as it is when the process ends.
func (b *Blank) Drop() error { return b.db.backend.close() }

// Abandon deletes everything that there is of the database, and closes it.
func (b *Blank) Abandon(ctx context.Context) error {
	left, err := b.db.leftover(ctx)
	if err != nil {
		return errors.Join(err, b.db.backend.close())
	}
	return b.db.backend.discard(ctx, left)
}

// discard deletes the files of the database and the lock file, while it still
// has the lock.
func (e *sqliteEngine) discard(context.Context, []string) error {
	errs := []error{e.writer.close()}
	for _, tail := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Remove(e.path + tail); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, e.lock.Close())...)
}

// discard deletes tables.
func (e *pgEngine) discard(ctx context.Context, tables []string) error {
	var sql strings.Builder
	for _, t := range tables {
		sql.WriteString("DROP TABLE IF EXISTS " + Quote(t) + "; ")
	}
	err := e.writer.begin()
	if err == nil {
		if err = e.writer.script(ctx, sql.String()); err == nil {
			err = e.writer.commit(ctx, 0)
		} else {
			e.writer.rollback(ctx)
		}
	}
	return errors.Join(err, e.close())
}
