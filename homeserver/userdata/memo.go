package userdata

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/internal/matrix"
)

// memo holds what the database says of each key (a user, a room) in memory:
// read when it is first asked for, kept in step by the functions that run
// after a commit, forgotten when it was not used for long. When a key last
// changed is never forgotten, so that the usual question of a sync, "anything
// new?", costs no read.
type memo[K comparable, V any] struct {
	load func(ctx context.Context, key K, put func(func(*V))) error

	mu   sync.Mutex
	last map[K]matrix.Position // of every key that was read or changed
	held *lru.Cache[K, *held[V]]
}

// held is the value of one key.
type held[V any] struct {
	mu     sync.Mutex
	loaded bool // everything in the database is in v
	v      V
}

// newMemo makes a memo of up to size values. load hands what the database
// holds to put, entry by entry or at once: a value may have heard of newer
// changes before.
func newMemo[K comparable, V any](size int, load func(ctx context.Context, key K, put func(func(*V))) error) (*memo[K, V], error) {
	cache, err := lru.New[K, *held[V]](size)
	return &memo[K, V]{load: load, last: map[K]matrix.Position{}, held: cache}, err
}

// isQuiet reports whether nothing of key changed after a position, as far as
// memory knows.
func (m *memo[K, V]) isQuiet(key K, after matrix.Position) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last, known := m.last[key]
	return known && last <= after
}

// with runs fn on the whole value of key, which stays locked meanwhile.
func (m *memo[K, V]) with(ctx context.Context, key K, fn func(*V)) error {
	h := m.of(key)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.loaded {
		if err := m.fill(ctx, key, h); err != nil {
			return err
		}
	}
	fn(&h.v)
	return nil
}

func (m *memo[K, V]) of(key K) *held[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.held.Get(key)
	if !ok {
		h = &held[V]{}
		m.held.Add(key, h)
	}
	return h
}

// fill reads the value of key. The caller holds h.mu, which is given back
// while the database is read: the writer must never wait for a read.
func (m *memo[K, V]) fill(ctx context.Context, key K, h *held[V]) error {
	h.mu.Unlock()
	var found []func(*V)
	err := m.load(ctx, key, func(put func(*V)) { found = append(found, put) })
	h.mu.Lock()
	if err != nil {
		return err
	}
	for _, put := range found {
		put(&h.v)
	}
	h.loaded = true
	return nil
}

// saw notes that key changed at pos, or that it is known not to have changed
// after pos.
func (m *memo[K, V]) saw(key K, pos matrix.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last[key] = max(m.last[key], pos)
}

// change takes over a committed change of key. It runs in the log's writer.
func (m *memo[K, V]) change(key K, pos matrix.Position, put func(*V)) {
	m.mu.Lock()
	m.last[key] = max(m.last[key], pos)
	h, ok := m.held.Get(key)
	m.mu.Unlock()
	if !ok {
		return // it will be read from the database
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	put(&h.v)
}

// forget drops the value of key, which is gone from the database.
func (m *memo[K, V]) forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held.Remove(key)
}
