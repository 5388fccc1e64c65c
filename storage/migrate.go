package storage

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"plenum/internal/matrix"
	"plenum/storage/migrations"
)

const (
	migrationTable = "CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)"
	migrationsDone = "SELECT number, name FROM migration ORDER BY number"
	migrationAdd   = "INSERT INTO migration (number, name) VALUES ($1, $2)"
	clockOpen      = "UPDATE clock SET epoch = epoch + 1"
	clockRead      = "SELECT pos, epoch FROM clock"
)

// migration is one numbered file, cut to an engine.
type migration struct {
	Number int64
	Name   string
	script string `sql:"-"`
}

// clockRow is the row of the clock.
type clockRow struct {
	Pos   matrix.Position
	Epoch int64
}

// prepare brings the schema up to date and opens the clock. It returns the
// last position issued.
func (db *DB) prepare(ctx context.Context) (matrix.Position, error) {
	all, err := readMigrations(db.engine, migrations.Files())
	if err != nil {
		return 0, err
	}
	var done []migration
	err = db.direct(ctx, func(tx *Tx) (err error) {
		if err := tx.Exec(ctx, migrationTable); err != nil {
			return err
		}
		if done, err = Select[migration](ctx, tx, migrationsDone); err != nil || len(done) == 0 {
			return err
		}
		return refuseUnfinished(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("storage: migrations: %w", err)
	}
	for _, d := range done {
		if !slices.ContainsFunc(all, func(m migration) bool { return m.Number == d.Number }) {
			return 0, fmt.Errorf("storage: the database has migration %04d_%s, which this version does not know: it was written by a newer one", d.Number, d.Name)
		}
	}
	for _, m := range missing(all, done) {
		if err := db.direct(ctx, func(tx *Tx) error { return m.apply(ctx, tx) }); err != nil {
			return 0, err
		}
	}
	var row clockRow
	err = db.direct(ctx, func(tx *Tx) (err error) {
		if err := tx.Exec(ctx, clockOpen); err != nil {
			return err
		}
		row, _, err = One[clockRow](ctx, tx, clockRead)
		return err
	})
	db.sess.opened(row.Epoch)
	return row.Pos, err
}

// missing returns those of all that are not done.
func missing(all, done []migration) []migration {
	return slices.DeleteFunc(slices.Clone(all), func(m migration) bool {
		return slices.ContainsFunc(done, func(d migration) bool { return m.Number == d.Number })
	})
}

// apply runs a migration, and notes that it is done.
func (m migration) apply(ctx context.Context, tx *Tx) error {
	err := tx.db.sess.script(ctx, m.script)
	if err == nil {
		err = tx.Exec(ctx, migrationAdd, m.Number, m.Name)
	}
	if err != nil {
		return fmt.Errorf("storage: migration %04d_%s: %w", m.Number, m.Name, err)
	}
	return nil
}

// direct runs fn on the writer's session before there is a writer.
func (db *DB) direct(ctx context.Context, fn func(*Tx) error) error {
	if err := db.sess.begin(); err != nil {
		return err
	}
	tx := &Tx{db: db, s: db.sess, write: true}
	err := fn(tx)
	if err == nil {
		err = tx.err
	}
	if err != nil {
		db.sess.rollback(context.WithoutCancel(ctx))
		return err
	}
	return db.sess.commit(ctx, 0)
}

// readMigrations returns the migrations of dir in order.
func readMigrations(e Engine, dir fs.FS) ([]migration, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("storage: migrations: %w", err)
	}
	var all []migration
	for _, file := range names {
		number, name, ok := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || len(number) != 4 || name == "" {
			return nil, fmt.Errorf("storage: migration %s is not named NNNN_subject.sql", file)
		}
		raw, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, fmt.Errorf("storage: migrations: %w", err)
		}
		cut, err := cutToEngine(e, string(raw))
		if err != nil {
			return nil, fmt.Errorf("storage: migration %s: %w", file, err)
		}
		st, err := rewrite(e, cut, 0)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", file, err)
		}
		if i := len(all) - 1; i >= 0 && all[i].Number == n {
			return nil, fmt.Errorf("storage: migrations %s and %04d_%s have the same number", file, n, all[i].Name)
		}
		all = append(all, migration{n, name, st.text})
	}
	return all, nil
}

// cutToEngine leaves out the lines of a migration that are for another engine.
func cutToEngine(e Engine, sql string) (string, error) {
	var out strings.Builder
	keep := true
	lines := bufio.NewScanner(strings.NewReader(sql))
	for lines.Scan() {
		line := lines.Text()
		switch mark := strings.TrimSpace(line); {
		case mark == "-- all":
			keep = true
		case strings.HasPrefix(mark, "-- only:"):
			name := strings.TrimSpace(strings.TrimPrefix(mark, "-- only:"))
			if name != SQLite.String() && name != Postgres.String() {
				return "", fmt.Errorf("unknown engine %q", name)
			}
			keep = name == e.String()
		case keep:
			out.WriteString(line)
			out.WriteByte('\n')
		}
	}
	return out.String(), lines.Err()
}
