package sliding

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// conn is one connection of a device. Its requests are answered one after the
// other.
type conn struct {
	key connKey
	id  string // names this connection among all that ever were

	turn chan struct{} // holds one token while a request is being answered

	mu        sync.Mutex
	interrupt context.CancelCauseFunc // ends the newest request; nil: there was none

	// What follows is of whoever is being answered.

	answers int64 // how many were given; they are numbered from 1 on
	n       int64 // number of the newest one that is known to have arrived; 0: none
	have    *memory
	last    *given // the newest one, if it is not known to have arrived

	// What follows is of conns.

	size int
	used int64 // when it was used last, by a count of uses
}

// errNewer ends a request when the next one of its connection comes.
var errNewer = errors.New("sliding: there is a newer request")

func newConn(key connKey) *conn {
	name := make([]byte, 8)
	rand.Read(name) // it never fails
	return &conn{key: key, id: hex.EncodeToString(name), turn: make(chan struct{}, 1), have: newMemory()}
}

// enter waits for the request before to end, which it does at once: whoever
// sends a request does not wait for another one. leave lets the next one in.
func (c *conn) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	if c.interrupt != nil {
		c.interrupt(errNewer)
	}
	c.interrupt = cancel
	c.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
		return ctx, func() { <-c.turn; cancel(nil) }, nil
	case <-ctx.Done():
		return ctx, func() { cancel(nil) }, ctx.Err()
	}
}

// arrive takes note that answer n arrived: a request names it. It returns the
// answer when the same was asked before and is answered already.
func (c *conn) arrive(n int64, asked digest) (again []byte, err error) {
	switch {
	case c.last != nil && n == c.last.n:
		c.have.take(c.last)
		c.n, c.last = n, nil
	case n != c.n:
		return nil, unknownPos()
	case c.last != nil && c.last.answer != nil && c.last.digest == asked:
		return c.last.answer, nil
	}
	return nil, nil
}

// pos returns the position that answer n ends at.
func (c *conn) pos(n int64, at matrix.Position) string {
	return rooms.Token{Pos: at, Conn: c.id, Answer: n}.Connection()
}

func unknownPos() error {
	return matrix.Errorf(matrix.UnknownPos, "This position is not of this connection, or was forgotten. Begin anew without one.")
}
