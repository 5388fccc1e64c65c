package homeserver

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"plenum/storage"
)

// newMetrics returns a registry with figures about the process.
func newMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "plenum_build_info",
		Help:        "Always 1; its label tells the version.",
		ConstLabels: prometheus.Labels{"version": Version()},
	})
	build.Set(1)
	r.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(),
		build,
	)
	return r
}

// registerStorage adds what the writer of the database counts.
func registerStorage(r *prometheus.Registry, db *storage.DB) {
	for _, c := range []struct {
		name, help string
		value      func(storage.Stats) float64
	}{
		{"plenum_db_commits_total", "Transactions committed.", func(s storage.Stats) float64 { return float64(s.Groups) }},
		{"plenum_db_writes_total", "Writes that the transactions carried.", func(s storage.Stats) float64 { return float64(s.Writes) }},
		{"plenum_db_failures_total", "Writes that failed.", func(s storage.Stats) float64 { return float64(s.Failures) }},
		{"plenum_db_reruns_total", "Transactions run again because one of their writes failed.", func(s storage.Stats) float64 { return float64(s.Reruns) }},
	} {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: c.name, Help: c.help}, func() float64 { return c.value(db.Stats()) }))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "plenum_db_queue", Help: "Writes that wait for the next transaction.",
	}, func() float64 { return float64(db.Stats().Queue) }))
}
