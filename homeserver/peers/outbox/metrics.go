package outbox

import "github.com/prometheus/client_golang/prometheus"

// Collectors are the figures of what was sent and what waits.
func (o *Outbox) Collectors() []prometheus.Collector {
	var out []prometheus.Collector
	for _, c := range []struct {
		name, help string
		value      func(Stats) float64
	}{
		{"transactions", "Transactions sent to other servers, with repetitions.", func(s Stats) float64 { return float64(s.Transactions) }},
		{"events", "Events in transactions to other servers, with repetitions.", func(s Stats) float64 { return float64(s.Events) }},
		{"refused_events", "Events that other servers did not take.", func(s Stats) float64 { return float64(s.Refused) }},
		{"failures", "Transactions that did not arrive.", func(s Stats) float64 { return float64(s.Failures) }},
		{"overflows", "Times that so much waited for a server that it is told the newest of each room only.", func(s Stats) float64 { return float64(s.Overflows) }},
		{"dropped", "Transactions that were given up because no part of them was taken.", func(s Stats) float64 { return float64(s.Dropped) }},
	} {
		out = append(out, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "plenum_outbox_" + c.name + "_total", Help: c.help},
			func() float64 { return c.value(o.Stats()) }))
	}
	for _, c := range []struct {
		name, help string
		value      func(Stats) int
	}{
		{"servers", "Other servers for which something waits.", func(s Stats) int { return s.Peers }},
		{"servers_away", "Of these, those that do not answer.", func(s Stats) int { return s.Away }},
		{"waiting_events", "Events that wait for other servers.", func(s Stats) int { return s.Waiting }},
	} {
		out = append(out, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "plenum_outbox_" + c.name, Help: c.help},
			func() float64 { return float64(c.value(o.Stats())) }))
	}
	return out
}
