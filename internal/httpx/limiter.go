package httpx

import (
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// caller is whose requests are counted together: a user, or an address when
// nobody is logged in.
type caller struct {
	user    id.UserID
	address addressKey
}

// limiter holds back those who ask too often.
type limiter struct {
	classes   [rateCount]*class // nil where there is no limit
	now       func() time.Time
	start     time.Time
	addresses *addressKeys
}

// class counts the requests of one class of routes.
//
// For each caller it keeps only when their allowance will be full again. A
// request moves that by the time it takes to refill one, and is refused when
// it would move farther ahead than a full allowance lasts (the generic cell
// rate algorithm). Whoever's allowance is full need not be remembered.
type class struct {
	refill time.Duration // of one request
	most   time.Duration // how far ahead of now a caller may be before a request

	mu      sync.Mutex
	full    map[caller]time.Duration // since the limiter's start
	sweepAt int                      // entries at which to forget who need not be remembered
}

// sweepMin is how many callers are remembered without looking through them.
const sweepMin = 1024

func newLimiter(limits map[Rate]Limit, now func() time.Time) *limiter {
	l := &limiter{now: now, start: now(), addresses: &addressKeys{now: now}}
	for rate, limit := range limits {
		if limit.PerSecond <= 0 || limit.Burst <= 0 {
			continue
		}
		refill := time.Duration(float64(time.Second) / limit.PerSecond)
		l.classes[rate] = &class{
			refill:  refill,
			most:    refill * time.Duration(limit.Burst-1),
			full:    make(map[caller]time.Duration),
			sweepAt: sweepMin,
		}
	}
	return l
}

// take counts a request of who, or returns M_LIMIT_EXCEEDED.
func (c *class) take(who caller, now time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	full := max(c.full[who], now)
	if wait := full - now - c.most; wait > 0 {
		return &matrix.Error{Code: matrix.LimitExceeded, Text: "Too many requests. Wait a moment and try again.", RetryAfter: wait}
	}
	c.full[who] = full + c.refill
	if len(c.full) >= c.sweepAt {
		c.sweep(now)
	}
	return nil
}

// sweep forgets whose allowance is full. It is called when the entries have
// doubled since it last ran, so that its cost per request stays small.
func (c *class) sweep(now time.Duration) {
	for who, full := range c.full {
		if full <= now {
			delete(c.full, who)
		}
	}
	c.sweepAt = max(sweepMin, 2*len(c.full))
}

// limit counts the request against whoever makes it.
func (x *exchange) limit() error {
	l := x.mux.limits
	c := l.classes[x.match.endpoint.Rate]
	if c == nil || x.principal.Unlimited {
		return nil
	}
	who := caller{user: x.principal.User}
	if x.principal.IsAnyone() {
		who.address = l.addresses.key(address(x.http, x.mux.proxies))
	}
	return c.take(who, l.now().Sub(l.start))
}
