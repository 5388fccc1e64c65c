package storage_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func open(t *testing.T, cfg storage.Config) (*storage.DB, error) {
	t.Helper()
	return storage.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			db := storagetest.Reopen(t, cfg)
			write(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.Exec(ctx, `INSERT INTO migration (number, name) VALUES (9999, 'future')`)
			})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, cfg); err == nil || !strings.Contains(err.Error(), "9999_future") {
				t.Errorf("got %v", err)
			}
			// The lock is free again.
			if _, err := open(t, cfg); err == nil || !strings.Contains(err.Error(), "9999_future") {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestMigrationsRunOnce(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			for range 2 {
				db := storagetest.Reopen(t, cfg)
				write(t, db, func(ctx context.Context, tx *storage.Tx) error { return storage.SetMeta(ctx, tx, "key", "value") })
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			db := storagetest.Reopen(t, cfg)
			if got := query[string](t, db, `SELECT value FROM meta WHERE key = 'key'`); len(got) != 1 || got[0] != "value" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestUnusableAddresses(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://nobody@127.0.0.1:1/none?sslmode=disable", // nobody listens there
		"postgres://nobody@[", "file:memory", ":memory:", "a?b", t.TempDir(),
	} {
		if db, err := open(t, storage.Config{DSN: dsn}); err == nil {
			_ = db.Close()
			t.Errorf("%s was opened", dsn)
		}
	}
	if _, err := open(t, storage.Config{DSN: t.TempDir() + "/a.db", Synchronous: "maybe"}); err == nil {
		t.Error("synchronous = maybe was taken")
	}
}
