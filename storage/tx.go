package storage

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"plenum/internal/matrix"
)

// ErrConflict is in the chain of errors of statements that broke a UNIQUE or
// PRIMARY KEY constraint. On PostgreSQL it may come up only at the end of the
// transaction, so test what Write returned; inside the function use
// ON CONFLICT.
var ErrConflict = errors.New("storage: conflict with a unique value")

// ErrClosed is returned for work given to a closed DB.
var ErrClosed = errors.New("storage: database is closed")

var (
	// errArgument is in the chain when an argument fits no parameter, so that
	// the engine never heard of the statement.
	errArgument = errors.New("storage: argument")
	errReadOnly = errors.New("storage: write in a read transaction")
	// errLost is in the chain when the connection broke before the commit was
	// sent, so that nothing of the transaction can have happened.
	errLost = errors.New("storage: connection lost")
	// errInDoubt is in the chain when the connection broke while the commit
	// was on its way.
	errInDoubt = errors.New("storage: connection lost during commit")
	errNested  = errors.New("storage: statement while the rows of another are being read")
)

// session is a connection to an engine with at most one transaction. Errors
// of statements that were queued are *laterError.
type session interface {
	// begin starts a transaction, at the latest with its first statement.
	begin() error
	// exec runs st, or queues it until the next query or commit.
	exec(ctx context.Context, st *statement, args []any) error
	query(ctx context.Context, st *statement, args []any) (cursor, error)
	// commit makes the transaction durable, and clock with it when it is not 0.
	commit(ctx context.Context, clock matrix.Position) error
	// rollback ends the transaction; afterwards the session can begin again,
	// or reports itself broken at begin.
	rollback(ctx context.Context)
	// owner names whoever the following statements belong to.
	owner(c *Commit)
	// mark and undo take back statements that have not reached the engine.
	mark() int
	undo(mark int) bool
}

// laterError is the failure of a statement that was queued before.
type laterError struct {
	owner *Commit // whose statement it was; nil when unknown
	err   error
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// Tx is a transaction. It belongs to the function it is given to, which must
// use it from its own goroutine only and not keep it. One statement runs at a
// time: inside the function of Each the transaction cannot be used.
type Tx struct {
	db      *DB
	s       session
	run     uint64 // see Run
	write   bool
	reading bool  // rows are being read
	alone   bool  // nobody else will use the session
	wrote   bool  // the transaction sent statements that may change something
	err     error // first failure of a statement; the transaction is lost
	wakes   []string
	hooks   []func()
}

// Exec runs a statement without a result. On PostgreSQL it is sent together
// with the next read or the commit, so that a failure may be reported only
// there; arguments must therefore stay unchanged until Write returns. A failed
// statement fails the whole function, whatever the function returns.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) error {
	st, err := tx.statement(sql, args)
	if err != nil {
		return err
	}
	tx.wrote = true
	return tx.fail(tx.s.exec(ctx, st, args))
}

// Position issues the next position in the log. It is durable with the
// transaction; a position of a transaction that fails is never issued again
// while the process runs. Only for Write: in Read it fails the transaction.
func (tx *Tx) Position() matrix.Position {
	if !tx.write {
		_ = tx.fail(errReadOnly)
		return 0
	}
	tx.wrote = true
	return tx.db.w.issue()
}

// Run numbers the attempts of this process to commit a group of writes. All
// members of a group see the same number, and a group that runs again has a
// new one: so a function can tell whether what an earlier one did is part of
// the same transaction. It is 0 in Read.
func (tx *Tx) Run() uint64 { return tx.run }

// Wake tells the subscribers of topic after the commit.
func (tx *Tx) Wake(topic string) {
	tx.wakes = append(tx.wakes, topic)
}

// OnCommit runs fn after the commit and before Write returns, in the order of
// commits, in the writer's goroutine: everybody's next write waits for it. It
// is dropped when the transaction fails.
func (tx *Tx) OnCommit(fn func()) {
	tx.hooks = append(tx.hooks, fn)
}

// statement prepares the use of the session for sql.
func (tx *Tx) statement(sql string, args []any) (*statement, error) {
	if tx.err != nil {
		return nil, tx.err
	}
	if tx.reading {
		return nil, tx.fail(fmt.Errorf("%w: %s", errNested, sql))
	}
	st, err := tx.db.dialect.statement(sql, args)
	if err != nil {
		return nil, tx.fail(err)
	}
	if st.writes && !tx.write {
		return nil, tx.fail(fmt.Errorf("%w: %s", errReadOnly, sql))
	}
	return st, nil
}

// fail remembers the first failure.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}

// Select returns all rows of a query. T is a struct whose exported fields
// take the columns in order (fields of embedded structs count, fields tagged
// `sql:"-"` do not), or the type of a single column. A NULL needs a pointer or
// a byte slice.
func Select[T any](ctx context.Context, tx *Tx, sql string, args ...any) ([]T, error) {
	var items []T
	err := tx.rows(ctx, reflect.TypeFor[T](), sql, args, func(p *plan, row []value) (bool, error) {
		var zero T
		items = append(items, zero)
		return true, p.scan(&items[len(items)-1], row)
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// One returns the first row of a query as Select does, and false when there
// is none.
func One[T any](ctx context.Context, tx *Tx, sql string, args ...any) (item T, found bool, err error) {
	err = tx.rows(ctx, reflect.TypeFor[T](), sql, args, func(p *plan, row []value) (bool, error) {
		found = true
		return false, p.scan(&item, row)
	})
	if err != nil {
		var zero T
		return zero, false, err
	}
	return item, found, nil
}

// Each calls fn for every row of a query without holding all of them in
// memory. It stops with the error of fn. fn must not use tx.
func Each[T any](ctx context.Context, tx *Tx, fn func(T) error, sql string, args ...any) error {
	return tx.rows(ctx, reflect.TypeFor[T](), sql, args, func(p *plan, row []value) (bool, error) {
		var item T
		if err := p.scan(&item, row); err != nil {
			return false, err
		}
		return true, fn(item)
	})
}

// rows runs a query and gives its rows to take until that wants no more.
func (tx *Tx) rows(ctx context.Context, t reflect.Type, sql string, args []any, take func(*plan, []value) (bool, error)) (err error) {
	st, err := tx.statement(sql, args)
	if err != nil {
		return err
	}
	tx.wrote = tx.wrote || st.writes
	if !tx.write && ctx.Err() != nil {
		return ctx.Err()
	}
	c, err := tx.s.query(ctx, st, args)
	if err != nil {
		return tx.fail(err)
	}
	tx.reading = true
	defer func() {
		tx.reading = false
		if e := c.close(); e != nil && err == nil {
			err = tx.fail(e)
		}
	}()
	p := tx.db.plans.of(t)
	if err := p.check(c.columns()); err != nil {
		return tx.fail(fmt.Errorf("%w in %s", err, sql))
	}
	for {
		more, err := c.next()
		if err != nil {
			return tx.fail(err)
		}
		if !more {
			return nil
		}
		more, err = take(p, c.row())
		if err != nil || !more {
			return err
		}
	}
}
