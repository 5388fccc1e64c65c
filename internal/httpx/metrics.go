package httpx

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by route. Its zero value counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	inFlight *prometheus.GaugeVec
	duration *prometheus.HistogramVec
	received *prometheus.CounterVec
	sent     *prometheus.HistogramVec
}

// newMetrics registers the metrics, or finds those of another mux of the same
// server. It returns nil when there is nowhere to register them.
func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	route := []string{"method", "route"}
	return &metrics{
		requests: register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_http_requests_total",
			Help: "Requests answered, by route and status. 499 are those whose client went away before the answer.",
		}, []string{"method", "route", "status"})),
		inFlight: register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "plenum_http_requests_in_flight",
			Help: "Requests being answered, by route; those of sync include who waits for news.",
		}, route)),
		duration: register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "plenum_http_request_duration_seconds",
			Help:    "Time from a request's header to the end of its answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30, 60},
		}, route)),
		received: register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plenum_http_request_bytes_total",
			Help: "Size of the bodies of requests, by route, as far as announced.",
		}, route)),
		sent: register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "plenum_http_response_bytes",
			Help:    "Size of answers as sent, by route.",
			Buckets: prometheus.ExponentialBuckets(512, 8, 7), // to 128 MiB
		}, route)),
	}
}

// register registers c unless its like is registered already, and returns
// whichever counts.
func register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	var known prometheus.AlreadyRegisteredError
	if err := r.Register(c); errors.As(err, &known) {
		return known.ExistingCollector.(C)
	} else if err != nil {
		panic("httpx: " + err.Error())
	}
	return c
}

// series are the metrics of one route. A nil series counts nothing.
type series struct {
	metrics       *metrics
	method, route string
}

func (m *metrics) series(r Route) *series {
	if m == nil {
		return nil
	}
	return &series{metrics: m, method: r.Method, route: r.Pattern}
}

// begin counts a request that is about to be served.
func (s *series) begin() {
	if s != nil {
		s.metrics.inFlight.WithLabelValues(s.method, s.route).Inc()
	}
}

// end counts the same request when it has been answered.
func (s *series) end(x *exchange, took time.Duration) {
	if s == nil {
		return
	}
	s.metrics.inFlight.WithLabelValues(s.method, s.route).Dec()
	s.metrics.requests.WithLabelValues(s.method, s.route, strconv.Itoa(x.status())).Inc()
	s.metrics.duration.WithLabelValues(s.method, s.route).Observe(took.Seconds())
	s.metrics.sent.WithLabelValues(s.method, s.route).Observe(float64(x.out.size))
	if n := x.http.ContentLength; n > 0 {
		s.metrics.received.WithLabelValues(s.method, s.route).Add(float64(n))
	}
}
