package listen

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// patience is how long a client may keep the server waiting. Waiting for news
// takes no patience: there is no limit on how long a handler takes, only on
// how long the client takes when it is its turn.
type patience struct {
	header time.Duration // from the connection, or the request's first byte, to the end of its header
	idle   time.Duration // between two requests
	read   time.Duration // for the next bytes of a body
	write  time.Duration // until the next piece of an answer is taken
}

var usualPatience = patience{
	header: 20 * time.Second,
	idle:   3 * time.Minute, // longer than clients pause between two syncs
	read:   30 * time.Second,
	write:  30 * time.Second,
}

// piece is how much of an answer has to be taken within patience.write: on
// the slowest line that is still served, 2 kB/s.
const piece = 64 << 10

// listener returns l with connections that do not wait for ever to be written to.
func (p patience) listener(l net.Listener) net.Listener {
	return &listener{Listener: l, write: p.write}
}

type listener struct {
	net.Listener
	write time.Duration
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, write: l.write}, nil
}

// conn is a connection whose writes fail when the other side takes nothing.
// Deadlines are in nanoseconds of Unix time; 0 is none.
type conn struct {
	net.Conn
	write time.Duration
	until atomic.Int64 // set by somebody else
	armed atomic.Int64 // set by Write, and in force
}

// Write writes p piece by piece, each with its own deadline: a slow reader of
// something large has as much time as it takes.
func (c *conn) Write(p []byte) (int, error) {
	written := 0
	for {
		if err := c.arm(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:min(len(p), written+piece)])
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// arm sets the deadline of a write: the nearer one of ours and that of somebody
// else, since TLS sets one to say goodbye. Ours is left alone while three
// quarters of it are left, which spares busy connections most of the calls.
func (c *conn) arm() error {
	now := time.Now()
	ours := now.Add(c.write)
	if until := c.until.Load(); until != 0 && until < ours.UnixNano() {
		c.armed.Store(0)
		return c.Conn.SetWriteDeadline(time.Unix(0, until))
	}
	if time.Duration(c.armed.Load()-now.UnixNano()) > c.write*3/4 {
		return nil
	}
	c.armed.Store(ours.UnixNano())
	return c.Conn.SetWriteDeadline(ours)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.remember(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.remember(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) remember(t time.Time) {
	c.armed.Store(0)
	if t.IsZero() {
		c.until.Store(0)
		return
	}
	c.until.Store(t.UnixNano())
}

// handler returns h with bodies and answers that do not wait for ever.
func (p patience) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Body != http.NoBody {
			r.Body = &body{ReadCloser: r.Body, control: control, read: p.read, major: r.ProtoMajor}
		}
		if r.ProtoMajor < 2 {
			h.ServeHTTP(w, r)
			return
		}
		// In HTTP/2 a client can stop taking one answer while the connection
		// as a whole goes on.
		h.ServeHTTP(&stream{ResponseWriter: w, control: control, write: p.write}, r)
		_ = control.SetWriteDeadline(time.Now().Add(p.write)) // for what is still buffered
	})
}

// body is a request's body that fails when nothing more of it comes.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	read    time.Duration
	major   int // of HTTP's version
}

// Read sets a deadline for as long as it waits. There must be none after the
// body: it would end the request while its handler works or waits for news.
// HTTP/2 ends the request even between two reads.
func (b *body) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(b.read)); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF || b.major >= 2 && err == nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// stream is an answer over HTTP/2 that fails when nobody takes it.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	write   time.Duration
}

// Write sets a deadline for each piece for as long as it takes.
func (s *stream) Write(p []byte) (int, error) {
	written := 0
	defer s.control.SetWriteDeadline(time.Time{})
	for {
		if err := s.control.SetWriteDeadline(time.Now().Add(s.write)); err != nil {
			return written, err
		}
		n, err := s.ResponseWriter.Write(p[written:min(len(p), written+piece)])
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// Unwrap is for http.ResponseController.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }
