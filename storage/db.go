// Package storage is the one way to the database: transactions as functions,
// grouped commits, positions in commit order, wake-ups that ride in the
// transaction, and rows scanned into structs. One SQL text serves SQLite and
// PostgreSQL.
//
// SQL is written for both engines with numbered parameters ($1, $2, …) and a
// few tokens for what differs:
//
//	column {in $1}   membership in storage.List(items)
//	{lock}           FOR UPDATE, which SQLite does not need
//	{bytes}          the type of byte strings
//	{key}            the type of a number that is the primary key
//
// Types are BIGINT and SMALLINT for numbers, for times in milliseconds and for
// booleans (0 and 1), TEXT for strings, {bytes} for byte strings and JSON.
// Pass a string to TEXT and a byte slice to {bytes}: SQLite keeps the two
// apart by value. A nil pointer or byte slice is NULL. TEXT compares and sorts
// by its bytes on both engines. Text that is not UTF-8 or holds a NUL is
// refused with M_INVALID_PARAM.
//
// PostgreSQL works out the type of a parameter from what it is compared with
// or stored in; where that is nothing, write CAST($1 AS TEXT). It takes any
// database with the encoding UTF8, whatever its collation: columns of type
// TEXT get their own. One process at a time has the schema that is first in
// the search path; its connections must not be shared out by a pooler.
package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"plenum/internal/matrix"
	"plenum/internal/wake"
)

// Config says which database to open.
type Config struct {
	// DSN is a "postgres://…" URL, or the path of an SQLite file.
	DSN string
	// MaxConns bounds the connections that read; 0 means 4 on SQLite and 8 on
	// PostgreSQL. There is always one connection more, which writes.
	MaxConns int
	// Synchronous is FULL, the default, or NORMAL, with which the last writes
	// before a power failure may be lost after they were acknowledged.
	Synchronous string
}

// engine is what differs between SQLite and PostgreSQL above a session.
type engine interface {
	// read lends a session for reading, until it is given to done.
	read(ctx context.Context) (session, error)
	done(s session)
	// alone opens a session for reading that nobody else uses, and returns
	// the function that closes it.
	alone(ctx context.Context) (session, func() error, error)
	// resolve finds out whether a commit that ended in doubt, and was to
	// write clock, happened after all. It waits for that until ctx ends.
	resolve(ctx context.Context, clock matrix.Position) (bool, error)
	close() error
	// discard deletes tables, or everything there is, and closes like close.
	discard(ctx context.Context, tables []string) error
}

// migrator is the session that writes, while the schema is brought up to date.
type migrator interface {
	session
	script(ctx context.Context, sql string) error
	// opened tells the epoch of the clock, by which the session notices that
	// another process took over while its connection was lost.
	opened(epoch int64)
}

// DB is an open database, which this process alone writes to. It is safe for
// concurrent use.
type DB struct {
	engine  Engine
	dialect *dialect
	plans   plans
	backend engine
	sess    migrator // the writer's
	w       *writer
	closing sync.Once
	closed  error

	snapshots snapshots
}

// Open opens the database, brings its schema up to date and starts the writer.
// It fails with ErrInUse when another process has the database open.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	db, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	clock, err := db.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, db.backend.close())
	}
	db.w = newWriter(db, clock, log)
	go db.w.run()
	return db, nil
}

// connect opens the engine.
func connect(ctx context.Context, cfg Config) (*DB, error) {
	cfg.Synchronous = strings.ToUpper(cfg.Synchronous)
	switch cfg.Synchronous {
	case "", "FULL", "NORMAL":
	default:
		return nil, fmt.Errorf("storage: synchronous is FULL or NORMAL, not %q", cfg.Synchronous)
	}
	db := &DB{engine: engineOf(cfg.DSN)}
	db.dialect = newDialect(db.engine)
	if db.engine == Postgres {
		e, err := openPostgres(ctx, cfg)
		if err != nil {
			return nil, err
		}
		db.backend, db.sess = e, e.writer
		return db, nil
	}
	e, err := openSQLite(ctx, cfg)
	if err != nil {
		return nil, err
	}
	db.backend, db.sess = e, e.writer
	return db, nil
}

// engineOf tells from a data source name which engine it is for.
func engineOf(dsn string) Engine {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return Postgres
	}
	return SQLite
}

// Close ends snapshots, lets queued writes finish, waits for reads and closes
// the database.
// Writes submitted later fail with ErrClosed.
func (db *DB) Close() error {
	db.closing.Do(func() {
		db.snapshots.close()
		db.w.close()
		db.closed = db.backend.close()
	})
	return db.closed
}

// Engine tells which engine the database runs on.
func (db *DB) Engine() Engine { return db.engine }

// Committed returns the highest position whose commit, and whose OnCommit
// functions, are done. A Read that begins afterwards sees everything up to it.
func (db *DB) Committed() matrix.Position {
	return matrix.Position(db.w.committed.Load())
}

// Bus carries the topics given to Tx.Wake.
func (db *DB) Bus() *wake.Bus { return db.w.bus }

// Stats counts what the writer did.
func (db *DB) Stats() Stats { return db.w.stats() }

// Write runs fn in a write transaction which is shared with other concurrent
// writes, and returns after the commit is durable. An error of fn undoes only
// its own writes.
//
// fn must be re-runnable: when another member of its group fails, fn may run
// again, so that it only assigns to captured variables and has no other side
// effects. It runs in the writer's goroutine, where everybody waits for it: it
// must not wait for anything and not call Write or Read.
//
// When ctx ends before fn begins, Write returns the error of ctx and fn never
// runs. Once it has begun, Write waits for the outcome even when ctx has
// ended, so that the answer is always right and captured variables are never
// written behind the caller's back.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := db.w.submit(fn)
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	if c.state.CompareAndSwap(queued, dropped) {
		return ctx.Err()
	}
	<-c.done
	return c.err
}

// Submit queues fn like Write, in call order, without waiting for the commit.
func (db *DB) Submit(fn func(*Tx) error) *Commit {
	return db.w.submit(fn)
}

// Read runs fn in a read transaction, in which all statements see the same
// moment. There are few connections for it: fn must not wait for anything
// else, least of all for another Read or Write. Writing in it is an error.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	s, err := db.backend.read(ctx)
	if err != nil {
		return err
	}
	defer db.backend.done(s)
	if err := s.begin(); err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended { // fn failed, panicked or ended its goroutine
			s.rollback(context.WithoutCancel(ctx))
		}
	}()
	tx := &Tx{db: db, s: s}
	if err := fn(tx); err != nil {
		return err
	}
	if tx.err != nil {
		return tx.err
	}
	ended = true
	return s.commit(ctx, 0)
}
