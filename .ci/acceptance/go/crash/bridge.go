package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"
)

// registration is that of a bridge that everything concerns.
const registration = `id: witness
url: http://%s
as_token: witness-as
hs_token: witness-hs
sender_localpart: witness
rate_limited: false
namespaces: {users: [{exclusive: false, regex: "@p.*"}]}
`

func writeRegistration(file, listen string) error {
	return os.WriteFile(file, fmt.Appendf(nil, registration, listen), 0o600)
}

// witness is a bridge that hears everything, and fails now and then itself. It
// checks that what it is told is told in order, and that a transaction that
// comes again is the same.
type witness struct {
	mu     sync.Mutex
	last   string // id of the newest transaction
	body   []byte
	calm   bool // it fails no more
	heard  map[id.EventID]string
	again  int // transactions that came again after they had been taken
	broken error
}

func (w *witness) listen(address string) error {
	w.heard = map[id.EventID]string{}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() { panic(http.Serve(l, w)) }()
	return nil
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || !w.calm && rand.IntN(5) == 0 {
		http.Error(out, "not now", http.StatusInternalServerError)
		return
	}
	w.take(path.Base(r.URL.Path), body)
	if !w.calm && rand.IntN(5) == 0 {
		http.Error(out, "taken, and the answer is lost", http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(out, "{}")
}

// take takes over a transaction once.
func (w *witness) take(txn string, body []byte) {
	if txn == w.last {
		w.again++
		if !bytes.Equal(body, w.body) {
			w.broken = fmt.Errorf("transaction %s is another than before", txn)
		}
		return
	}
	if len(txn) == len(w.last) && txn < w.last || len(txn) < len(w.last) {
		w.broken = fmt.Errorf("transaction %s after %s", txn, w.last)
	}
	w.last, w.body = txn, body
	var told struct {
		Events []struct {
			ID      id.EventID `json:"event_id"`
			Content struct {
				Body string `json:"body"`
			} `json:"content"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		w.broken = err
		return
	}
	for _, e := range told.Events {
		if _, ok := w.heard[e.ID]; ok {
			w.broken = fmt.Errorf("%s came in two transactions", e.ID)
		}
		w.heard[e.ID] = e.Content.Body
	}
}

// heardAll waits until the witness has heard everything that was acknowledged.
// It fails no more: what waits for it by now would take a second for each time
// that it did.
func (w *world) heardAll(ctx context.Context) error {
	if w.witness == nil {
		return nil
	}
	w.witness.mu.Lock()
	w.witness.calm = true
	w.witness.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	for {
		missing, err := w.missing()
		if err != nil || missing == 0 {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the bridge did not hear %d messages that were acknowledged", missing)
		}
	}
}

func (w *world) missing() (n int, err error) {
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	for _, p := range w.people {
		for ev, says := range p.sent {
			switch heard, ok := w.witness.heard[ev]; {
			case !ok:
				n++
			case heard != says:
				return n, fmt.Errorf("the bridge heard %q as %q", says, heard)
			}
		}
	}
	return n, w.witness.broken
}
