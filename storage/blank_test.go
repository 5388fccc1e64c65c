package storage_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// eachConfig runs fn for a database on each engine that nobody has opened yet.
func eachConfig(t *testing.T, fn func(t *testing.T, cfg storage.Config)) {
	t.Helper()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, storagetest.Empty(t, e))
		})
	}
}

// known returns the catalogue and the migrations of a database as this
// program makes it.
func known(t *testing.T, e storage.Engine) (tables []storage.Table, done []storage.Migration) {
	t.Helper()
	db := storagetest.Open(t, e)
	err := db.Read(t.Context(), func(tx *storage.Tx) (err error) {
		if tables, err = storage.Catalogue(t.Context(), tx); err == nil {
			done, err = storage.Migrations(t.Context(), tx)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tables, done
}

func openBlank(t *testing.T, cfg storage.Config, done []storage.Migration) *storage.Blank {
	t.Helper()
	b, err := storage.OpenBlank(t.Context(), cfg, done)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reopen(t *testing.T, cfg storage.Config) error {
	t.Helper()
	db, err := storage.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		err = db.Close()
	}
	return err
}

func TestCatalogueIsThatOfBothEngines(t *testing.T) {
	t.Parallel()
	sqlite, _ := known(t, storage.SQLite)
	postgres, _ := known(t, storage.Postgres)
	if len(sqlite) < 20 || !reflect.DeepEqual(sqlite, postgres) {
		t.Errorf("%d tables on SQLite, %d on PostgreSQL:\n%v\n%v", len(sqlite), len(postgres), sqlite, postgres)
	}
}

func TestBlankIsFilledAndFinished(t *testing.T) {
	t.Parallel()
	eachConfig(t, func(t *testing.T, cfg storage.Config) {
		ctx := t.Context()
		_, done := known(t, storage.SQLite)
		b := openBlank(t, cfg, done[:3]) // of an older version
		err := b.Write(ctx, func(tx *storage.Tx) error {
			return errors.Join(
				tx.Exec(ctx, `INSERT INTO clock (pos, epoch) VALUES (10, 3)`),
				storage.SetMeta(ctx, tx, "server_name", "one.example"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := storage.Peek(ctx, cfg); err != nil || !p.Unfinished || p.Empty {
			t.Errorf("half filled: %+v, %v", p, err)
		}
		if err := b.Finish(ctx, func(tx *storage.Tx) error { return storage.SetClock(ctx, tx, 1000) }); err != nil {
			t.Fatal(err)
		}
		db := storagetest.Reopen(t, cfg)
		if pos := db.Committed(); pos != 1000 {
			t.Errorf("the clock says %d", pos)
		}
		var pos matrix.Position
		err = db.Write(ctx, func(tx *storage.Tx) error { pos = tx.Position(); return nil })
		if err != nil || pos <= 1000 {
			t.Errorf("next position %d, %v", pos, err)
		}
		if names := query[string](t, db, `SELECT value FROM meta ORDER BY value`); len(names) != 1 || names[0] != "one.example" {
			t.Errorf("facts %q", names)
		}
		if n := query[int](t, db, `SELECT COUNT(*) FROM migration`); n[0] != len(done) {
			t.Errorf("%d migrations, want %d", n, len(done))
		}
	})
}

func TestUnfinishedIsNotOpenedAndBegunAnew(t *testing.T) {
	t.Parallel()
	eachConfig(t, func(t *testing.T, cfg storage.Config) {
		ctx := t.Context()
		_, done := known(t, storage.SQLite)
		b := openBlank(t, cfg, done)
		fill := func(b *storage.Blank) error {
			return b.Write(ctx, func(tx *storage.Tx) error {
				return tx.Exec(ctx, `INSERT INTO clock (pos, epoch) VALUES (1, 1)`)
			})
		}
		if err := fill(b); err != nil {
			t.Fatal(err)
		}
		if _, err := storage.OpenBlank(ctx, cfg, done); !errors.Is(err, storage.ErrInUse) {
			t.Errorf("a second one: %v", err)
		}
		if err := b.Drop(); err != nil { // as a process that is killed does
			t.Fatal(err)
		}
		if err := reopen(t, cfg); !errors.Is(err, storage.ErrUnfinished) {
			t.Errorf("opened half filled: %v", err)
		}
		b = openBlank(t, cfg, done)
		if err := errors.Join(fill(b), b.Finish(ctx, func(tx *storage.Tx) error { return nil })); err != nil {
			t.Fatal(err)
		}
		db := storagetest.Reopen(t, cfg)
		if n := query[int](t, db, `SELECT COUNT(*) FROM clock`); n[0] != 1 {
			t.Errorf("%d clocks: something of the first attempt is left", n[0])
		}
	})
}

func TestAbandonLeavesNothing(t *testing.T) {
	t.Parallel()
	eachConfig(t, func(t *testing.T, cfg storage.Config) {
		_, done := known(t, storage.SQLite)
		b := openBlank(t, cfg, done)
		if err := b.Finish(t.Context(), func(*storage.Tx) error { return errOwn }); !errors.Is(err, errOwn) {
			t.Errorf("finish: %v", err)
		}
		if err := b.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, err := storage.Peek(t.Context(), cfg); err != nil || !p.Empty {
			t.Errorf("left: %+v, %v", p, err)
		}
		if left, _ := filepath.Glob(cfg.DSN + "*"); len(left) > 0 {
			t.Errorf("files left: %v", left)
		}
		if err := reopen(t, cfg); err != nil {
			t.Errorf("a database of its own: %v", err)
		}
	})
}

func TestBlankRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	eachConfig(t, func(t *testing.T, cfg storage.Config) {
		_, done := known(t, storage.SQLite)
		newer := append(done[:len(done):len(done)], storage.Migration{Number: 9999, Name: "from_the_future"})
		if _, err := storage.OpenBlank(t.Context(), cfg, newer); !errors.Is(err, storage.ErrNewer) {
			t.Errorf("of a newer version: %v", err)
		}
		if p, err := storage.Peek(t.Context(), cfg); err != nil || !p.Empty {
			t.Errorf("left by that: %+v, %v", p, err)
		}
		if err := reopen(t, cfg); err != nil {
			t.Fatal(err)
		}
		if _, err := storage.OpenBlank(t.Context(), cfg, done); !errors.Is(err, storage.ErrNotEmpty) {
			t.Errorf("over a database: %v", err)
		}
		if err := reopen(t, cfg); err != nil {
			t.Errorf("the database is hurt: %v", err)
		}
	})
}

func TestBlankLeavesForeignTablesAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.db")
	db := storagetest.Reopen(t, storage.Config{DSN: path})
	err := db.Write(t.Context(), func(tx *storage.Tx) error {
		for _, table := range []string{"meta", "event"} {
			if err := tx.Exec(context.Background(), `ALTER TABLE `+table+` RENAME TO other_`+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.OpenBlank(t.Context(), storage.Config{DSN: path}, nil); !errors.Is(err, storage.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
