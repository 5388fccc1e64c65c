package peers

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

var (
	// errSlow is the cause of giving up on a server that is too slow.
	errSlow    = errors.New("the server did not answer in time")
	errTooLong = errors.New("the answer is too long")
)

const (
	stallTime = 30 * time.Second // without a single byte
	// An answer has to come at least this fast, once it comes: somebody who
	// sends a byte now and then keeps a connection and its memory for nothing.
	stretchTime  = time.Minute
	stretchBytes = 16 << 10
)

// watch gives up on an answer that takes too long.
type watch struct {
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
	whole  *time.Timer

	mu      sync.Mutex
	stall   *time.Timer // nil before the answer begins
	stopped bool
}

// newWatch gives up when an answer takes longer than whole, or when it stalls.
func newWatch(ctx context.Context, whole time.Duration) *watch {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{ctx: ctx, cancel: cancel}
	w.whole = time.AfterFunc(whole, func() { cancel(errSlow) })
	return w
}

// cause returns errSlow instead of err when that is what w has caused.
func (w *watch) cause(err error) error {
	if err != nil && context.Cause(w.ctx) == errSlow {
		return errSlow
	}
	return err
}

// alive notes that something came.
func (w *watch) alive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped:
	case w.stall == nil:
		w.stall = time.AfterFunc(stallTime, func() { w.cancel(errSlow) })
	default:
		w.stall.Reset(stallTime)
	}
}

// stop ends the watch, and the request.
func (w *watch) stop() {
	w.mu.Lock()
	w.stopped = true
	if w.stall != nil {
		w.stall.Stop()
	}
	w.mu.Unlock()
	w.whole.Stop()
	w.cancel(context.Canceled)
}

// body is the body of an answer that ends with an error when it is too long or
// too slow.
type body struct {
	from  io.ReadCloser
	left  int64
	watch *watch
	done  func()
	once  sync.Once

	since time.Time // start of the stretch
	came  int       // in it
	slow  bool      // given up
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	if b.since.IsZero() {
		b.since = time.Now()
		b.watch.alive()
	}
	if b.slow {
		return 0, errSlow
	}
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.from.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLong
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.came += n
	b.watch.alive()
	if took := time.Since(b.since); took > stretchTime {
		if b.slow = b.came < stretchBytes && err == nil; b.slow {
			return n, nil // what came may be the end
		}
		b.since, b.came = b.since.Add(took), 0
	}
	return n, b.watch.cause(err)
}

// Close ends the request.
func (b *body) Close() error {
	err := b.from.Close()
	b.once.Do(func() {
		b.watch.stop()
		b.done()
	})
	return err
}
