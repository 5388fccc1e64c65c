package homeserver

import (
	"context"
	"net/http"
	"sync"
)

// gate counts the requests that are being answered, so that the parts that
// they use do not stop before them. Those that come over a connection are
// waited for by their listener already; others come from this process.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed when it is closed and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// handler returns h behind the gate.
func (g *gate) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			http.Error(w, `{"errcode":"M_UNKNOWN","error":"The server stops."}`, http.StatusServiceUnavailable)
			return
		}
		defer g.leave()
		h.ServeHTTP(w, r)
	})
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.settle()
}

// settle tells Run when the last one has left. The caller holds mu.
func (g *gate) settle() {
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// Run waits for ctx to end, lets nobody in from then on, and returns when all
// have left.
func (g *gate) Run(ctx context.Context) error {
	<-ctx.Done()
	g.mu.Lock()
	g.closed = true
	g.settle()
	g.mu.Unlock()
	<-g.empty
	return nil
}
