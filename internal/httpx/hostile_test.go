package httpx_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"plenum/internal/httpx"
)

// Whatever comes over the line is the sender's mistake, and the next one is
// served all the same.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	raw := func(_ context.Context, r *httpx.Request[json.RawMessage]) (json.RawMessage, error) {
		return r.Body, nil
	}
	server := httptest.NewServer(httpx.NewMux([]httpx.Route{
		httpx.Put("/rooms/{room}/{key?}", httpx.Anyone, "", httpx.NoLimit, raw),
		get("/files/{path...}", echo("path")),
	}, httpx.Options{}))
	t.Cleanup(server.Close)
	const end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for name, x := range map[string]struct {
		request string
		status  int
	}{
		"well":                  {"PUT /rooms/a/b" + end + "Content-Length: 2\r\n\r\n{}", 200},
		"in pieces":             {"PUT /rooms/a/b" + end + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200},
		"to a proxy":            {"GET http://elsewhere/files/a" + end + "\r\n", 200},
		"of dots":               {"GET /files/../../etc/passwd" + end + "\r\n", 200}, // a name like any other
		"badly encoded path":    {"GET /files/%zz" + end + "\r\n", 400},
		"encoded NUL":           {"GET /files/%00" + end + "\r\n", 400},
		"encoded UTF-16":        {"GET /files/%D8%00" + end + "\r\n", 400},
		"half a rune":           {"GET /files/%E2%82" + end + "\r\n", 400},
		"bare bytes":            {"GET /files/\xff" + end + "\r\n", 400},
		"asterisk":              {"GET *" + end + "\r\n", 404},
		"connect":               {"CONNECT elsewhere:443" + end + "\r\n", 404},
		"many slashes":          {"GET " + strings.Repeat("/", 5000) + end + "\r\n", 404},
		"many segments":         {"GET /rooms" + strings.Repeat("/a", 5000) + end + "\r\n", 404},
		"many parameters":       {"GET /files/a?" + strings.Repeat("a&", 20000) + end + "\r\n", 400},
		"semicolons":            {"GET /files/a?a;b" + end + "\r\n", 400},
		"a chunk without end":   {"PUT /rooms/a/b" + end + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{", 400},
		"two lengths":           {"PUT /rooms/a/b" + end + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		"a negative length":     {"PUT /rooms/a/b" + end + "Content-Length: -1\r\n\r\n{}", 400},
		"a length of nothing":   {"PUT /rooms/a/b" + end + "Content-Length: 9999999\r\n\r\n", 413},
		"deep":                  {"PUT /rooms/a/b" + end + "Content-Length: 400000\r\n\r\n" + strings.Repeat(`{"a":`, 80000), 400},
		"a header of two lines": {"GET /files/a" + end + "Authorization: Bearer a\r\n b\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go func() {
				_, _ = io.WriteString(c, x.request)
				_ = c.(*net.TCPConn).CloseWrite()
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != x.status {
				t.Errorf("answered %d %q, %v; want %d", resp.StatusCode, body, err, x.status)
			}
		})
	}
}
