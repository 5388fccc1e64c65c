package outbox

import (
	"context"
	"time"
)

// A peer that did not answer last time may keep a worker waiting for long.
// Those get only so many, that the others find one.
const probes = 4 // in how many parts the workers are divided: one is for them

// line is peers in the order of their turns.
type line struct{ peers []*peer }

func (l *line) add(p *peer) { l.peers = append(l.peers, p) }

func (l *line) take() *peer {
	if len(l.peers) == 0 {
		return nil
	}
	p := l.peers[0]
	l.peers[0] = nil
	l.peers = l.peers[1:]
	if len(l.peers) == 0 {
		l.peers = nil
	}
	return p
}

// nudge sees to it that a peer gets its turn when it is time. The caller holds
// mu.
func (o *Outbox) nudge(p *peer) {
	if o.ctx == nil || o.ctx.Err() != nil || p.lined || p.sending {
		return
	}
	now := o.opt.Now()
	switch {
	case p.idle():
		o.forget(p)
	case p.away(now):
		o.later(p, p.until.Sub(now))
	case !p.urgent():
		if p.timer == nil {
			o.later(p, o.opt.Linger)
		}
	default:
		o.lineUp(p)
	}
}

// later nudges a peer after a while.
func (o *Outbox) later(p *peer, wait time.Duration) {
	var t *time.Timer
	t = time.AfterFunc(wait, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if p.timer != t {
			return // somebody else was faster
		}
		p.timer = nil
		switch now := o.opt.Now(); {
		case o.ctx.Err() != nil || p.lined || p.sending || p.idle():
		case p.away(now): // for longer than it was
			o.later(p, p.until.Sub(now))
		default:
			o.lineUp(p)
		}
	})
	p.setTimer(t)
}

// lineUp gives a peer a place in line, and sees to it that somebody serves it.
func (o *Outbox) lineUp(p *peer) {
	p.setTimer(nil)
	p.lined = true
	if p.failures > 0 {
		o.retried.add(p)
	} else {
		o.lined.add(p)
	}
	o.hire()
}

// hire starts a worker if there is work for one more. The caller holds mu.
func (o *Outbox) hire() {
	if o.working >= o.opt.Workers || o.ctx.Err() != nil {
		return
	}
	if len(o.lined.peers) == 0 && (len(o.retried.peers) == 0 || o.probing >= max(1, o.opt.Workers/probes)) {
		return
	}
	o.working++
	o.wg.Go(func() { o.work(o.ctx) })
}

// work serves peers, one transaction each at a time, until there is none left.
func (o *Outbox) work(ctx context.Context) {
	for {
		p, c, probe := o.next(ctx)
		if p == nil {
			return
		}
		err := o.deliver(ctx, p.server, c)
		o.conclude(ctx, p, c, err, probe)
	}
}

// next takes the next peer in line, and what is to be sent to it.
func (o *Outbox) next(ctx context.Context) (p *peer, c *parcel, probe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Err() == nil {
		p = o.lined.take()
		if p == nil && o.probing < max(1, o.opt.Workers/probes) {
			if p = o.retried.take(); p != nil {
				probe = true
				o.probing++
			}
		}
	}
	if p == nil {
		o.working--
		return nil, nil, false
	}
	p.lined, p.sending = false, true
	o.hire()
	return p, o.pack(p), probe
}

// listen notices that servers that were away have spoken to us.
func (o *Outbox) listen(ctx context.Context) {
	if o.opt.AwakeTopic == "" {
		<-ctx.Done()
		return
	}
	sub := o.db.Bus().Subscribe(o.opt.AwakeTopic)
	defer sub.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.C():
			o.lookAgain()
		}
	}
}

// lookAgain asks the client which of those that are away are so still.
func (o *Outbox) lookAgain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.opt.Now()
	for _, p := range o.peers {
		if p.lined || p.sending || p.idle() || o.client.Until(p.server).After(now) {
			continue
		}
		p.until = time.Time{}
		o.nudge(p)
	}
}
