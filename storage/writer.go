package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"plenum/internal/matrix"
	"plenum/internal/wake"
)

const (
	// maxGroup bounds how many writes share a commit, and so how long the
	// first of them waits for the last.
	maxGroup = 256
	// maxReruns is how often a group is run again without its failing members
	// before its members run one by one: with many failing ones in a group
	// that is cheaper.
	maxReruns = 3
	// doubtTime is how long close waits for a database that went away in the
	// middle of a commit to come back and tell its fate.
	doubtTime = 3 * time.Second
)

// Commit is a write that was submitted.
type Commit struct {
	fn    func(*Tx) error
	state atomic.Int32 // queued, running or dropped
	done  chan struct{}
	err   error // valid once done is closed
}

const (
	queued int32 = iota
	running
	dropped // the caller gave up before the write began
)

// Wait returns the outcome of the write. When ctx ends first, Wait returns its
// error and the write goes on.
func (c *Commit) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish answers the waiters.
func (c *Commit) finish(err error) {
	c.err = err
	close(c.done)
}

// writer owns the one connection that writes. Its goroutine takes whatever
// has queued up while the last commit ran, and commits it as one transaction.
type writer struct {
	db  *DB
	log *slog.Logger
	bus *wake.Bus

	mu     sync.Mutex
	queue  []*Commit
	filled sync.Cond // queue is not empty, or closed
	closed bool
	ended  chan struct{}

	hope    context.Context // ends when a commit in doubt is given up
	despair context.CancelFunc

	// Only for the writer's goroutine.
	clock matrix.Position // last position issued
	taken []*Commit       // the group that is running
	tx    Tx
	runs  uint64              // attempts to commit a group
	told  map[string]struct{} // topics of the group, to tell each once

	committed atomic.Int64
	groups    atomic.Uint64
	writes    atomic.Uint64
	failures  atomic.Uint64
	reruns    atomic.Uint64
}

func newWriter(db *DB, clock matrix.Position, log *slog.Logger) *writer {
	w := &writer{db: db, log: log, bus: wake.NewBus(), clock: clock, ended: make(chan struct{}), told: make(map[string]struct{})}
	w.filled.L = &w.mu
	w.hope, w.despair = context.WithCancel(context.Background())
	w.committed.Store(int64(clock))
	return w
}

// issue returns the next position.
func (w *writer) issue() matrix.Position {
	w.clock++
	return w.clock
}

// submit queues fn.
func (w *writer) submit(fn func(*Tx) error) *Commit {
	c := &Commit{fn: fn, done: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		c.finish(ErrClosed)
		return c
	}
	w.queue = append(w.queue, c)
	if len(w.queue) == 1 {
		w.filled.Signal()
	}
	return c
}

// close refuses further writes, and returns when those in the queue are done.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.filled.Signal()
	w.mu.Unlock()
	defer time.AfterFunc(doubtTime, w.despair).Stop()
	<-w.ended
}

// take waits for writes and returns up to maxGroup of them, or nothing when
// the writer is closed and the queue is empty.
func (w *writer) take(into []*Commit) []*Commit {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.closed {
		w.filled.Wait()
	}
	n := min(len(w.queue), maxGroup)
	for _, c := range w.queue[:n] {
		if c.state.CompareAndSwap(queued, running) {
			into = append(into, c)
		}
	}
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	return into
}

// run is the writer's goroutine. A function that ends its goroutine (as
// testing's FailNow does) must not end the writer, so that another takes over.
func (w *writer) run() {
	orderly := false
	defer func() {
		if orderly {
			close(w.ended)
			return
		}
		w.db.sess.rollback(context.Background())
		for _, c := range w.taken {
			if !c.isDone() {
				w.fail(c, errors.New("storage: a function in the group ended the writer's goroutine"))
			}
		}
		go w.run()
	}()
	for {
		w.taken = w.take(w.taken[:0])
		if len(w.taken) == 0 {
			if w.idle() {
				continue // everything taken had been dropped
			}
			orderly = true
			return
		}
		w.commit(w.taken)
		clear(w.taken)
		w.taken = w.taken[:0]
	}
}

// idle reports whether the writer goes on.
func (w *writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.closed || len(w.queue) > 0
}

func (c *Commit) isDone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// commit brings every member of group to an end. When a member fails after it
// wrote, the transaction is rolled back and the others run again; savepoints
// would save that, but cost every write two statements on SQLite and break the
// pipeline on PostgreSQL, for failures that are rare.
func (w *writer) commit(group []*Commit) {
	lost := 0
	for reruns := 0; len(group) > 0; reruns++ {
		if reruns > 0 {
			w.reruns.Add(1)
		}
		if reruns > maxReruns {
			for i := range group {
				w.alone(group[i : i+1])
			}
			return
		}
		err := w.attempt(group)
		group = undone(group)
		switch {
		case errors.Is(err, errLost) && lost == 0:
			lost++
		case err != nil && len(group) > 0: // nobody in particular is to blame
			for i := range group {
				w.alone(group[i : i+1])
			}
			return
		}
	}
}

