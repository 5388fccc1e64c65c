package rooms

import (
	"context"
	"sync"
)

// intake is a lock that can be waited for with a context: what other servers
// send into a room is handled one after the other, and may take long.
type intake struct {
	once sync.Once
	free chan struct{}
}

func (l *intake) lock(ctx context.Context) error {
	l.once.Do(func() { l.free = make(chan struct{}, 1) })
	select {
	case l.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *intake) unlock() { <-l.free }

// singly are locks by key.
type singly[K comparable] struct {
	mu   sync.Mutex
	held map[K]*turnstile
}

type turnstile struct {
	lock  intake
	users int
}

// lock waits until nobody else holds key, and returns what gives it back.
func (s *singly[K]) lock(ctx context.Context, key K) (func(), error) {
	s.mu.Lock()
	if s.held == nil {
		s.held = map[K]*turnstile{}
	}
	one := s.held[key]
	if one == nil {
		one = &turnstile{}
		s.held[key] = one
	}
	one.users++
	s.mu.Unlock()
	drop := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(s.held, key)
		}
	}
	if err := one.lock.lock(ctx); err != nil {
		drop()
		return nil, err
	}
	return func() { one.lock.unlock(); drop() }, nil
}
