package listen_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plenum/homeserver/listen"
)

// hello answers everything.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })

// running is a server that runs.
type running struct {
	*listen.Server
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

// start runs a server until the test ends.
func start(t *testing.T, opt listen.Options, addresses ...listen.Address) *running {
	t.Helper()
	s, err := listen.Open(addresses, opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	t.Cleanup(r.end)
	return r
}

// end stops the server and checks that it stopped well.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Error(err)
	}
	r.done <- nil // for who ends it again
}

// port returns the port of the nth address.
func (r *running) port(n int) string {
	_, port, _ := net.SplitHostPort(r.Addresses()[n].String())
	return port
}

// get asks for a page and returns its text.
func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	body, err := try(t, c, url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func try(t *testing.T, c *http.Client, url string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestPlain(t *testing.T) {
	t.Parallel()
	s := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", Handler: hello}, listen.Address{Listen: "127.0.0.1:0", Handler: http.NotFoundHandler()})
	if got := get(t, &http.Client{}, "http://127.0.0.1:"+s.port(0)); got != "HTTP/1.1" {
		t.Errorf("first address: %q", got)
	}
	if got := get(t, &http.Client{}, "http://127.0.0.1:"+s.port(1)); !strings.HasPrefix(got, "404") {
		t.Errorf("second address: %q", got)
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	s := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", Handler: hello})
	taken := "127.0.0.1:" + s.port(0)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	if _, err := listen.Open([]listen.Address{{Listen: free.Addr().String()}, {Listen: taken}}, listen.Options{}); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("error %v, want one that names %s", err, taken)
	}
	// What was opened before the failure is free again.
	other, err := listen.Open([]listen.Address{{Listen: free.Addr().String()}}, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	// As a process leaves it that was killed.
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()

	start(t, listen.Options{}, listen.Address{Listen: "unix:" + path, Handler: hello})
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	if got := get(t, c, "http://plenum/"); got != "HTTP/1.1" {
		t.Errorf("answered %q", got)
	}
	if _, err := listen.Open([]listen.Address{{Listen: "unix:" + path}}, listen.Options{}); err == nil {
		t.Error("a socket in use was taken")
	}
}

// Whoever waits for news is told to answer, and whoever works may finish.
func TestStopAnswersEverybody(t *testing.T) {
	t.Parallel()
	drain := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(2)
	draining := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		if r.URL.Path == "/sync" {
			<-drain
			close(draining)
		} else {
			<-draining // works until the other one has heard of the end
		}
		if err := r.Context().Err(); err != nil {
			t.Errorf("%s was cut off: %v", r.URL.Path, err)
		}
		_, _ = io.WriteString(w, "answer to "+r.URL.Path)
	})
	s := start(t, listen.Options{Drain: func() { close(drain) }, Grace: time.Minute}, listen.Address{Listen: "127.0.0.1:0", Handler: h})
	url := "http://127.0.0.1:" + s.port(0)
	var answers sync.WaitGroup
	for _, path := range []string{"/sync", "/send"} {
		answers.Go(func() {
			if got, err := try(t, &http.Client{Transport: &http.Transport{}}, url+path); err != nil || got != "answer to "+path {
				t.Errorf("%s: %q, %v", path, got, err)
			}
		})
	}
	arrived.Wait()
	s.end()
	answers.Wait()
	if _, err := try(t, &http.Client{Transport: &http.Transport{}}, url); err == nil {
		t.Error("somebody answers after the end")
	}
}

// A request that cannot be finished in time does not keep the server.
func TestStopCutsOffWhoTakesTooLong(t *testing.T) {
	t.Parallel()
	started, ended := make(chan struct{}), make(chan error, 1)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	s := start(t, listen.Options{Grace: 20 * time.Millisecond}, listen.Address{Listen: "127.0.0.1:0", Handler: h})
	go func() { <-started; s.stop() }()
	if got, err := try(t, &http.Client{Transport: &http.Transport{}}, "http://127.0.0.1:"+s.port(0)); err == nil {
		t.Errorf("answered %q", got)
	}
	s.end()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the request ended with %v", err)
		}
	default:
		t.Error("Run returned before the request had ended")
	}
}

func TestListenerThatFails(t *testing.T) {
	t.Parallel()
	s, err := listen.Open([]listen.Address{{Listen: "127.0.0.1:0", Handler: hello}}, listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := s.Run(t.Context()); err != nil {
		t.Errorf("closed before it ran: %v", err)
	}
}

// What net/http has to say about clients names their addresses.
func TestNoAddressesInTheLog(t *testing.T) {
	t.Parallel()
	var j journal
	config, err := listen.SelfSigned("one.example")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, listen.Options{Log: slog.New(slog.NewTextHandler(&j, nil))}, listen.Address{Listen: "127.0.0.1:0", TLS: config, Handler: hello})
	c, err := net.Dial("tcp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "this is no TLS\r\n\r\n")
	_, _ = io.Copy(io.Discard, c) // until the server gives up on us
	s.end()
	if text := j.String(); text != "" {
		t.Errorf("logged %q", text)
	}
}

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

func TestMetricsListener(t *testing.T) {
	t.Parallel()
	well := true
	registry := newRegistry(t)
	s := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", Handler: listen.Metrics(registry, func(context.Context) error {
		if well {
			return nil
		}
		return errors.New("database is locked")
	})})
	url := "http://127.0.0.1:" + s.port(0)
	if got := get(t, &http.Client{}, url+"/metrics"); !strings.Contains(got, "plenum_test_total 3") {
		t.Errorf("metrics: %q", got)
	}
	if got := get(t, &http.Client{}, url+"/_health"); got != "OK\n" {
		t.Errorf("health: %q", got)
	}
	well = false
	if got := get(t, &http.Client{}, url+"/_health"); got != "not well\n" {
		t.Errorf("health: %q", got)
	}
}
