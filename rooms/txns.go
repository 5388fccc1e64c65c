package rooms

import (
	"context"
	"crypto/sha256"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// devicesCached bounds the devices whose transaction ids are in memory.
const devicesCached = 10_000

// txns remembers the transaction ids of clients, so that a request that is
// sent again has the same answer, also after a restart.
//
// Spec: client-server-api#transaction-identifiers
type txns struct {
	r     *Rooms
	mu    sync.Mutex
	cache *lru.Cache[deviceKey, *deviceTxns]
}

type deviceKey struct {
	user   id.UserID
	device id.DeviceID
}

type txnHash [16]byte

// deviceTxns are those of one device. Its lock is held while an event is
// sent: one device's sends are in order anyway.
type deviceTxns struct {
	mu      sync.Mutex
	loaded  bool
	byHash  map[txnHash]id.EventID
	running map[txnHash]chan struct{}
	texts   map[matrix.Position]string
}

func newTxns(r *Rooms) (*txns, error) {
	cache, err := lru.New[deviceKey, *deviceTxns](devicesCached)
	return &txns{r: r, cache: cache}, err
}

func hashTxn(parts ...string) (h txnHash) {
	s := sha256.New()
	for _, p := range parts {
		s.Write([]byte(p))
		s.Write([]byte{0})
	}
	copy(h[:], s.Sum(nil))
	return h
}

func (t *txns) of(user id.UserID, device id.DeviceID) *deviceTxns {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := deviceKey{user, device}
	d, ok := t.cache.Get(key)
	if !ok {
		d = &deviceTxns{byHash: map[txnHash]id.EventID{}, running: map[txnHash]chan struct{}{}, texts: map[matrix.Position]string{}}
		t.cache.Add(key, d)
	}
	return d
}

// load reads the device's transaction ids once. The caller holds d.mu.
func (t *txns) load(ctx context.Context, d *deviceTxns, user id.UserID, device id.DeviceID) error {
	if d.loaded {
		return nil
	}
	var rows []eventlog.TxnRow
	err := t.r.db.Read(ctx, func(tx *storage.Tx) (err error) {
		rows, err = t.r.log.Txns(ctx, tx, user, device)
		return err
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		d.byHash[txnHash(row.Hash)] = row.EventID()
		d.texts[row.Event] = row.Txn
	}
	d.loaded = true
	return nil
}

// once runs send unless h was done before, or waits for the one that runs.
func (t *txns) once(ctx context.Context, p matrix.Principal, h txnHash, send func() (id.EventID, error)) (id.EventID, error) {
	d := t.of(p.User, p.Device)
	for {
		d.mu.Lock()
		if err := t.load(ctx, d, p.User, p.Device); err != nil {
			d.mu.Unlock()
			return "", err
		}
		if ev, ok := d.byHash[h]; ok {
			d.mu.Unlock()
			return ev, nil
		}
		wait, ok := d.running[h]
		if !ok {
			wait = make(chan struct{})
			d.running[h] = wait
			d.mu.Unlock()
			ev, err := send()
			d.mu.Lock()
			delete(d.running, h)
			d.mu.Unlock()
			close(wait)
			return ev, err
		}
		d.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// apply takes over the transaction ids of a committed batch.
func (t *txns) apply(b *batch) {
	for i, entry := range b.entries {
		if entry.Txn == nil {
			continue
		}
		d := t.of(entry.Sender, entry.Txn.Device)
		d.mu.Lock()
		d.byHash[txnHash(entry.Txn.Hash)] = b.events[i].ID
		d.texts[b.events[i].Pos] = entry.Txn.Txn
		d.mu.Unlock()
	}
}

// text returns the transaction id with which the device of p sent e, "" for another's event.
func (t *txns) text(ctx context.Context, p matrix.Principal, e *Event) string {
	if e.Sender != p.User || p.Device == "" {
		return ""
	}
	d := t.of(p.User, p.Device)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := t.load(ctx, d, p.User, p.Device); err != nil {
		return "" // a hint for the client's local echo, not worth failing for
	}
	return d.texts[e.Pos]
}
