package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"plenum/internal/matrix"
)

const (
	// connectTime bounds the opening of one connection, lock included.
	connectTime = 10 * time.Second
	// awayTime is how long a transaction waits for a server that went away,
	// as when it restarts, before it fails.
	awayTime = 5 * time.Second
	// lockTime is how long the lock is waited for: the server may not have
	// noticed yet that a process which had it was killed.
	lockTime = 3 * time.Second
)

const pgBeginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// Our statements are too small for JIT. A server that no longer hears of us
// lets go of the lock within a minute.
const (
	pgSettings     = "SET jit = off; "
	pgWriterFull   = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; "
	pgWriterNormal = "SET synchronous_commit = off; "
	pgWriter       = "SET statement_timeout = 0; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; "
)

// The lock is one per schema, and held by the writer's connection as long as
// that lives. 1349281134 is "Plen".
const (
	pgLockKey = "1349281134, hashtext(current_schema())"
	pgLock    = "SELECT pg_advisory_lock(" + pgLockKey + ")"
	// pgUnlock ends the process that served our lost connection, which may
	// not know of the loss.
	pgUnlock = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid = $1 AND granted " +
		"AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = 1349281134"
	pgClock = "SELECT pos, epoch FROM clock"
)

// pgBytewise makes columns of type TEXT compare by bytes, whatever language
// the database was created for. Thereby an index also outlives a new version
// of the operating system, whose sorting may differ.
const pgBytewise = `;
DO $$
DECLARE c record;
BEGIN
	FOR c IN SELECT attrelid::regclass AS tab, attname AS col FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
		WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT attisdropped
		AND atttypid = 'text'::regtype AND attcollation <> '"C"'::regcollation
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE TEXT COLLATE "C"', c.tab, c.col);
	END LOOP;
END $$`

// pgEngine is one schema of a PostgreSQL database. It needs connections of its
// own, not those that a pooler shares out by transaction: the lock and the
// prepared statements are the connection's.
type pgEngine struct {
	config  *pgconn.Config
	setup   string // of the writer's connection
	writer  *pgSession
	readers chan *pgSession

	setClock *statement

	epoch int64           // of the clock since Open; 0 before
	pos   matrix.Position // of the clock when the writer connected last
}

// openPostgres connects to the database and takes the lock.
func openPostgres(ctx context.Context, cfg Config) (*pgEngine, error) {
	config, err := pgconn.ParseConfig(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "plenum"
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: conn}, nil
	}
	e := &pgEngine{config: config, setup: pgWriter + pgWriterFull, setClock: &statement{text: sqlSetClock, params: 1, writes: true}}
	if cfg.Synchronous == "NORMAL" {
		e.setup = pgWriter + pgWriterNormal
	}
	e.writer = &pgSession{engine: e}
	if e.writer.wire, err = e.connectWriter(ctx); err != nil {
		return nil, err
	}
	conns := cfg.MaxConns
	if conns <= 0 {
		conns = 8
	}
	e.readers = make(chan *pgSession, conns)
	for range conns {
		e.readers <- &pgSession{engine: e, reader: true}
	}
	return e, nil
}

// connect opens a connection whose transactions start with begin, and which
// setup has made ready.
func (e *pgEngine) connect(ctx context.Context, begin string, setup func(context.Context, *pgconn.PgConn) error) (*pgWire, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, e.config)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	if encoding := conn.ParameterStatus("server_encoding"); encoding != "UTF8" {
		err = fmt.Errorf("the encoding of the database is %s; create it with ENCODING 'UTF8'", encoding)
	}
	if err == nil {
		err = setup(ctx, conn)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("storage: database %s: %w", e.config.Database, err), conn.Close(ctx))
	}
	return newWire(conn, begin)
}

func (e *pgEngine) connectReader(ctx context.Context) (*pgWire, error) {
	return e.connect(ctx, pgBeginRead, func(ctx context.Context, conn *pgconn.PgConn) error {
		_, err := conn.Exec(ctx, pgSettings).ReadAll()
		return err
	})
}

