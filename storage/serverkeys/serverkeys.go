// Package serverkeys is all SQL about the keys that other servers sign with.
package serverkeys

import (
	"context"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Key is a key of a server.
type Key struct {
	Server     string
	ID         string // such as "ed25519:a1"
	Public     []byte
	ValidUntil int64 // in milliseconds; what is signed later is not valid
}

// Answer is what a server said about its keys, as it has signed it.
type Answer struct {
	Server     string
	Fetched    int64 // in milliseconds
	ValidUntil int64 // by its own word, in milliseconds
	JSON       []byte
}

// Store reads and writes the keys.
type Store struct{ db *storage.DB }

// New returns the keys in db.
func New(db *storage.DB) *Store { return &Store{db} }

// Keys returns what is known of the keys of servers.
func (s *Store) Keys(ctx context.Context, servers []string) (found []Key, err error) {
	defer matrix.Wrap(&err, "keys of servers")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		found, err = storage.Select[Key](ctx, tx, `SELECT server, key_id, public, valid_until FROM server_key WHERE server {in $1}`, storage.List(servers))
		return err
	})
	return found, err
}

// Answers returns the last answers of servers.
func (s *Store) Answers(ctx context.Context, servers []string) (found []Answer, err error) {
	defer matrix.Wrap(&err, "answers about keys of servers")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		found, err = storage.Select[Answer](ctx, tx, `SELECT server, fetched, valid_until, json FROM server_key_answer WHERE server {in $1}`, storage.List(servers))
		return err
	})
	return found, err
}

const (
	// A key that was taken back (an earlier time) stays taken back only when
	// the server says so again: the last word counts.
	putKey = `INSERT INTO server_key (server, key_id, public, valid_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (server, key_id) DO UPDATE SET public = excluded.public, valid_until = excluded.valid_until`
	putAnswer = `INSERT INTO server_key_answer (server, fetched, valid_until, json) VALUES ($1, $2, $3, $4)
		ON CONFLICT (server) DO UPDATE SET fetched = excluded.fetched, valid_until = excluded.valid_until, json = excluded.json`
)

// Put stores an answer and the keys that it names. Keys that it does not name
// any more stay.
func (s *Store) Put(ctx context.Context, a Answer, keys []Key) (err error) {
	defer matrix.Wrap(&err, "store keys of %s", a.Server)
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		for _, k := range keys {
			if err := tx.Exec(ctx, putKey, k.Server, k.ID, k.Public, k.ValidUntil); err != nil {
				return err
			}
		}
		return tx.Exec(ctx, putAnswer, a.Server, a.Fetched, a.ValidUntil, a.JSON)
	})
}
