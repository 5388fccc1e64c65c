package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// asItself makes the program of these tests behave as plenum.
const asItself = "TEST_AS_ITSELF"

func TestMain(m *testing.M) {
	if os.Getenv(asItself) != "" {
		main()
	}
	os.Exit(m.Run())
}

// waits finds in the figures of a server that somebody waits for news.
var waits = regexp.MustCompile(`plenum_http_requests_in_flight\{.*/sync"\} 1\n`)

// answerTo returns the answer to a request, or what went wrong.
func answerTo(method, address, token, body string) string {
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

// The process ends well when it is told to, and answers who waits before.
func TestTerminated(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := newShell(t, "[registration]\nmode = \"open\"\n[listen]\nmetrics = \"127.0.0.1:0\"\n")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "serve")
			cmd.Env = append(s.env, asItself+"=1")
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said, lines := "", bufio.NewScanner(out)
			for lines.Scan() {
				if said += lines.Text() + "\n"; strings.Contains(said, "Ctrl-C") {
					break
				}
			}
			clients, figures := find1(t, said, `clients +(http://\S+)\n`), find1(t, said, `metrics +(http://\S+)\n`)
			const v3 = "/_matrix/client/v3"
			token := find1(t, answerTo(http.MethodPost, clients+v3+"/register", "", `{"username":"ada","password":"correct horse","auth":{"type":"m.login.dummy"}}`), `"access_token":"([^"]+)"`)
			since := find1(t, answerTo(http.MethodGet, clients+v3+"/sync", token, ""), `"next_batch":"([^"]+)"`)
			answered := make(chan string)
			go func() { answered <- answerTo(http.MethodGet, clients+v3+"/sync?timeout=60000&since="+since, token, "") }()
			for !waits.MatchString(answerTo(http.MethodGet, figures+"/metrics", "", "")) {
			}

			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if answer := <-answered; !strings.Contains(answer, "next_batch") {
				t.Errorf("who waited was answered %q", answer)
			}
			if _, err := io.Copy(io.Discard, out); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v: %s", err, errs.String())
			}
		})
	}
}
