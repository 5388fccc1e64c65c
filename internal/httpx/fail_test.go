package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: level}))
}

func failing(j *journal, fn func(http.ResponseWriter, *http.Request) error) http.Handler {
	return httpx.NewMux([]httpx.Route{
		httpx.Raw("GET", "/rooms/{room}/x", httpx.Optional, "", httpx.NoLimit, func(w http.ResponseWriter, r *httpx.Request[httpx.None]) error {
			return fn(w, r.HTTP)
		}),
	}, httpx.Options{Auth: tokens{}, Log: j.logger(slog.LevelInfo)})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	inner := matrix.Errorf(matrix.NotFound, "No such room.")
	for name, x := range map[string]struct {
		err    error
		status int
		body   string
		logged string
	}{
		"plain":     {inner, 404, `{"errcode":"M_NOT_FOUND","error":"No such room."}`, ""},
		"wrapped":   {fmt.Errorf("state of !a: %w", inner), 404, `{"errcode":"M_NOT_FOUND","error":"No such room."}`, ""},
		"cause":     {&matrix.Error{Code: matrix.BadStatus, Text: "It did not answer.", Err: errors.New("dial 10.0.0.1")}, 502, `{"errcode":"M_BAD_STATUS","error":"It did not answer."}`, ""},
		"extra":     {&matrix.Error{Code: matrix.WrongRoomKeysVersion, Text: "Old.", Extra: map[string]any{"current_version": "2", "errcode": "other"}}, 403, `{"current_version":"2","errcode":"M_WRONG_ROOM_KEYS_VERSION","error":"Old."}`, ""},
		"question":  {&matrix.Error{Status: 401, Text: "Password, please.", Extra: map[string]any{"session": "s"}}, 401, `{"session":"s"}`, ""},
		"limited":   {&matrix.Error{Code: matrix.LimitExceeded, Text: "Slow.", RetryAfter: 1500 * time.Millisecond}, 429, `{"errcode":"M_LIMIT_EXCEEDED","error":"Slow.","retry_after_ms":1500}`, ""},
		"endless":   {matrix.Errorf(matrix.InvalidParam, "x%s", strings.Repeat("ü", 1000)), 400, `{"errcode":"M_INVALID_PARAM","error":"x` + strings.Repeat("ü", 249) + `…"}`, ""},
		"own":       {io.ErrUnexpectedEOF, 500, `{"errcode":"M_UNKNOWN","error":"Something went wrong on the server."}`, "unexpected EOF"},
		"a timeout": {context.DeadlineExceeded, 500, `{"errcode":"M_UNKNOWN","error":"Something went wrong on the server."}`, "deadline"},
		"own 500":   {&matrix.Error{Code: matrix.Unknown, Status: 500, Text: "Disk full.", Err: io.ErrShortWrite}, 500, `{"errcode":"M_UNKNOWN","error":"Disk full."}`, "short write"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var j journal
			a := ask(t, failing(&j, func(http.ResponseWriter, *http.Request) error { return x.err }), "GET", "/rooms/!a/x", "")
			a.want(x.status, x.body)
			if log := j.String(); x.logged == "" && log != "" || !strings.Contains(log, x.logged) {
				t.Errorf("logged %q, want %q", log, x.logged)
			}
			if retry := a.header.Get("Retry-After"); (name == "limited") != (retry == "2") {
				t.Errorf("Retry-After %q", retry)
			}
		})
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	var j journal
	mux := failing(&j, func(http.ResponseWriter, *http.Request) error { panic("index out of range") })
	for range 2 {
		ask(t, mux, "GET", "/rooms/!secret/x?access_token=hush", "").want(500, `{"errcode":"M_UNKNOWN","error":"Something went wrong on the server."}`)
	}
	log := j.String()
	for _, want := range []string{"index out of range", "fail_test.go", "route=\"GET /rooms/{room}/x\""} {
		if !strings.Contains(log, want) {
			t.Errorf("log lacks %q: %s", want, log)
		}
	}
	for _, personal := range []string{"secret", "hush", "192.0.2.1"} {
		if strings.Contains(log, personal) {
			t.Errorf("log holds %q: %s", personal, log)
		}
	}
}

// An answer that breaks off in the middle must not look whole.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func() error{
		"error": func() error { return io.ErrUnexpectedEOF },
		"panic": func() error { panic("in the middle") },
		"abort": func() error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var j journal
			server := httptest.NewServer(failing(&j, func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				return end()
			}))
			defer server.Close()
			resp, err := server.Client().Get(server.URL + "/rooms/!a/x")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("read %q to a proper end", body)
			}
			if logged := j.String() != ""; logged != (name != "abort") {
				t.Errorf("log %q", j.String())
			}
		})
	}
}

// Who goes away while waiting is no fault of anybody.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context) error{
		"context": func(ctx context.Context) error { return fmt.Errorf("wait for events: %w", ctx.Err()) },
		"other":   func(context.Context) error { return errors.New("sqlite: interrupted") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var j journal
			waiting, done := make(chan struct{}), make(chan struct{})
			mux := failing(&j, func(_ http.ResponseWriter, r *http.Request) error {
				close(waiting)
				<-r.Context().Done()
				return fail(r.Context())
			})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mux.ServeHTTP(w, r)
				close(done)
			}))
			defer server.Close()
			ctx, leave := context.WithCancel(t.Context())
			go func() { <-waiting; leave() }()
			r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/rooms/!a/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := server.Client().Do(r); err == nil {
				resp.Body.Close()
				t.Fatalf("answered with %d", resp.StatusCode)
			}
			<-done
			if log := j.String(); log != "" {
				t.Errorf("logged %q", log)
			}
		})
	}
}

func TestRequestsAreLoggedWithoutWhoAndWhat(t *testing.T) {
	t.Parallel()
	var j journal
	mux := httpx.NewMux([]httpx.Route{get("/rooms/{room}", echo("room"))}, httpx.Options{Log: j.logger(slog.LevelDebug)})
	ask(t, mux, "GET", "/rooms/!secret?access_token=hush", "")
	ask(t, mux, "GET", "/elsewhere/!secret", "")
	lines := strings.Split(strings.TrimSpace(j.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `route="GET /rooms/{room}" status=200 took=`) || !strings.Contains(lines[1], "status=404") {
		t.Errorf("logged %q", lines)
	}
	for _, personal := range []string{"secret", "hush", "192.0.2.1", "elsewhere"} {
		if strings.Contains(j.String(), personal) {
			t.Errorf("log holds %q: %s", personal, j.String())
		}
	}
}
