package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"plenum/internal/matrix"
)

const (
	sqlBegin      = "BEGIN"
	sqlBeginWrite = "BEGIN IMMEDIATE"
	sqlCommit     = "COMMIT"
	sqlRollback   = "ROLLBACK"
	sqlSetClock   = "UPDATE clock SET pos = $1"
)

// The page size has to come before the first table, and WAL after it. A page
// of 8 KiB and a checkpoint every 4,000 pages measured best for rows of an
// event's size; mmap would turn an I/O error into a fault.
const (
	sqlitePragmas = "PRAGMA page_size = 8192; PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; " +
		"PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; "
	sqliteWriter = "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536; " +
		"PRAGMA synchronous = "
	sqliteReader = "PRAGMA cache_size = -16384; PRAGMA query_only = ON"
)

// sqliteEngine is one database file. The driver is spoken to without
// database/sql, whose locks, pooling and conversions cost as much as a small
// statement.
type sqliteEngine struct {
	path    string
	lock    *os.File
	writer  *sqliteSession
	readers chan *sqliteSession // nil elements are not open yet
}

// openSQLite opens the file at path, creating it when it is missing.
func openSQLite(ctx context.Context, cfg Config) (_ *sqliteEngine, err error) {
	if strings.ContainsAny(cfg.DSN, "?#") || strings.HasPrefix(cfg.DSN, "file:") || strings.HasPrefix(cfg.DSN, ":") {
		return nil, fmt.Errorf("storage: %q is not the path of a database file", cfg.DSN)
	}
	path, err := filepath.Abs(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	e := &sqliteEngine{path: path}
	if e.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	sync := cfg.Synchronous
	if sync == "" {
		sync = "FULL"
	}
	if e.writer, err = e.connect(ctx, sqliteWriter+sync, sqlBeginWrite); err != nil {
		_ = e.lock.Close()
		return nil, err
	}
	conns := cfg.MaxConns
	if conns <= 0 {
		conns = 4
	}
	e.readers = make(chan *sqliteSession, conns)
	for range conns {
		e.readers <- nil
	}
	return e, nil
}

// connect opens a connection whose transactions start with begin.
func (e *sqliteEngine) connect(ctx context.Context, pragmas, begin string) (*sqliteSession, error) {
	connector, err := sqlite.NewConnector(e.path + "?_dqs=0")
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", e.path, err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", e.path, err)
	}
	s := &sqliteSession{conn: conn, stmts: make(map[*statement]*sqliteStmt)}
	err = s.script(ctx, sqlitePragmas+pragmas)
	for _, p := range []struct {
		stmt **sqliteStmt
		sql  string
	}{{&s.beginStmt, begin}, {&s.commitStmt, sqlCommit}, {&s.rollbackStmt, sqlRollback}} {
		if err == nil {
			*p.stmt, err = s.prepare(p.sql)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("storage: open %s: %w", e.path, err)
	}
	return s, nil
}

