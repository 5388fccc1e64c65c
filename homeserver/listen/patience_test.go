package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network without sockets, on which time need not be real.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serving serves h in a bubble of virtual time, with the usual patience, until
// the test ends.
func serving(t *testing.T, config *tls.Config, h http.HandlerFunc) *pipes {
	t.Helper()
	s, err := Open(nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.listeners = append(s.listeners, s.opt.patience.listener(p))
	s.servers = append(s.servers, s.server(Address{TLS: config, Handler: h}))
	done := make(chan error)
	go func() { done <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

// transport returns a client's end of p that speaks HTTP/2 if it can.
func (p *pipes) transport(t *testing.T) *http.Transport {
	tr := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil },
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// closedAfter reads until the server closes the connection, and returns what
// came before and how long it took.
func closedAfter(c net.Conn) (string, time.Duration) {
	start := time.Now()
	all, _ := io.ReadAll(c)
	return string(all), time.Since(start)
}

func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := serving(t, nil, func(http.ResponseWriter, *http.Request) { t.Error("a request got through") })
		silent := p.dial()
		if _, took := closedAfter(silent); took > usualPatience.header {
			t.Errorf("silence was borne for %s", took)
		}
		slow := p.dial()
		go io.Copy(io.Discard, slow)
		start := time.Now()
		_, err := io.WriteString(slow, "GET / HTTP/1.1\r\n")
		for err == nil { // a byte now and then is not enough
			time.Sleep(time.Second)
			_, err = io.WriteString(slow, "X")
		}
		if took := time.Since(start); took > usualPatience.header+time.Second {
			t.Errorf("a slow header was borne for %s", took)
		}
	})
}

func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := serving(t, nil, func(http.ResponseWriter, *http.Request) { t.Error("a request got through") })
		c := p.dial()
		go func() { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n") }()
		if got, _ := closedAfter(c); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
			t.Errorf("answered %q", got)
		}
	})
}

func TestSlowBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan error, 1)
		p := serving(t, nil, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			ends <- err
		})
		c := p.dial()
		go io.Copy(io.Discard, c)
		start := time.Now()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
		if err := <-ends; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != usualPatience.read {
			t.Errorf("half a body ended with %v after %s", err, time.Since(start))
		}
		c.Close()

		// Slow all the way is slow, but goes on.
		c = p.dial()
		go io.Copy(io.Discard, c)
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
		for range 100 {
			time.Sleep(usualPatience.read - time.Second)
			_, _ = io.WriteString(c, "x")
		}
		if err := <-ends; err != nil {
			t.Errorf("a slow body ended with %v", err)
		}
		c.Close()
	})
}

// Who waits for news is not cut off, before or after having sent a body.
func TestLongPolls(t *testing.T) {
	t.Parallel()
	config, err := SelfSigned("one.example")
	if err != nil {
		t.Fatal(err)
	}
	wait := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(time.Hour)
		if err := r.Context().Err(); err != nil {
			t.Errorf("%s %s was cut off: %v", r.Proto, r.Method, err)
		}
		_, _ = io.WriteString(w, "news over "+r.Proto)
	}
	for url, config := range map[string]*tls.Config{"http://one.example": nil, "https://one.example": config} {
		for _, body := range []string{"", "a body"} {
			synctest.Test(t, func(t *testing.T) {
				tr := serving(t, config, wait).transport(t)
				r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := tr.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				want := "news over HTTP/1.1"
				if config != nil {
					want = "news over HTTP/2.0"
				}
				if got, err := io.ReadAll(resp.Body); err != nil || string(got) != want {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
	}
}

func TestSlowReaders(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 10*piece)
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan error, 1)
		p := serving(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.WriteString(w, large)
			ends <- err
		})
		const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		c := p.dial()
		_, _ = io.WriteString(c, request)
		start := time.Now()
		if err := <-ends; err == nil || time.Since(start) > usualPatience.write || time.Since(start) < usualPatience.write/2 {
			t.Errorf("an answer that nobody takes ended with %v after %s", err, time.Since(start))
		}
		c.Close()

		// One that takes it slowly gets all of it, however long that is.
		c = p.dial()
		_, _ = io.WriteString(c, request)
		slow := bufio.NewReaderSize(&lazy{c}, 16<<10)
		resp, err := http.ReadResponse(slow, nil)
		if err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != large || time.Since(start) < 2*usualPatience.write {
			t.Errorf("got %d bytes in %s, %v", len(got), time.Since(start), err)
		}
		if err := <-ends; err != nil {
			t.Error(err)
		}
		c.Close()
	})
}

// lazy reads now and then.
type lazy struct{ net.Conn }

func (l *lazy) Read(p []byte) (int, error) {
	time.Sleep(3 * time.Second)
	return l.Conn.Read(p)
}

// Over HTTP/2 one answer can stall while the connection lives.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	config, err := SelfSigned("one.example")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ends := make(chan time.Duration, 1)
		tr := serving(t, config, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/small" {
				return
			}
			start := time.Now()
			var err error
			for err == nil {
				_, err = io.WriteString(w, strings.Repeat("x", piece))
			}
			ends <- time.Since(start)
		}).transport(t)
		ask := func(path string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), "GET", "https://one.example"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		stalled := ask("/large")
		if took := <-ends; took != usualPatience.write {
			t.Errorf("an answer that nobody takes ended after %s", took)
		}
		ask("/small").Body.Close() // over the same connection
		stalled.Body.Close()
	})
}

// Closing a connection that is stuck does not wait for it.
func TestDeadlinesOfOthersCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		c := &conn{Conn: theirs, write: 30 * time.Second}
		for _, set := range []func(time.Time) error{c.SetWriteDeadline, c.SetDeadline} {
			if err := set(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 5*time.Second {
				t.Errorf("written for %s, %v", time.Since(start), err)
			}
			if err := set(time.Time{}); err != nil {
				t.Fatal(err)
			}
			start = time.Now()
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 30*time.Second {
				t.Errorf("written for %s, %v", time.Since(start), err)
			}
		}
	})
}
