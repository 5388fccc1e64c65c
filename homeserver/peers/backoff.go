package peers

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/internal/wake"
	"plenum/storage/backoff"
)

const (
	firstPause   = 5 * time.Second
	longestPause = 24 * time.Hour
	durableFrom  = time.Minute // shorter pauses are not worth a write
	rememberFor  = 30 * 24 * time.Hour
	// impatience is how long a call that somebody waits for, such as a join,
	// respects a server's pause: the server may be back, and they know better.
	impatience  = time.Second
	maxTroubled = 20_000 // servers that do not answer, kept in memory
)

// AwakeTopic is the topic of the database's bus that is told when a server
// that was left alone has spoken to us, or answers again.
func AwakeTopic(server string) string { return "server/" + server }

// AnyAwakeTopic is told together with every AwakeTopic, for who waits for many
// servers. Until says which of them it was.
const AnyAwakeTopic = "servers awake"

// trouble is what is known of a server that does not answer.
type trouble struct {
	failures int
	failed   time.Time
	until    time.Time
	durable  bool // it has a row, or will
}

// patience knows which servers are left alone, and for how long.
type patience struct {
	store *backoff.Store
	bus   *wake.Bus
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	servers *lru.Cache[string, *trouble]
	changed map[string]backoff.Row // to be written
	write   chan struct{}          // told when changed is not empty
}

func newPatience(ctx context.Context, store *backoff.Store, bus *wake.Bus, now func() time.Time, log *slog.Logger) (*patience, error) {
	p := &patience{store: store, bus: bus, now: now, log: log, changed: map[string]backoff.Row{}, write: make(chan struct{}, 1)}
	var err error
	if p.servers, err = lru.New[string, *trouble](maxTroubled); err != nil {
		return nil, err
	}
	rows, err := store.Recent(ctx, maxTroubled)
	if err != nil {
		return nil, err
	}
	for i := len(rows) - 1; i >= 0; i-- { // the latest last: they stay longest
		r := rows[i]
		p.servers.Add(r.Server, &trouble{failures: int(r.Failures), failed: time.UnixMilli(r.Failed), until: time.UnixMilli(r.Until), durable: true})
	}
	return p, nil
}

// until returns when server may be asked again; the zero time is now.
func (p *patience) until(server string, eager bool) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.servers.Get(server)
	if !ok {
		return time.Time{}
	}
	until := t.until
	if soon := t.failed.Add(impatience); eager && soon.Before(until) {
		until = soon
	}
	if !p.now().Before(until) {
		return time.Time{}
	}
	return until
}

// pause is how long a server is left alone after n failures in a row. It
// varies, so that not everybody comes back at once.
func pause(n int) time.Duration {
	d := min(longestPause, firstPause<<min(n-1, 20))
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

// failed notes that server did not answer. A server may ask for a longer pause.
func (p *patience) failed(server string, atLeast time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.servers.Get(server)
	if !ok {
		t = &trouble{}
		p.servers.Add(server, t)
	}
	now := p.now()
	t.failed = now
	if now.Before(t.until) {
		return // a call that began before the pause, or did not respect it: one failure is not counted twice
	}
	t.failures++
	d := max(pause(t.failures), min(atLeast, time.Hour))
	t.until = now.Add(d)
	if d >= durableFrom {
		t.durable = true
		p.note(backoff.Row{Server: server, Failures: int64(t.failures), Failed: now.UnixMilli(), Until: t.until.UnixMilli()})
	}
}

// well notes that server is there.
func (p *patience) well(server string) {
	p.mu.Lock()
	t, ok := p.servers.Peek(server)
	if ok {
		p.servers.Remove(server)
		if t.durable {
			p.note(backoff.Row{Server: server})
		}
	}
	p.mu.Unlock()
	if ok {
		p.bus.Tell(AwakeTopic(server))
		p.bus.Tell(AnyAwakeTopic)
	}
}

// note remembers what is to be written. The caller holds the lock.
func (p *patience) note(r backoff.Row) {
	p.changed[r.Server] = r
	select {
	case p.write <- struct{}{}:
	default:
	}
}

// writeEvery gathers writes: nothing is lost with them but a pause.
const writeEvery = 5 * time.Second

// run writes what has changed, until ctx ends.
func (p *patience) run(ctx context.Context) error {
	forget := time.NewTicker(24 * time.Hour)
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			p.flush(context.WithoutCancel(ctx))
			return nil
		case <-forget.C:
			if err := p.store.Forget(ctx, p.now().Add(-rememberFor).UnixMilli()); err != nil && ctx.Err() == nil {
				p.log.LogAttrs(ctx, slog.LevelError, "forget servers that are gone", slog.Any("err", err))
			}
		case <-p.write:
			wait(ctx, writeEvery)
			p.flush(context.WithoutCancel(ctx))
		}
	}
}

func (p *patience) flush(ctx context.Context) {
	p.mu.Lock()
	rows := make([]backoff.Row, 0, len(p.changed))
	for _, r := range p.changed {
		rows = append(rows, r)
	}
	clear(p.changed)
	p.mu.Unlock()
	if len(rows) == 0 {
		return
	}
	if err := p.store.Update(ctx, rows); err != nil {
		p.log.LogAttrs(ctx, slog.LevelError, "note servers that do not answer", slog.Any("err", err))
	}
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
