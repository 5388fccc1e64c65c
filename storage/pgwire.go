package storage

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// answerTime bounds how long the server may be silent while it owes an
	// answer, before its connection counts as lost.
	answerTime = 30 * time.Second
	// maxUnsent and maxUnsentBytes bound what queues up before it is sent by
	// itself. The answers to it must fit into the buffers of a socket: while
	// we write we do not read, and the server stops reading when it cannot
	// write.
	maxUnsent      = 1000
	maxUnsentBytes = 1 << 20
)

// pgWire is one connection to PostgreSQL, spoken to in pipelines: messages
// queue up until flush sends them together, and settle reads the answers in
// the same order. Opening it (addresses, TLS, passwords) is left to pgconn,
// whose own pipelines cost each statement several allocations and a question
// about its columns that we never need.
type pgWire struct {
	net     net.Conn
	patient *patientConn       // below net
	front   *pgproto3.Frontend // reads
	pid     uint32             // of the server's process

	out      []byte   // messages to send
	asked    []pgAsk  // what has no answer yet, oldest first
	answered int      // asked[:answered] has been answered
	flushed  int      // asked[:flushed] has been sent
	lost     error    // why the connection cannot be used any more
	params   pgParams // scratch

	stmts                   map[*statement]*pgStmt
	named                   int // statements that were given a name
	begin, commit, rollback *pgStmt
}

// pgStmt is a prepared statement.
type pgStmt struct {
	name, text string
	params     []uint32 // type OIDs
	columns    []uint32
	formats    []int16 // of the columns
}

// askKind is what a message, or several, asked of the server.
type askKind uint8

const (
	askPrepare askKind = iota
	askRun
	askCommit
	askForget
	askScript // answered by ReadyForQuery, as askSync
	askSync
)

// pgAsk is something the server owes an answer to.
type pgAsk struct {
	kind  askKind
	stmt  *pgStmt // to be prepared
	text  string  // SQL
	owner *Commit // on whose behalf
	end   int     // length of out with its messages
}

// patientConn gives up when the server does not read or answer for limit.
type patientConn struct {
	net.Conn
	limit atomic.Int64 // nanoseconds; 0: none
}