// connectWriter opens the connection that writes. When it replaces a lost one,
// the fate of the last transaction is settled afterwards: with the lock comes
// the certainty that the old connection has ended.
func (e *pgEngine) connectWriter(ctx context.Context) (*pgWire, error) {
	return e.connect(ctx, sqlBegin, func(ctx context.Context, conn *pgconn.PgConn) error {
		if _, err := conn.Exec(ctx, pgSettings+e.setup).ReadAll(); err != nil {
			return err
		}
		if old := e.writer.wire; old != nil {
			pid := strconv.FormatUint(uint64(old.pid), 10)
			if err := conn.ExecParams(ctx, pgUnlock, [][]byte{[]byte(pid)}, []uint32{pgInt4}, nil, nil).Read().Err; err != nil {
				return err
			}
		}
		return errors.Join(e.takeLock(ctx, conn), e.readClock(ctx, conn))
	})
}

// takeLock makes sure that no other process writes to the schema.
func (e *pgEngine) takeLock(ctx context.Context, conn *pgconn.PgConn) error {
	wait := fmt.Sprintf("SET lock_timeout = %d; ", lockTime.Milliseconds())
	_, err := conn.Exec(ctx, wait+pgLock+"; RESET lock_timeout").ReadAll()
	if code(err) == "55P03" { // lock_not_available
		return fmt.Errorf("%w: it has the lock of the schema", ErrInUse)
	}
	return err
}

// readClock reads how far the database is, and whether it is still ours.
func (e *pgEngine) readClock(ctx context.Context, conn *pgconn.PgConn) error {
	if e.epoch == 0 {
		return nil
	}
	res := conn.ExecParams(ctx, pgClock, nil, nil, nil, nil).Read()
	if res.Err != nil {
		return res.Err
	}
	if len(res.Rows) != 1 {
		return errors.New("the clock is gone")
	}
	pos, err := strconv.ParseInt(string(res.Rows[0][0]), 10, 64)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	e.pos = matrix.Position(pos)
	if string(res.Rows[0][1]) != strconv.FormatInt(e.epoch, 10) {
		return errTakenOver
	}
	return nil
}

// errTakenOver means that this process can never write again.
var errTakenOver = fmt.Errorf("%w, which took over when the connection was lost", ErrInUse)

// code returns the SQLSTATE of an error of the server, or "".
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// passing reports whether a failure to connect may be over soon.
func passing(err error) bool {
	switch code(err) {
	case "57P01", "57P02", "57P03", "53300": // shutting down, crashed, starting, too many connections
		return true
	case "":
		return !errors.Is(err, errTakenOver)
	}
	return false
}

// reconnect calls connect until it succeeds, its failure is not passing, or
// ctx ends.
func reconnect(ctx context.Context, connect func(context.Context) (*pgWire, error), passing func(error) bool) (*pgWire, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		w, err := connect(ctx)
		if err == nil || !passing(err) {
			return w, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// resolve connects again to see whether clock was committed. Until that is
// known nothing can go on: memory would be out of step with the database.
func (e *pgEngine) resolve(ctx context.Context, clock matrix.Position) (bool, error) {
	w, err := reconnect(ctx, e.connectWriter, func(err error) bool { return !errors.Is(err, errTakenOver) })
	if err != nil { // not in the chain: nothing may be run again
		return false, fmt.Errorf("storage: it is unknown whether the write happened: %v", err)
	}
	e.writer.wire = w
	return e.pos >= clock, nil
}

// read lends a read session until it is given back to done.
func (e *pgEngine) read(ctx context.Context) (session, error) {
	select {
	case s, open := <-e.readers:
		if !open {
			return nil, ErrClosed
		}
		if err := s.ensure(ctx); err != nil {
			e.readers <- s
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *pgEngine) done(s session) { e.readers <- s.(*pgSession) }

// close waits for readers and closes every connection.
func (e *pgEngine) close() error {
	for range cap(e.readers) {
		(<-e.readers).close()
	}
	close(e.readers)
	e.writer.close()
	return nil
}
