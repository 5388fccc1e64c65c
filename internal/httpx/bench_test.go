package httpx_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"plenum/internal/httpx"
)

// sendRoutes are a table the size of the real one, with the request that is
// made most in the middle.
func sendRoutes() []httpx.Route {
	var routes []httpx.Route
	for i := range 100 {
		routes = append(routes,
			httpx.Get(fmt.Sprintf("/_matrix/client/v3/rooms/{room}/thing%d/{name?}", i), httpx.User, "", httpx.RateDefault,
				func(context.Context, *httpx.Request[httpx.None]) (httpx.None, error) { return httpx.None{}, nil }))
	}
	type response struct {
		EventID string `json:"event_id"`
	}
	return append(routes, httpx.Put("/_matrix/client/v3/rooms/{room}/send/{type}/{txn}", httpx.User, "", httpx.RateMessage,
		func(_ context.Context, r *httpx.Request[json.RawMessage]) (response, error) {
			return response{EventID: "$" + r.Path("txn") + r.Path("room")}, nil
		}))
}

const message = `{"msgtype":"m.text","body":"What is for dinner? I could bring bread and olives, and there is still half of the pie from yesterday."}`

// recorder is a ResponseWriter that costs nothing.
type recorder struct {
	header http.Header
	status int
	size   int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { r.size += len(p); return len(p), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }

// BenchmarkSend is what the adapter costs for a small request, without the
// connection. Compare BenchmarkBare.
func BenchmarkSend(b *testing.B) {
	limits := httpx.DefaultLimits()
	limits[httpx.RateMessage] = httpx.Limit{PerSecond: 1e9, Burst: 1e9}
	mux := httpx.NewMux(sendRoutes(), httpx.Options{
		Auth: tokens{}, Limits: limits, Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	benchmark(b, mux)
}

func BenchmarkBare(b *testing.B) {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /_matrix/client/v3/rooms/{room}/send/{type}/{txn}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"event_id": "$" + r.PathValue("txn") + r.PathValue("room")})
	})
	benchmark(b, mux)
}

func benchmark(b *testing.B, h http.Handler) {
	r := httptest.NewRequest(http.MethodPut, "/_matrix/client/v3/rooms/!abcdefgh:one.example/send/m.room.message/m17000000.1", nil)
	r.Header.Set("Authorization", "Bearer ada")
	r.ContentLength = int64(len(message))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(message))
		w := &recorder{header: make(http.Header, 8)}
		h.ServeHTTP(w, r)
		if w.status != 0 && w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

// BenchmarkLarge is an answer like that of a sync, spliced from stored bytes.
// The sizes show from where on compression pays; see compressFrom.
func BenchmarkLarge(b *testing.B) {
	for _, size := range []int{4 << 10, 8 << 10, 16 << 10, 64 << 10, 1 << 20} {
		body := timeline(size)
		mux := httpx.NewMux([]httpx.Route{
			httpx.Get("/sync", httpx.Anyone, "", httpx.NoLimit, func(context.Context, *httpx.Request[httpx.None]) (httpx.JSON, error) {
				return body, nil
			}),
		}, httpx.Options{})
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, coding), func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, "/sync", nil)
				r.Header.Set("Accept-Encoding", coding)
				b.ReportAllocs()
				w := &recorder{}
				for b.Loop() {
					*w = recorder{header: make(http.Header, 8)}
					mux.ServeHTTP(w, r)
				}
				b.ReportMetric(float64(w.size), "sent-B")
			})
		}
	}
}

// timeline returns events of a room with about size bytes.
func timeline(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("what is for dinner I could bring bread and olives there still half of the pie from yesterday who comes at eight maybe later ask them again tomorrow please")
	buf := []byte(`[`)
	for len(buf) < size {
		var id [32]byte
		for i := range id {
			id[i] = byte(random.Uint32())
		}
		var body []string
		for range 3 + random.IntN(20) {
			body = append(body, words[random.IntN(len(words))])
		}
		buf = fmt.Appendf(buf, `{"content":{"body":%q,"msgtype":"m.text"},"event_id":"$%s","origin_server_ts":%d,"sender":"@user%d:one.example","type":"m.room.message","unsigned":{"age":%d}},`,
			strings.Join(body, " "), base64.RawURLEncoding.EncodeToString(id[:]), 1758844800000+random.Int64N(1e9), random.IntN(20), random.Int64N(1e6))
	}
	return append(buf[:len(buf)-1], ']')
}
