package storage

import (
	"context"
	"errors"
	"sync"
)

// snapshots counts the snapshots that run, and ends them when the database is
// closed.
type snapshots struct {
	mu      sync.Mutex
	closed  bool
	running map[*context.CancelFunc]struct{}
	group   sync.WaitGroup
}

// add lets a snapshot begin. The context that it returns ends with ctx or with
// the database, and the function has to be called when the snapshot is over.
func (s *snapshots) add(ctx context.Context) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	if s.running == nil {
		s.running = make(map[*context.CancelFunc]struct{})
	}
	s.running[&cancel] = struct{}{}
	s.group.Add(1)
	return ctx, func() {
		cancel()
		s.mu.Lock()
		delete(s.running, &cancel)
		s.mu.Unlock()
		s.group.Done()
	}, nil
}

// close ends all snapshots and waits for them.
func (s *snapshots) close() {
	s.mu.Lock()
	s.closed = true
	for cancel := range s.running {
		(*cancel)()
	}
	s.mu.Unlock()
	s.group.Wait()
}

// Snapshot runs fn in a read transaction on a connection of its own, for what
// may take its time, such as a backup: unlike in Read, fn may wait for others.
// Its context ends also when the database is closed; fn must return then.
//
// While it runs, SQLite keeps whatever is written in its log file, and
// PostgreSQL the old versions of rows: it should not last longer than needed.
func (db *DB) Snapshot(ctx context.Context, fn func(context.Context, *Tx) error) error {
	ctx, done, err := db.snapshots.add(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, free, err := db.backend.alone(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{db: db, s: s, alone: true}
	if err = s.begin(); err == nil {
		err = errors.Join(fn(ctx, tx), tx.err)
		s.rollback(context.WithoutCancel(ctx)) // nothing was written
	}
	return errors.Join(err, free())
}

// alone opens a session for reading that nobody else uses.
func (e *sqliteEngine) alone(ctx context.Context) (session, func() error, error) {
	s, err := e.connect(ctx, sqliteReader, sqlBegin)
	if err != nil {
		return nil, nil, err
	}
	return s, s.close, nil
}

// pgPatient keeps the server from ending a transaction that takes its time.
const pgPatient = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"

// alone opens a session for reading that nobody else uses.
func (e *pgEngine) alone(ctx context.Context) (session, func() error, error) {
	s := &pgSession{engine: e, reader: true}
	if err := s.ensure(ctx); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(s.wire.script(pgPatient), s.patient()); err != nil {
		s.close()
		return nil, nil, err
	}
	return s, func() error { s.close(); return nil }, nil
}

// patient lets the server be silent for as long as it likes, on the connection
// that there is.
func (s *pgSession) patient() error { return s.wire.patient.wait(0) }

// errAbandoned is why the connection of an abandoned session cannot be used.
var errAbandoned = errors.New("given up in the middle of an answer")

// abandon closes the connection. What is left of the answer is never read.
func (s *pgSession) abandon() { _ = s.wire.lose(errAbandoned) }
