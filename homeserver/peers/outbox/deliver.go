package outbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// How long a peer is left alone after a failure when the client sees no reason
// for it, such as after an error that is our own.
const (
	shortestPause = time.Second
	longestPause  = time.Hour
)

// errHere says that a transaction could not be put together.
var errHere = errors.New("outbox: what waits cannot be read")

// deliver sends a parcel.
func (o *Outbox) deliver(ctx context.Context, server string, c *parcel) error {
	body, err := o.fill(ctx, server, c)
	if err != nil {
		return errors.Join(errHere, err)
	}
	if c.empty {
		return nil
	}
	o.stats.transactions.Add(1)
	refused, err := o.client.Send(ctx, server, c.txn, body)
	if err != nil {
		return err
	}
	o.stats.refused.Add(uint64(len(refused)))
	for ev, why := range refused {
		o.log.LogAttrs(ctx, slog.LevelDebug, "another server refused an event",
			slog.String("server", server), slog.String("event", string(ev)), slog.String("reason", why))
	}
	return nil
}

// conclude notes what became of a parcel, and lets the peer wait for its next
// turn.
func (o *Outbox) conclude(ctx context.Context, p *peer, c *parcel, err error, probe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.sending = false
	if probe {
		o.probing--
	}
	if err == nil {
		o.delivered(p, c)
	} else if ctx.Err() == nil {
		o.undelivered(ctx, p, c, err)
	}
	o.nudge(p)
	o.hire()
}

// delivered takes away what has arrived.
func (o *Outbox) delivered(p *peer, c *parcel) {
	p.failures, p.until, p.failed = 0, time.Time{}, nil
	if p.most *= 2; p.most >= maxEvents {
		p.most = 0
	}
	o.arrived(p, c)
	o.mailed(p, c)
	for user, upto := range c.listsAt {
		o.changed(p)
		switch now := p.lists[user]; {
		case now.n == c.lists[user].n:
			delete(p.lists, user)
			p.listChanged(user)
		default:
			now.since = max(now.since, upto)
			p.setList(user, now)
		}
	}
	o.ephemeral -= len(c.passing.receipts)
	c.passing = passing{}
}

// undelivered keeps what has to be sent again.
func (o *Outbox) undelivered(ctx context.Context, p *peer, c *parcel, err error) {
	p.failures++
	o.stats.failures.Add(1)
	o.putBack(p, c)
	if errors.Is(err, ErrDenied) {
		o.drop(p)
		return
	}
	if c.overflew == p.overflew && c.lasting() {
		p.failed = c
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) && isOurFault(refusal.Status) && o.smaller(ctx, p, c, refusal) {
		return
	}
	p.until = o.client.Until(p.server)
	if p.until.IsZero() {
		p.until = o.opt.Now().Add(min(longestPause, shortestPause<<min(p.failures-1, 20)))
	}
	level := slog.LevelDebug
	if errors.Is(err, errHere) {
		level = slog.LevelError
	}
	o.log.LogAttrs(ctx, level, "a transaction did not arrive", slog.String("server", p.server), slog.Any("err", err))
}

// isOurFault reports whether a peer has read a transaction and will not take
// the same again.
func isOurFault(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// smaller lets the next transaction bring less after a peer has refused one,
// and drops what it refuses by itself: nothing else would ever arrive. It
// reports whether there is something to try at once.
func (o *Outbox) smaller(ctx context.Context, p *peer, c *parcel, why *Refusal) bool {
	p.failed = nil
	if n := max(len(c.events), c.mailed); n > 1 && c.overflew == p.overflew {
		p.most = n / 2
		return true
	}
	o.log.LogAttrs(ctx, slog.LevelWarn, "another server takes neither this nor what comes after it; it is dropped",
		slog.String("server", p.server), slog.Int("events", len(c.events)), slog.Int("messages", c.mailed), slog.Any("err", why))
	p.most = 0
	o.stats.dropped.Add(1)
	failures := p.failures
	o.delivered(p, c)
	p.failures = failures
	return failures < maxRefusals
}

// maxRefusals in a row make a peer wait as if it were away.
const maxRefusals = 20