// alone runs the only member of group, which bears every failure.
func (w *writer) alone(group []*Commit) {
	if err := w.attempt(group); err != nil {
		w.failAll(undone(group), err)
	}
}

// undone returns the members of group that have no outcome yet, in order.
func undone(group []*Commit) []*Commit {
	rest := make([]*Commit, 0, len(group))
	for _, c := range group {
		if !c.isDone() {
			rest = append(rest, c)
		}
	}
	return rest
}

// attempt runs group as one transaction. Members without an outcome afterwards
// were rolled back because of another; an error says that it is unknown whose
// fault that was, or is errLost when the connection broke before the commit.
func (w *writer) attempt(group []*Commit) error {
	ctx, s := context.Background(), w.db.sess
	if err := s.begin(); err != nil {
		w.failAll(group, err)
		return nil
	}
	w.runs++
	w.tx = Tx{db: w.db, s: s, run: w.runs, write: true, wakes: w.tx.wakes[:0], hooks: w.tx.hooks[:0]}
	tx, start := &w.tx, w.clock
	for _, c := range group {
		s.owner(c)
		before, mark := *tx, s.mark()
		err := protect(c.fn, tx)
		if err == nil && tx.err == nil {
			continue
		}
		sound := tx.err == nil || errors.Is(tx.err, errArgument)
		err = cmp.Or(tx.err, err)
		if sound && s.undo(mark) {
			*tx = before
			w.fail(c, err)
			continue
		}
		s.rollback(ctx)
		return w.blame(c, err)
	}
	return w.conclude(ctx, group, start)
}

// conclude commits the transaction that began at start, and tells the members
// of group the outcome. It returns what attempt does.
func (w *writer) conclude(ctx context.Context, group []*Commit, start matrix.Position) error {
	s, clock := w.db.sess, w.stamp(start)
	s.owner(nil)
	err := s.commit(ctx, clock)
	if errors.Is(err, errInDoubt) {
		w.log.Warn("the connection to the database was lost during a commit", "err", err)
		happened, e := w.db.backend.resolve(w.hope, clock)
		if e == nil && !happened {
			return errLost
		}
		err = e
	}
	later := (*laterError)(nil)
	switch {
	case err == nil:
		w.publish(undone(group))
	case errors.As(err, &later) || errors.Is(err, errLost):
		s.rollback(ctx)
		return w.blame(nil, err)
	default:
		w.failAll(undone(group), err)
	}
	return nil
}

// stamp returns the clock to be written with the transaction that began at
// start, or 0 when nothing needs it. On PostgreSQL every group that writes
// moves the clock, by which its fate is known if the connection breaks.
func (w *writer) stamp(start matrix.Position) matrix.Position {
	if !w.tx.wrote {
		return 0
	}
	if w.clock == start {
		if w.db.engine != Postgres {
			return 0
		}
		w.clock++
	}
	return w.clock
}

// blame fails the member that ended a transaction with err: the owner of the
// failed statement, or else current, which was running. It returns an error
// when that is nobody in particular.
func (w *writer) blame(current *Commit, err error) error {
	if errors.Is(err, errLost) {
		return err
	}
	culprit := current
	if later := (*laterError)(nil); errors.As(err, &later) {
		culprit, err = later.owner, later.err
	}
	if culprit == nil {
		return err
	}
	w.fail(culprit, err)
	return nil
}

func (w *writer) fail(c *Commit, err error) {
	w.failures.Add(1)
	c.finish(err)
}

func (w *writer) failAll(group []*Commit, err error) {
	for _, c := range group {
		w.fail(c, err)
	}
}

// publish announces a commit: first to the functions that keep memory in step
// with the database, then to whoever reads either.
func (w *writer) publish(group []*Commit) {
	for _, hook := range w.tx.hooks {
		err := protect(func(*Tx) error { hook(); return nil }, nil)
		if err != nil {
			w.log.Error("function after commit failed", "err", err)
		}
	}
	w.committed.Store(int64(w.clock))
	told := w.told
	for _, topic := range w.tx.wakes {
		if _, ok := told[topic]; !ok {
			told[topic] = struct{}{}
			w.bus.Tell(topic)
		}
	}
	clear(told)
	clear(w.tx.hooks)
	w.groups.Add(1)
	w.writes.Add(uint64(len(group)))
	for _, c := range group {
		c.finish(nil)
	}
}

// protect runs fn and turns a panic into an error.
func protect(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("storage: panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}

// Stats counts what the writer did since Open.
type Stats struct {
	Groups   uint64 // transactions committed
	Writes   uint64 // functions committed in them
	Failures uint64 // functions that failed
	Reruns   uint64 // groups run again because a member failed after it wrote
	Queue    int    // functions waiting now
}

func (w *writer) stats() Stats {
	w.mu.Lock()
	n := len(w.queue)
	w.mu.Unlock()
	return Stats{
		Groups: w.groups.Load(), Writes: w.writes.Load(), Failures: w.failures.Load(),
		Reruns: w.reruns.Load(), Queue: n,
	}
}
