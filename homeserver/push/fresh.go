package push

import (
	"context"
	"sync"
)

// fresh is the pushers that were set and are to be told a token.
type fresh struct {
	mu   sync.Mutex
	keys []pusherKey
	news chan struct{} // holds a value when there are some
}

func newFresh() *fresh { return &fresh{news: make(chan struct{}, 1)} }

func (f *fresh) add(key pusherKey) {
	f.mu.Lock()
	f.keys = append(f.keys, key)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// each calls fn with those that come, until ctx ends.
func (f *fresh) each(ctx context.Context, fn func(pusherKey)) {
	for {
		select {
		case <-f.news:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		keys := f.keys
		f.keys = nil
		f.mu.Unlock()
		for _, key := range keys {
			fn(key)
		}
	}
}