func (c *patientConn) Read(b []byte) (int, error) {
	if limit := c.limit.Load(); limit > 0 {
		if err := c.SetReadDeadline(time.Now().Add(time.Duration(limit))); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(b)
}

func (c *patientConn) Write(b []byte) (int, error) {
	if limit := c.limit.Load(); limit > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(time.Duration(limit))); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// wait sets how long the server may be silent; 0 is for ever.
func (c *patientConn) wait(limit time.Duration) error {
	c.limit.Store(int64(limit))
	return c.SetDeadline(time.Time{})
}

// newWire takes conn over from pgconn, and prepares the statements around a
// transaction that starts with begin.
func newWire(conn *pgconn.PgConn, begin string) (*pgWire, error) {
	c, err := conn.Hijack()
	if err != nil {
		return nil, err
	}
	w := &pgWire{net: c.Conn, front: c.Frontend, pid: c.PID, stmts: make(map[*statement]*pgStmt)}
	below := c.Conn
	if secured, ok := below.(*tls.Conn); ok {
		below = secured.NetConn()
	}
	w.patient = below.(*patientConn)
	if err := w.patient.wait(answerTime); err != nil {
		w.close()
		return nil, err
	}
	w.begin, w.commit, w.rollback = w.declare(begin, nil), w.declare(sqlCommit, nil), w.declare(sqlRollback, nil)
	w.sync()
	if err := w.settleAll(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// message is what pgproto3 can write.
type message interface {
	Encode(dst []byte) ([]byte, error)
}

// put queues messages, which together are one question.
func (w *pgWire) put(ask pgAsk, messages ...message) {
	for _, m := range messages {
		out, err := m.Encode(w.out)
		if err != nil { // longer than the protocol can say
			_ = w.lose(err)
			return
		}
		w.out = out
	}
	ask.end = len(w.out)
	w.asked = append(w.asked, ask)
}

// declare queues the preparation of a statement.
func (w *pgWire) declare(text string, owner *Commit) *pgStmt {
	w.named++
	st := &pgStmt{name: "s" + strconv.Itoa(w.named), text: text}
	w.put(pgAsk{kind: askPrepare, stmt: st, text: text, owner: owner},
		&pgproto3.Parse{Name: st.name, Query: text}, &pgproto3.Describe{ObjectType: 'S', Name: st.name})
	return st
}

// prepare returns st prepared. The first time that costs a round trip, which
// takes along what is queued.
func (w *pgWire) prepare(st *statement, owner *Commit) (*pgStmt, error) {
	if p := w.stmts[st]; p != nil {
		return p, nil
	}
	if len(w.stmts) >= maxStatements {
		w.forget()
	}
	p := w.declare(st.text, owner)
	w.sync()
	if err := w.settleAll(); err != nil {
		return nil, err
	}
	w.stmts[st] = p
	return p, nil
}

// script runs several statements without arguments, after all that is queued.
func (w *pgWire) script(sql string) error {
	w.sync()
	if err := w.settleAll(); err != nil {
		return err
	}
	w.put(pgAsk{kind: askScript}, &pgproto3.Query{String: sql})
	return w.settleAll()
}

// forget queues that all statements are dropped but those around transactions.
func (w *pgWire) forget() {
	for _, p := range w.stmts {
		w.put(pgAsk{kind: askForget, text: p.text}, &pgproto3.Close{ObjectType: 'S', Name: p.name})
	}
	clear(w.stmts)
}

// run queues the execution of st with the arguments in params.
func (w *pgWire) run(kind askKind, st *pgStmt, owner *Commit, p *pgParams) {
	w.put(pgAsk{kind: kind, text: st.text, owner: owner}, &pgproto3.Bind{
		PreparedStatement: st.name, ParameterFormatCodes: p.formats, Parameters: p.values, ResultFormatCodes: st.formats,
	}, &pgproto3.Execute{})
}

// plain queues the execution of a statement without arguments.
func (w *pgWire) plain(kind askKind, st *pgStmt) {
	w.params.reset()
	w.run(kind, st, nil, &w.params)
}

// sync queues a point to which the server skips after a failure.
func (w *pgWire) sync() { w.put(pgAsk{kind: askSync}, &pgproto3.Sync{}) }

// unsent is the number of questions that flush would send.
func (w *pgWire) unsent() int { return len(w.asked) - w.flushed }

// full reports whether so much is queued that it should be sent.
func (w *pgWire) full() bool { return w.unsent() >= maxUnsent || len(w.out) >= maxUnsentBytes }

// drop takes back the last n questions, which have not been sent.
func (w *pgWire) drop(n int) {
	w.asked = w.asked[:len(w.asked)-n]
	if w.unsent() == 0 {
		w.out = w.out[:0]
		return
	}
	w.out = w.out[:w.asked[len(w.asked)-1].end]
}

// flush sends what is queued.
func (w *pgWire) flush() error {
	if w.lost != nil || len(w.out) == 0 {
		return w.lost
	}
	_, err := w.net.Write(w.out)
	if w.out = w.out[:0]; cap(w.out) > 4*maxUnsentBytes {
		w.out = nil
	}
	w.flushed = len(w.asked)
	if err != nil {
		return w.lose(err)
	}
	return nil
}

// settleAll sends what is queued and reads all answers.
func (w *pgWire) settleAll() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.settle(len(w.asked))
}

// settle reads answers until only asked[upto:] has none. It returns the first
// failure, after which nothing was done up to the next point of sync.
func (w *pgWire) settle(upto int) error {
	var failure error
	for w.answered < upto {
		err := w.step()
		if w.lost != nil {
			return w.lost
		}
		if failure == nil {
			failure = err
		}
	}
	if w.answered == len(w.asked) {
		w.asked, w.answered, w.flushed = w.asked[:0], 0, 0
	}
	return failure
}

// step reads one message of the answer to the oldest question.
func (w *pgWire) step() error {
	msg, err := w.receive()
	if err != nil {
		return err
	}
	return w.take(msg)
}

// take notes the answer, or a part of it, to the oldest question.
func (w *pgWire) take(msg pgproto3.BackendMessage) error {
	ask := &w.asked[w.answered]
	switch msg := msg.(type) {
	case *pgproto3.ErrorResponse:
		return w.failed(ask, msg)
	case *pgproto3.ParseComplete, *pgproto3.BindComplete, *pgproto3.DataRow:
		return nil // there is more of it to come
	case *pgproto3.ParameterDescription:
		ask.stmt.params = append(ask.stmt.params, msg.ParameterOIDs...)
		return nil
	case *pgproto3.RowDescription:
		ask.stmt.describe(msg)
	case *pgproto3.CommandComplete:
		if ask.kind == askScript {
			return nil
		}
		if ask.kind == askCommit && string(msg.CommandTag) != sqlCommit {
			w.answered++
			return fmt.Errorf("storage: the server answered %s to COMMIT", msg.CommandTag)
		}
		if ask.kind != askRun && ask.kind != askCommit {
			return w.confused(msg)
		}
	case *pgproto3.EmptyQueryResponse:
		if ask.kind == askScript {
			return nil
		}
	case *pgproto3.NoData, *pgproto3.CloseComplete:
	case *pgproto3.ReadyForQuery:
		if ask.kind != askSync && ask.kind != askScript {
			return w.confused(msg)
		}
	default:
		return w.confused(msg)
	}
	w.answered++
	return nil
}

// describe notes the columns of a statement.
func (st *pgStmt) describe(d *pgproto3.RowDescription) {
	for _, f := range d.Fields {
		st.columns = append(st.columns, f.DataTypeOID)
		st.formats = append(st.formats, pgFormat(f.DataTypeOID))
	}
}

// failed notes that the server refused ask, and skips what it skips.
func (w *pgWire) failed(ask *pgAsk, msg *pgproto3.ErrorResponse) error {
	err := pgconn.ErrorResponseToPgError(msg)
	if severity := err.SeverityUnlocalized; severity != "ERROR" {
		return w.lose(err)
	}
	for w.asked[w.answered].kind != askSync && w.asked[w.answered].kind != askScript {
		w.answered++
	}
	return &laterError{owner: ask.owner, err: pgError(err, ask.text)}
}

// receive returns the next message of the server that is an answer.
func (w *pgWire) receive() (pgproto3.BackendMessage, error) {
	if w.lost != nil {
		return nil, w.lost
	}
	for {
		msg, err := w.front.Receive()
		if err != nil {
			return nil, w.lose(err)
		}
		switch msg.(type) {
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus, *pgproto3.NotificationResponse:
		default:
			return msg, nil
		}
	}
}

// lose notes that the connection cannot be used any more.
func (w *pgWire) lose(err error) error {
	if w.lost == nil {
		w.lost = fmt.Errorf("%w: %w", errLost, err)
		_ = w.net.Close()
	}
	return w.lost
}

func (w *pgWire) confused(msg pgproto3.BackendMessage) error {
	return w.lose(fmt.Errorf("unexpected %T", msg))
}

// close says goodbye. Nothing is on its way any more that could be lost.
func (w *pgWire) close() {
	if w.lost != nil {
		return
	}
	if out, err := (&pgproto3.Terminate{}).Encode(nil); err == nil {
		_, _ = w.net.Write(out)
	}
	w.lost = ErrClosed
	_ = w.net.Close()
}

// pgError adds the statement, and ErrConflict where it applies.
func pgError(err *pgconn.PgError, text string) error {
	if err.Code == "23505" { // unique_violation
		return fmt.Errorf("%w: %w in %s", ErrConflict, err, text)
	}
	return fmt.Errorf("storage: %w in %s", err, text)
}
