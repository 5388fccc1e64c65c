package httpx

import (
	"net/netip"
	"testing"
	"time"
)

// The key of an address changes with the hour, so that nobody can be followed
// by it.
func TestAddressKeysRotate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	keys := &addressKeys{now: func() time.Time { return now }}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	first := keys.key(a)
	if keys.key(a) != first || keys.key(b) == first {
		t.Error("keys do not tell addresses apart")
	}
	now = now.Add(secretLife)
	if keys.key(a) != first {
		t.Error("changed too early")
	}
	now = now.Add(time.Second)
	if keys.key(a) == first {
		t.Error("the same key in the next hour")
	}
	other := &addressKeys{now: func() time.Time { return now }}
	if other.key(a) == keys.key(a) {
		t.Error("the same key on another server")
	}
}

func TestFullAllowancesAreForgotten(t *testing.T) {
	t.Parallel()
	l := newLimiter(map[Rate]Limit{RateLogin: {PerSecond: 10, Burst: 2}}, time.Now)
	c := l.classes[RateLogin]
	for i := range 100_000 {
		now := time.Duration(i) * time.Millisecond
		if err := c.take(caller{address: addressKey{byte(i), byte(i >> 8), byte(i >> 16)}}, now); err != nil {
			t.Fatal(err)
		}
	}
	// Each is full again after 100 ms, in which 100 others come.
	if n := len(c.full); n > 2*sweepMin {
		t.Errorf("%d callers are remembered", n)
	}
}
