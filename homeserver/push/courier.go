package push

import (
	"context"
	"log/slog"
	"sync"
)

// couriers bring notifications to pushers, one for each that has some.
type couriers struct {
	p   *Push
	ctx context.Context // of Run, for as long as which they work
	all sync.WaitGroup

	mu sync.Mutex
	at map[pusherKey]*courier
}

// courier is at work for one pusher.
type courier struct {
	more bool // something came while it was at work; guarded by couriers.mu
}

// resume brings what a former process left behind.
func (c *couriers) resume() {
	if c.p.opt.Gateway == nil {
		return
	}
	for _, key := range c.p.pushers.keys() {
		c.send(key)
	}
}

// send has what is stored for a pusher brought to it.
func (c *couriers) send(key pusherKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.at[key]; at != nil {
		at.more = true
		return
	}
	at := &courier{}
	c.at[key] = at
	c.all.Go(func() { c.work(key, at) })
}

// work delivers until nothing is left.
func (c *couriers) work(key pusherKey, at *courier) {
	for {
		if err := c.p.deliver(c.ctx, key); err != nil && c.ctx.Err() == nil {
			c.p.log.LogAttrs(c.ctx, slog.LevelError, "notifications wait for a restart", slog.Any("err", err))
		}
		c.mu.Lock()
		done := !at.more || c.ctx.Err() != nil
		at.more = false
		if done {
			delete(c.at, key)
		}
		c.mu.Unlock()
		if done {
			return
		}
	}
}

// sendFresh has a pusher that was set told a token.
func (c *couriers) sendFresh(key pusherKey) {
	if c.p.opt.Gateway != nil {
		c.send(key)
	}
}
