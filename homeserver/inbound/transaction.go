package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/semaphore"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Transaction is what a server sends at a time.
//
// Spec: server-server-api#put_matrixfederationv1sendtxnid
type Transaction struct {
	PDUs []json.RawMessage `json:"pdus"`
	EDUs []json.RawMessage `json:"edus"`
}

// PDUResult says what became of an event.
type PDUResult struct {
	Error string `json:"error,omitempty"` // why it was refused; "": it was not
}

// Results are what became of the events of a transaction.
type Results map[id.EventID]PDUResult

// What a transaction may hold.
//
// Spec: server-server-api#transactions
const (
	maxPDUs = 50
	maxEDUs = 100
)

// remembered is how many transactions are known by their ids. Should one come
// again later than that, its events are known.
const remembered = 10_000

type txnKey struct{ origin, txn string }

// outcome is what became of a transaction.
type outcome struct {
	done    chan struct{} // closed when results are final
	results Results
	err     error // the transaction failed and may come again
}

// origin is a server with something under way.
type origin struct {
	transactions int
	rooms        *semaphore.Weighted
}

// Transaction takes in what another server sends. A transaction that is known
// by its id is answered as it was before. An answer that takes too long is
// given before everything is done: the events of that transaction that are
// still being handled are not in it.
func (in *Inbound) Transaction(ctx context.Context, from, txn string, t Transaction) (Results, error) {
	if len(t.PDUs) > maxPDUs || len(t.EDUs) > maxEDUs {
		in.metrics.transaction("too large")
		return nil, &matrix.Error{Code: matrix.TooLarge, Status: 400, Text: "A transaction has at most 50 PDUs and 100 EDUs."}
	}
	o, err := in.begin(txnKey{from, txn}, t)
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(in.opt.Patience)
	defer patience.Stop()
	select {
	case <-o.done:
		return o.results, o.err
	case <-patience.C:
		in.metrics.transaction("late")
		return Results{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin starts on a transaction, or finds the one with the same id.
func (in *Inbound) begin(key txnKey, t Transaction) (*outcome, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if o, ok := in.heard.Get(key); ok {
		in.metrics.transaction("again")
		return o, nil
	}
	from := in.origins[key.origin]
	if from == nil {
		from = &origin{rooms: semaphore.NewWeighted(in.opt.RoomsAt)}
	}
	if in.stopped || from.transactions >= in.opt.PerOrigin || in.total >= in.opt.Total {
		in.metrics.transaction("too many")
		return nil, &matrix.Error{Code: matrix.LimitExceeded, Text: "Too many transactions are under way. Come back later.", RetryAfter: 5 * time.Second}
	}
	in.origins[key.origin] = from
	from.transactions++
	in.total++
	o := &outcome{done: make(chan struct{})}
	in.heard.Add(key, o)
	in.working.Go(func() {
		defer in.finish(key, from, o)
		o.results, o.err = in.handle(in.life, key.origin, from, t)
	})
	return o, nil
}

// finish makes the outcome of a transaction known.
func (in *Inbound) finish(key txnKey, from *origin, o *outcome) {
	close(o.done)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.total--
	if from.transactions--; from.transactions == 0 {
		delete(in.origins, key.origin)
	}
	if o.err != nil {
		in.heard.Remove(key)
		in.metrics.transaction("failed")
		return
	}
	in.metrics.transaction("taken")
}

// edusWait is how long what is not an event waits for the events of the same
// transaction. Somebody's receipt is often at one of them; but who types must
// not wait until a gap is filled.
const edusWait = 5 * time.Second

// handle takes in everything of t.
func (in *Inbound) handle(ctx context.Context, from string, o *origin, t Transaction) (Results, error) {
	var edus error
	var wait, events sync.WaitGroup
	taken := make(chan struct{})
	wait.Go(func() {
		select { // what is said of an event comes after it
		case <-taken:
		case <-time.After(edusWait):
		case <-ctx.Done():
		}
		edus = in.guarded(func() error { return in.handleEDUs(ctx, from, t.EDUs) })
	})
	rooms := in.split(t.PDUs)
	each := make([]Results, len(rooms))
	for i, list := range rooms {
		if err := o.rooms.Acquire(ctx, 1); err != nil {
			break // the server stops
		}
		events.Go(func() {
			defer o.rooms.Release(1)
			each[i] = in.handleRoom(ctx, from, list)
		})
	}
	events.Wait()
	close(taken)
	wait.Wait()
	if err := errors.Join(edus, ctx.Err()); err != nil {
		return nil, err
	}
	all := Results{}
	for _, results := range each {
		for ev, r := range results {
			all[ev] = r
		}
	}
	return all, nil
}

// split sorts events by room, in their order.
func (in *Inbound) split(pdus []json.RawMessage) [][]json.RawMessage {
	var rooms [][]json.RawMessage
	at := map[string]int{}
	for _, raw := range pdus {
		room := gjson.GetBytes(raw, "room_id")
		if room.Type != gjson.String || room.Str == "" {
			in.metrics.pdu("malformed") // without a room nobody knows its id
			continue
		}
		i, ok := at[room.Str]
		if !ok {
			i = len(rooms)
			at[room.Str] = i
			rooms = append(rooms, nil)
		}
		rooms[i] = append(rooms[i], raw)
	}
	return rooms
}
