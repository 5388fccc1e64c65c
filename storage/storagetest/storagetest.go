// Package storagetest gives tests a real database on every engine. There is no
// fake: SQLite in a temporary folder is the fake.
package storagetest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"plenum/storage"
)

// Each runs fn as a parallel subtest per engine, each with a database of its
// own that holds the whole schema.
func Each(t *testing.T, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	for _, e := range []storage.Engine{storage.SQLite} {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, Open(t, e))
		})
	}
}

// Open opens a fresh database on e, which is closed at the end of the test.
func Open(t testing.TB, e storage.Engine) *storage.DB {
	t.Helper()
	cfg := storage.Config{DSN: filepath.Join(t.TempDir(), "test.db")}
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
