package inbound

import "github.com/prometheus/client_golang/prometheus"

// metrics count what comes in and what becomes of it. The labels are words of
// ours: nobody outside can make new series.
type metrics struct {
	transactions, pdus, edus *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		transactions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_inbound_transactions_total", Help: "Transactions of other servers, by what became of them.",
		}, []string{"outcome"}),
		pdus: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_inbound_events_total", Help: "Events in transactions of other servers, by what became of them.",
		}, []string{"outcome"}),
		edus: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_inbound_edus_total", Help: "Ephemeral data in transactions of other servers, by what became of it.",
		}, []string{"type", "outcome"}),
	}
}

func (m *metrics) transaction(outcome string) { m.transactions.WithLabelValues(outcome).Inc() }

func (m *metrics) pdu(outcome string) { m.pdus.WithLabelValues(outcome).Inc() }

func (m *metrics) edu(typ, outcome string) { m.edus.WithLabelValues(typ, outcome).Inc() }
