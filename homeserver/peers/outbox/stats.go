package outbox

import "sync/atomic"

type stats struct {
	transactions, events, refused, failures, overflows, dropped atomic.Uint64
}

// Stats is what the outbox did since New, and what waits in it.
type Stats struct {
	Transactions uint64 // sent, whatever became of them
	Events       uint64 // sent, with repetitions
	Refused      uint64 // events that peers did not take
	Failures     uint64 // transactions that did not arrive
	Overflows    uint64 // times that so much waited for a peer that it was told the newest only
	Dropped      uint64 // transactions that no peer would ever take

	Peers   int // for which something waits
	Away    int // of these, left alone now
	Waiting int // events that wait
}

// Stats counts.
func (o *Outbox) Stats() Stats {
	s := Stats{
		Transactions: o.stats.transactions.Load(), Events: o.stats.events.Load(), Refused: o.stats.refused.Load(),
		Failures: o.stats.failures.Load(), Overflows: o.stats.overflows.Load(), Dropped: o.stats.dropped.Load(),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.opt.Now()
	for _, p := range o.peers {
		if !p.idle() {
			s.Peers++
		}
		if p.away(now) {
			s.Away++
		}
		s.Waiting += len(p.queue) + len(p.rooms)
	}
	return s
}
