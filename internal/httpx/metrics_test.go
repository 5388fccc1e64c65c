package httpx_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"plenum/internal/httpx"
)

// sample returns the metric of a family whose labels have these values, in
// the order of the labels' names, or nil.
func sample(t *testing.T, g prometheus.Gatherer, family string, values ...string) *dto.Metric {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != family {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if strings.Join(have, " ") == strings.Join(values, " ") {
				return m
			}
		}
	}
	return nil
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	during := 0.0
	put := func(_ context.Context, q *httpx.Request[map[string]string]) (httpx.JSON, error) {
		during = sample(t, r, "plenum_http_requests_in_flight", "PUT", "/_matrix/client/v3/rooms/{room}").GetGauge().GetValue()
		if q.Path("room") == "!broken" {
			panic("broken")
		}
		return httpx.JSON(`{"a":"bcd"}`), nil
	}
	const pattern = "/_matrix/client/v3/rooms/{room}"
	mux := httpx.NewMux([]httpx.Route{
		httpx.Put(pattern, httpx.Anyone, "", httpx.NoLimit, put).Also("/_matrix/client/unstable/rooms/{room}"),
	}, httpx.Options{Metrics: r})
	// Of the same server, on another listener.
	other := httpx.NewMux([]httpx.Route{get("/other", echo())}, httpx.Options{Metrics: r})

	ask(t, mux, "PUT", "/_matrix/client/v3/rooms/!secret", `{}`)
	ask(t, mux, "PUT", "/_matrix/client/r0/rooms/!secret", `{"x":"y"}`)
	ask(t, mux, "PUT", "/_matrix/client/unstable/rooms/!secret", `[]`)
	ask(t, mux, "PUT", "/_matrix/client/v3/rooms/!broken", ``)
	ask(t, mux, "PUT", "/_matrix/client/v3/rooms/!broken", `{}`)
	ask(t, mux, "GARBAGE", "/_matrix/client/v3/rooms/!secret", ``)
	ask(t, mux, "GET", "/elsewhere/!secret", ``)
	ask(t, other, "GET", "/other", ``)

	for labels, want := range map[string]float64{
		"PUT " + pattern + " 200": 2, "PUT " + pattern + " 400": 2, "PUT " + pattern + " 500": 1,
		" none 405": 1, " none 404": 1, "GET /other 200": 1,
	} {
		m := sample(t, r, "plenum_http_requests_total", labels)
		if got := m.GetCounter().GetValue(); m == nil || got != want {
			t.Errorf("requests %s: %v, want %v", labels, got, want)
		}
	}
	if during != 1 {
		t.Errorf("in flight: %v during a request, want 1", during)
	}
	if after := sample(t, r, "plenum_http_requests_in_flight", "PUT", pattern); after.GetGauge().GetValue() != 0 {
		t.Errorf("in flight: %v after all", after.GetGauge().GetValue())
	}
	if h := sample(t, r, "plenum_http_request_duration_seconds", "PUT", pattern).GetHistogram(); h.GetSampleCount() != 5 || h.GetSampleSum() <= 0 {
		t.Errorf("durations: %v", h)
	}
	if got := sample(t, r, "plenum_http_request_bytes_total", "PUT", pattern).GetCounter().GetValue(); got != 2+9+2+2 {
		t.Errorf("received %v bytes", got)
	}
	if h := sample(t, r, "plenum_http_response_bytes", "GET", "/other").GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != 2 {
		t.Errorf("sent: %v", h)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if s := f.String(); strings.Contains(s, "secret") || strings.Contains(s, "GARBAGE") {
			t.Errorf("%s holds what clients wrote: %s", f.GetName(), s)
		}
	}
}

func TestGoneClientsAreCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	ctx, leave := context.WithCancel(t.Context())
	mux := httpx.NewMux([]httpx.Route{
		httpx.Get("/", httpx.Anyone, "", httpx.NoLimit, func(ctx context.Context, _ *httpx.Request[httpx.None]) (string, error) {
			leave()
			return "", ctx.Err()
		}),
	}, httpx.Options{Metrics: reg})
	r, err := http.NewRequestWithContext(ctx, "GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	mux.ServeHTTP(&recorder{header: make(http.Header)}, r)
	if sample(t, reg, "plenum_http_requests_total", "GET", "/", "499") == nil {
		t.Error("not counted as 499")
	}
}
