package storage_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

// errOwn is an error of the function that is given to Write.
var errOwn = errors.New("own error")

// each is storagetest.Each with the table that most tests use.
func each(t *testing.T, fn func(t *testing.T, db *storage.DB)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		makeThings(t, db)
		fn(t, db)
	})
}

func makeThings(t *testing.T, db *storage.DB) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.Exec(ctx, `CREATE TABLE thing (pos BIGINT NOT NULL, name TEXT NOT NULL UNIQUE)`)
	})
}

// add writes a thing, and returns its position.
func add(ctx context.Context, tx *storage.Tx, name string) error {
	return tx.Exec(ctx, `INSERT INTO thing (pos, name) VALUES ($1, $2)`, tx.Position(), name)
}

func adding(ctx context.Context, name string) func(*storage.Tx) error {
	return func(tx *storage.Tx) error { return add(ctx, tx, name) }
}

func write(t *testing.T, db *storage.DB, fn func(context.Context, *storage.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *storage.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// query returns all rows of a query in a read transaction.
func query[T any](t *testing.T, db *storage.DB, sql string, args ...any) (rows []T) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *storage.Tx) (err error) {
		rows, err = storage.Select[T](t.Context(), tx, sql, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// things returns the names of all things in the order of their positions.
func things(t *testing.T, db *storage.DB) []string {
	t.Helper()
	return query[string](t, db, `SELECT name FROM thing ORDER BY pos`)
}

// together submits fns while the writer is held, so that they share a commit,
// and returns their outcomes.
func together(t *testing.T, db *storage.DB, fns ...func(*storage.Tx) error) []error {
	t.Helper()
	running, free := make(chan struct{}), make(chan struct{})
	started := sync.OnceFunc(func() { close(running) })
	commits := []*storage.Commit{db.Submit(func(*storage.Tx) error {
		started()
		<-free
		return nil
	})}
	<-running
	for _, fn := range fns {
		commits = append(commits, db.Submit(fn))
	}
	close(free)
	errs := make([]error, len(commits))
	for i, c := range commits {
		errs[i] = c.Wait(t.Context())
	}
	return errs[1:]
}
