package e2ee

import (
	"context"
	"maps"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/devicekeys"
)

// everCounted is counted even when there is no key of it, because clients
// upload new ones when they are told 0, and not when they are told nothing.
const everCounted = "signed_curve25519"

// Stock is what a device has left to be given out.
type Stock struct {
	OneTime         map[string]int // keys by algorithm
	UnusedFallbacks []string       // algorithms
}

// Equal reports whether s and other say the same.
func (s *Stock) Equal(other *Stock) bool {
	return s == other || maps.Equal(s.OneTime, other.OneTime) && slices.Equal(s.UnusedFallbacks, other.UnusedFallbacks)
}

// stock is the Stock of a device in memory.
type stock struct {
	mu    sync.Mutex
	known *Stock
	epoch int // how often it changed
}

func (k *Keys) stockOf(key deviceKey) *stock {
	if s, ok := k.stock.Get(key); ok {
		return s
	}
	s := &stock{}
	if old, ok, _ := k.stock.PeekOrAdd(key, s); ok {
		return old
	}
	return s
}

// Stock returns what a device has left. Sync tells it in every answer. It is
// shared: callers do not change it.
//
// Spec: client-server-api#e2e-extensions-to-sync
func (k *Keys) Stock(ctx context.Context, user id.UserID, device id.DeviceID) (*Stock, error) {
	s := k.stockOf(deviceKey{user, device})
	s.mu.Lock()
	known, epoch := s.known, s.epoch
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	err := k.db.Read(ctx, func(tx *storage.Tx) (err error) {
		known, err = readStock(ctx, tx, user, device)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch == epoch {
		s.known = known
	}
	return known, nil
}

func readStock(ctx context.Context, tx *storage.Tx, user id.UserID, device id.DeviceID) (*Stock, error) {
	counts, err := devicekeys.Counts(ctx, tx, user, device)
	if err != nil {
		return nil, err
	}
	out := &Stock{OneTime: map[string]int{everCounted: 0}}
	for _, c := range counts {
		out.OneTime[c.Algorithm] = c.Count
	}
	out.UnusedFallbacks, err = devicekeys.UnusedFallbacks(ctx, tx, user, device)
	if out.UnusedFallbacks == nil {
		out.UnusedFallbacks = []string{}
	}
	return out, err
}

// touched forgets, after the commit of tx, what is known of a device's stock.
func (k *Keys) touched(tx *storage.Tx, key deviceKey) {
	tx.OnCommit(func() {
		s := k.stockOf(key)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.known = nil
		s.epoch++
	})
}