// read lends a read session until it is given back to done.
func (e *sqliteEngine) read(ctx context.Context) (session, error) {
	select {
	case s, open := <-e.readers:
		if !open {
			return nil, ErrClosed
		}
		if s != nil {
			return s, nil
		}
		s, err := e.connect(ctx, sqliteReader, sqlBegin)
		if err != nil {
			e.readers <- nil
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *sqliteEngine) done(s session) { e.readers <- s.(*sqliteSession) }

// resolve is never needed: a file cannot be lost during a commit.
func (e *sqliteEngine) resolve(context.Context, matrix.Position) (bool, error) { return false, nil }

// close waits for readers and closes every connection, the writer's last, so
// that it checkpoints the log into the file.
func (e *sqliteEngine) close() error {
	var errs []error
	for range cap(e.readers) {
		if s := <-e.readers; s != nil {
			errs = append(errs, s.close())
		}
	}
	close(e.readers)
	errs = append(errs, e.writer.close(), e.lock.Close())
	return errors.Join(errs...)
}

// sqliteSession is one connection with its prepared statements.
type sqliteSession struct {
	conn  driver.Conn
	stmts map[*statement]*sqliteStmt
	args  []driver.NamedValue // scratch
	cur   sqliteCursor        // scratch; one is open at a time
	execs int                 // statements run in the transaction that may write

	beginStmt, commitStmt, rollbackStmt, clockStmt *sqliteStmt
}

// sqliteStmt is a prepared statement with the context-taking methods found once.
type sqliteStmt struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

func (s *sqliteSession) prepare(sql string) (*sqliteStmt, error) {
	st, err := s.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return &sqliteStmt{st, st.(driver.StmtExecContext), st.(driver.StmtQueryContext)}, nil
}

// script runs several statements without parameters.
func (s *sqliteSession) script(ctx context.Context, sql string) error {
	_, err := s.conn.(driver.ExecerContext).ExecContext(context.WithoutCancel(ctx), sql, nil)
	return err
}

func (s *sqliteSession) begin() error {
	s.execs = 0
	return s.plain(s.beginStmt)
}

// plain runs a statement of our own. No statement gets the caller's context:
// the driver would start a goroutine for each that has one.
func (s *sqliteSession) plain(st *sqliteStmt) error {
	if _, err := st.exec.ExecContext(context.Background(), nil); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// bind finds st prepared, or prepares it, and turns args into those of the driver.
func (s *sqliteSession) bind(st *statement, args []any) (*sqliteStmt, error) {
	p := s.stmts[st]
	if p == nil {
		if len(s.stmts) >= maxStatements {
			s.forget()
		}
		var err error
		if p, err = s.prepare(st.text); err != nil {
			return nil, fmt.Errorf("storage: %w in %s", err, st.text)
		}
		s.stmts[st] = p
	}
	s.args = s.args[:0]
	for i, a := range args {
		v, err := encode(a)
		if err != nil {
			return nil, fmt.Errorf("%w $%d: %w", errArgument, i+1, err)
		}
		if l, ok := v.(list); ok {
			v = l.json()
		}
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return p, nil
}

// forget closes all prepared statements.
func (s *sqliteSession) forget() {
	for _, p := range s.stmts {
		_ = p.Close() // the only failure is one of its last run
	}
	clear(s.stmts)
}

func (s *sqliteSession) exec(_ context.Context, st *statement, args []any) error {
	p, err := s.bind(st, args)
	if err != nil {
		return err
	}
	s.execs++
	if _, err := p.exec.ExecContext(context.Background(), s.args); err != nil {
		return sqliteError(err, st)
	}
	return nil
}

func (s *sqliteSession) query(ctx context.Context, st *statement, args []any) (cursor, error) {
	p, err := s.bind(st, args)
	if err != nil {
		return nil, err
	}
	if st.writes {
		s.execs++
	}
	rows, err := p.query.QueryContext(context.Background(), s.args)
	if err != nil {
		return nil, sqliteError(err, st)
	}
	n := len(rows.Columns())
	c := &s.cur
	c.rows, c.st, c.ctx = rows, st, ctx
	if cap(c.dest) < n {
		c.dest, c.vals = make([]driver.Value, n), make([]value, n)
	}
	c.dest, c.vals = c.dest[:n], c.vals[:n]
	return c, nil
}

func (s *sqliteSession) commit(_ context.Context, clock matrix.Position) error {
	if clock != 0 {
		if err := s.setClock(clock); err != nil {
			_ = s.plain(s.rollbackStmt)
			return err
		}
	}
	err := s.plain(s.commitStmt)
	if err != nil {
		_ = s.plain(s.rollbackStmt) // fails when SQLite has rolled back by itself
	}
	return err
}

func (s *sqliteSession) setClock(clock matrix.Position) (err error) {
	if s.clockStmt == nil { // its table is as old as the first migration
		if s.clockStmt, err = s.prepare(sqlSetClock); err != nil {
			return fmt.Errorf("storage: %w", err)
		}
	}
	s.args = append(s.args[:0], driver.NamedValue{Ordinal: 1, Value: int64(clock)})
	if _, err := s.clockStmt.exec.ExecContext(context.Background(), s.args); err != nil {
		return fmt.Errorf("storage: clock: %w", err)
	}
	return nil
}

func (s *sqliteSession) rollback(context.Context) {
	_ = s.plain(s.rollbackStmt) // fails when SQLite has rolled back by itself
}

func (s *sqliteSession) owner(*Commit) {}

// opened is for connections that can be lost.
func (s *sqliteSession) opened(int64) {}

func (s *sqliteSession) mark() int { return s.execs }

// undo cannot take back what was run, only see that nothing was.
func (s *sqliteSession) undo(mark int) bool { return s.execs == mark }

func (s *sqliteSession) close() error {
	s.forget()
	for _, p := range []*sqliteStmt{s.beginStmt, s.commitStmt, s.rollbackStmt, s.clockStmt} {
		if p != nil {
			_ = p.Close()
		}
	}
	return s.conn.Close()
}

// sqliteCursor walks the rows of a query.
type sqliteCursor struct {
	rows driver.Rows
	st   *statement
	ctx  context.Context // of the caller, looked at between rows
	dest []driver.Value
	vals []value
}

func (c *sqliteCursor) columns() int { return len(c.dest) }

func (c *sqliteCursor) next() (bool, error) {
	if err := c.ctx.Err(); err != nil {
		return false, err
	}
	err := c.rows.Next(c.dest)
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, sqliteError(err, c.st)
	}
	return true, nil
}

func (c *sqliteCursor) row() []value {
	for i, d := range c.dest {
		v := &c.vals[i]
		switch d := d.(type) {
		case nil:
			*v = value{}
		case int64:
			*v = value{kind: integer, int: d}
		case float64:
			*v = value{kind: float, float: d}
		case string:
			*v = value{kind: text, text: d}
		case []byte:
			*v = value{kind: blob, raw: d}
		}
	}
	return c.vals
}

func (c *sqliteCursor) close() error {
	clear(c.dest)
	clear(c.vals)
	if err := c.rows.Close(); err != nil {
		return sqliteError(err, c.st)
	}
	return nil
}

// sqliteError adds the statement, and ErrConflict where it applies.
func sqliteError(err error, st *statement) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlitelib.SQLITE_CONSTRAINT_UNIQUE, sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY, sqlitelib.SQLITE_CONSTRAINT_ROWID:
			return fmt.Errorf("%w: %w in %s", ErrConflict, err, st.text)
		}
	}
	return fmt.Errorf("storage: %w in %s", err, st.text)
}
