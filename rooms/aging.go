package rooms

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// aging is a bounded cache whose entries count for a while only. It needs no
// goroutine: what is too old is not given out, and goes when there is no room.
type aging[K comparable, V any] struct {
	entries *lru.Cache[K, aged[V]]
	life    time.Duration
	now     func() time.Time
}

type aged[V any] struct {
	value V
	until time.Time
}

func newAging[K comparable, V any](size int, life time.Duration, now func() time.Time) (*aging[K, V], error) {
	entries, err := lru.New[K, aged[V]](size)
	return &aging[K, V]{entries, life, now}, err
}

// Get returns what is known under key, if it is not too old.
func (c *aging[K, V]) Get(key K) (V, bool) {
	e, ok := c.entries.Get(key)
	return e.value, ok && c.now().Before(e.until)
}

// Add keeps value under key from now on.
func (c *aging[K, V]) Add(key K, value V) {
	c.entries.Add(key, aged[V]{value, c.now().Add(c.life)})
}
