// Package storagetest gives tests a real database on every engine. There is no
// fake: SQLite in a temporary folder is the fake.
//
// PostgreSQL is the server that PLENUM_TEST_POSTGRES names (a postgres:// URL
// of a role that may create databases), or else a private one, which starts
// with the first test that needs it, serves all packages of one "go test" and
// stops when that ends. Where neither is to be had, tests on PostgreSQL are
// skipped, but fail when CI is true. With -short they are left out.
package storagetest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"plenum/storage"
)

// Engines are the engines that Each runs on.
var Engines = [...]storage.Engine{storage.SQLite, storage.Postgres}

// errNone means that there is no PostgreSQL on this machine.
var errNone = errors.New("no PostgreSQL: set PLENUM_TEST_POSTGRES or install Debian's postgresql")

// Each runs fn as a parallel subtest per engine, each with a database of its
// own that holds the whole schema.
func Each(t *testing.T, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	for _, e := range Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, Open(t, e))
		})
	}
}

// Open opens a fresh database on e, which is closed at the end of the test.
func Open(t testing.TB, e storage.Engine) *storage.DB {
	t.Helper()
	return Reopen(t, Config(t, e))
}

// Reopen opens the database of cfg, which is closed at the end of the test.
func Reopen(t testing.TB, cfg storage.Config) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// Config names a fresh database on e, for tests that open it themselves. It
// is deleted at the end of the test.
func Config(t testing.TB, e storage.Engine) storage.Config {
	t.Helper()
	return made(t, e, (*server).create)
}

// Empty is Config for a database in which not even the schema is. Config
// takes a copy of one, which is faster.
func Empty(t testing.TB, e storage.Engine) storage.Config {
	t.Helper()
	return made(t, e, (*server).createEmpty)
}

// made names a database which on PostgreSQL create makes.
func made(t testing.TB, e storage.Engine, create func(*server, context.Context) (string, error)) storage.Config {
	t.Helper()
	if e == storage.SQLite {
		return storage.Config{DSN: filepath.Join(t.TempDir(), "test.db")}
	}
	if testing.Short() {
		t.Skip("PostgreSQL is left out with -short")
	}
	c, err := cluster()
	if errors.Is(err, errNone) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := create(c, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return storage.Config{DSN: c.dsn(name), MaxConns: 4}
}
