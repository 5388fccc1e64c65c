// Package backoff is all SQL about servers that do not answer.
package backoff

import (
	"context"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Row is a server that does not answer. Times are in milliseconds.
type Row struct {
	Server   string
	Failures int64 // in a row
	Failed   int64 // when the last was
	Until    int64 // when it may be asked again
}

// Store reads and writes what is known of servers that do not answer.
type Store struct{ db *storage.DB }

// New returns what is in db.
func New(db *storage.DB) *Store { return &Store{db} }

// Recent returns up to limit servers, those that failed last first.
func (s *Store) Recent(ctx context.Context, limit int) (rows []Row, err error) {
	defer matrix.Wrap(&err, "servers that do not answer")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		rows, err = storage.Select[Row](ctx, tx, `SELECT server, failures, failed, until FROM server_backoff ORDER BY failed DESC LIMIT $1`, limit)
		return err
	})
	return rows, err
}

const put = `INSERT INTO server_backoff (server, failures, failed, until) VALUES ($1, $2, $3, $4)
	ON CONFLICT (server) DO UPDATE SET failures = excluded.failures, failed = excluded.failed, until = excluded.until`

// Update stores rows, and removes those without failures.
func (s *Store) Update(ctx context.Context, rows []Row) (err error) {
	defer matrix.Wrap(&err, "note servers that do not answer")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, r := range rows {
			if err := store(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func store(ctx context.Context, tx *storage.Tx, r Row) error {
	if r.Failures == 0 {
		return tx.Exec(ctx, `DELETE FROM server_backoff WHERE server = $1`, r.Server)
	}
	return tx.Exec(ctx, put, r.Server, r.Failures, r.Failed, r.Until)
}

// Forget removes servers that failed last before a time.
func (s *Store) Forget(ctx context.Context, before int64) (err error) {
	defer matrix.Wrap(&err, "forget servers that do not answer")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return tx.Exec(ctx, `DELETE FROM server_backoff WHERE failed < $1`, before)
	})
}
