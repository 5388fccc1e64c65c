package peers

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count the calls to other servers, and who has signed requests. The
// labels are words of ours, and no names of servers.
type metrics struct {
	calls, signed *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_peers_calls_total", Help: "Requests to other servers, by what became of them.",
		}, []string{"outcome"}),
		signed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_peers_signatures_total", Help: "Requests of other servers, by whether their signature was good.",
		}, []string{"outcome"}),
	}
}

// called counts a call.
func (m *metrics) called(err error) {
	var theirs *Error
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "answered"
	case errors.As(err, &theirs):
		outcome = "refused"
	case errors.Is(err, ErrBackoff):
		outcome = "left alone"
	case errors.Is(err, ErrDenied):
		outcome = "denied"
	}
	m.calls.WithLabelValues(outcome).Inc()
}

// Collectors are the figures that c counts.
func (c *Client) Collectors() []prometheus.Collector {
	silent := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "plenum_peers_silent", Help: "Servers that did not answer when they were asked last.",
	}, func() float64 { return float64(c.patience.servers.Len()) })
	return []prometheus.Collector{c.metrics.calls, c.metrics.signed, silent}
}
