package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"plenum/internal/matrix"
)

// pgSession is a connection, opened again when it was lost, and its
// transaction.
type pgSession struct {
	engine *pgEngine
	reader bool
	wire   *pgWire // nil: not open yet

	state   pgState
	fresh   bool    // nothing of the transaction has been answered yet
	who     *Commit // the following statements belong to it
	writes  int     // statements of the transaction that may change something
	written int     // those of them that were sent
	cur     pgCursor
}

// pgState is how much there is of a transaction.
type pgState uint8

const (
	pgNone   pgState = iota
	pgQueued         // its BEGIN is queued
	pgOpen           // its BEGIN was sent
)

// ensure opens the connection unless it is open.
func (s *pgSession) ensure(ctx context.Context) error {
	if s.wire != nil && s.wire.lost == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, awayTime)
	defer cancel()
	connect := s.engine.connectWriter
	if s.reader {
		connect = s.engine.connectReader
	}
	w, err := reconnect(ctx, connect, passing)
	if err == nil {
		s.wire = w
	}
	return err
}

// begin makes sure of the connection. BEGIN itself rides with the first
// statement.
func (s *pgSession) begin() error {
	if err := s.ensure(context.Background()); err != nil {
		return err
	}
	s.state, s.fresh, s.writes, s.written = pgNone, true, 0, 0
	return nil
}

// start queues BEGIN before the first statement.
func (s *pgSession) start() {
	if s.state == pgNone {
		s.wire.plain(askRun, s.wire.begin)
		s.state = pgQueued
	}
}

// queue queues the execution of st.
func (s *pgSession) queue(st *statement, args []any) (*pgStmt, error) {
	w := s.wire
	if w.lost != nil {
		return nil, w.lost
	}
	s.start()
	p := w.stmts[st]
	if p == nil {
		s.sending()
		var err error
		if p, err = w.prepare(st, s.who); err != nil {
			return nil, err
		}
	}
	if err := w.params.encode(p, args); err != nil {
		return nil, err
	}
	if st.writes || len(p.columns) == 0 {
		s.writes++
	}
	w.run(askRun, p, s.who, &w.params)
	return p, nil
}

// sending notes that everything queued is about to be sent.
func (s *pgSession) sending() {
	s.written = s.writes
	if s.state == pgQueued {
		s.state = pgOpen
	}
}

// exec queues st until the next query or commit, unless a lot is queued by then.
func (s *pgSession) exec(_ context.Context, st *statement, args []any) error {
	p, err := s.queue(st, args)
	if err != nil || len(p.columns) == 0 && !s.wire.full() {
		return err
	}
	s.sending()
	s.wire.sync()
	return s.wire.settleAll()
}

// query sends st with everything queued before it.
func (s *pgSession) query(ctx context.Context, st *statement, args []any) (cursor, error) {
	c, err := s.ask(ctx, st, args)
	if s.reader && s.fresh && errors.Is(err, errLost) {
		// The connection ended while nobody used it. This transaction has
		// seen nothing yet and can begin again on another one.
		if err := s.ensure(ctx); err != nil {
			return nil, err
		}
		s.state = pgNone
		c, err = s.ask(ctx, st, args)
	}
	if err != nil {
		return nil, err
	}
	s.fresh = false
	return c, nil
}

// ask is query on the connection that there is. It returns when the server
// has done everything before st and begins with it.
func (s *pgSession) ask(ctx context.Context, st *statement, args []any) (*pgCursor, error) {
	p, err := s.queue(st, args)
	if err != nil {
		return nil, err
	}
	w := s.wire
	s.sending()
	w.sync()
	if err = w.flush(); err == nil {
		if err = w.settle(len(w.asked) - 2); err == nil {
			err = w.step() // the server has bound the arguments
		}
	}
	if err != nil {
		if rest := w.settleAll(); errors.Is(rest, errLost) {
			return nil, rest
		}
		return nil, err
	}
	s.cur = pgCursor{wire: w, ctx: ctx, types: p.columns, vals: s.cur.vals[:0]}
	return &s.cur, nil
}

// commit of the writer waits for the answer, a reader has seen what it wanted.
func (s *pgSession) commit(_ context.Context, clock matrix.Position) error {
	w := s.wire
	if s.reader {
		s.end(w.commit)
		return nil
	}
	if clock != 0 {
		s.who = nil
		if _, err := s.queue(s.engine.setClock, []any{int64(clock)}); err != nil {
			return err
		}
	}
	if s.state == pgNone {
		return nil
	}
	s.sending()
	w.plain(askCommit, w.commit)
	w.sync()
	err := w.settleAll()
	if err == nil {
		s.state = pgNone
	}
	if clock != 0 && errors.Is(err, errLost) {
		return fmt.Errorf("%w: %w", errInDoubt, err)
	}
	return err
}

func (s *pgSession) rollback(context.Context) { s.end(s.wire.rollback) }

// end sends the last statement of the transaction, if any was sent. The
// answer is read before that of the next transaction.
func (s *pgSession) end(st *pgStmt) {
	w := s.wire
	w.drop(w.unsent())
	if s.state == pgOpen {
		w.plain(askRun, st)
		w.sync()
		_ = w.flush() // whoever comes next finds the connection lost
	}
	s.state = pgNone
}

func (s *pgSession) owner(c *Commit) { s.who = c }

func (s *pgSession) opened(epoch int64) { s.engine.epoch = epoch }

func (s *pgSession) mark() int { return s.writes }

// undo takes back what is queued since mark.
func (s *pgSession) undo(mark int) bool {
	if mark < s.written {
		return false
	}
	s.wire.drop(s.writes - mark)
	s.writes = mark
	return true
}

// script runs a migration, which may take its time.
func (s *pgSession) script(_ context.Context, sql string) error {
	s.start()
	s.sending()
	if err := s.wire.patient.wait(0); err != nil {
		return s.wire.lose(err)
	}
	err := s.wire.script(sql + pgBytewise)
	return errors.Join(err, s.wire.patient.wait(answerTime))
}

func (s *pgSession) close() {
	if s.wire != nil {
		s.wire.close()
	}
}

// pgCursor walks the rows of a query.
type pgCursor struct {
	wire  *pgWire
	ctx   context.Context // of the caller, looked at between rows
	types []uint32
	raw   [][]byte
	vals  []value
	done  bool
}

func (c *pgCursor) columns() int { return len(c.types) }

func (c *pgCursor) next() (bool, error) {
	if c.done {
		return false, nil
	}
	if err := c.ctx.Err(); err != nil {
		return false, err
	}
	msg, err := c.wire.receive()
	if err != nil {
		return false, err
	}
	if row, ok := msg.(*pgproto3.DataRow); ok {
		c.raw = row.Values
		return true, nil
	}
	c.done = true
	return false, c.wire.take(msg)
}

func (c *pgCursor) row() []value {
	c.vals = c.vals[:0]
	for i, raw := range c.raw {
		c.vals = append(c.vals, pgValue(c.types[i], raw))
	}
	return c.vals
}

// close reads what is left of the answer.
func (c *pgCursor) close() error {
	clear(c.vals)
	return c.wire.settleAll()
}
