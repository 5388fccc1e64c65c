package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"plenum/homeserver/peers/names"
	"plenum/homeserver/peers/xmatrix"
	"plenum/internal/matrix"
	"plenum/internal/servername"
	"plenum/rooms/event"
)

// call is a request to another server.
type call struct {
	server string
	method string // "": GET
	path   string // with what is escaped in it
	query  url.Values
	body   any // nil: none; []byte and json.RawMessage are JSON already

	unsigned bool          // needs no signature
	eager    bool          // somebody waits for it: a pause of the server counts less
	large    bool          // the answer is as large as a room
	limit    int64         // bytes of the answer; 0: answerBytes
	timeout  time.Duration // 0: that of the options
	accept   string        // media types; "": JSON
}

const (
	answerBytes = 4 << 20
	errorBytes  = 64 << 10
	largeTime   = 15 * time.Minute // for answers as large as a room, to be made and to be sent
)

// path puts together a path, escaping each part.
func path(prefix string, parts ...string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// ask makes a call whose answer is JSON, and reads it into out, or into
// nothing when that is nil.
func (c *Client) ask(ctx context.Context, k call, out any) error {
	resp, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return c.broken(ctx, k, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s of %s: %w: %w", k.method, k.path, k.server, ErrAnswer, err)
	}
	return nil
}

// do makes a call. An answer with another status than 200 is an error. The
// caller closes the body, which ends with an error when it is too long or too
// slow.
func (c *Client) do(ctx context.Context, k call) (_ *http.Response, err error) {
	defer func() { c.metrics.called(err) }()
	if k.method == "" {
		k.method = http.MethodGet
	}
	if err := c.may(k); err != nil {
		return nil, err
	}
	done, err := c.turn(ctx, k)
	if err != nil {
		return nil, err
	}
	w := newWatch(ctx, c.timeout(k))
	resp, err := c.send(w.ctx, k)
	if err != nil {
		err = w.cause(err)
		w.stop()
		done()
		return nil, c.broken(ctx, k, err)
	}
	resp.Body = &body{from: resp.Body, left: k.bytes(c.opt), watch: w, done: done}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, c.refused(k, resp)
	}
	c.patience.well(k.server)
	return resp, nil
}

// may reports why a call must not be made, or not now.
func (c *Client) may(k call) error {
	if !servername.Valid(k.server) {
		return fmt.Errorf("%w: %w: %q", ErrDenied, names.ErrName, k.server)
	}
	if k.server == c.ServerName() || !c.Allowed(k.server) {
		return fmt.Errorf("%w: %s", ErrDenied, k.server)
	}
	if until := c.patience.until(k.server, k.eager); !until.IsZero() {
		return &BackoffError{k.server, until}
	}
	return nil
}

// turn waits until not too many calls are under way. The caller calls done.
func (c *Client) turn(ctx context.Context, k call) (done func(), err error) {
	per, ok := c.turns.Get(k.server)
	if !ok {
		per = semaphore.NewWeighted(perServer)
		if before, ok, _ := c.turns.PeekOrAdd(k.server, per); ok {
			per = before
		}
	}
	if err := per.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if !k.large {
		return func() { per.Release(1) }, nil
	}
	if err := c.large.Acquire(ctx, 1); err != nil {
		per.Release(1)
		return nil, err
	}
	return func() {
		c.large.Release(1)
		per.Release(1)
	}, nil
}

func (c *Client) timeout(k call) time.Duration {
	switch {
	case k.timeout > 0:
		return k.timeout
	case k.large:
		return largeTime
	}
	return c.opt.Timeout
}

func (k call) bytes(opt Options) int64 {
	switch {
	case k.limit > 0:
		return k.limit
	case k.large:
		return opt.MaxAnswer
	}
	return answerBytes
}

// send sends the request of a call.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	content, err := k.content()
	if err != nil {
		return nil, err
	}
	req, err := c.request(ctx, k, content)
	if err != nil {
		return nil, err
	}
	if !k.unsigned {
		if err := c.sign(req, k.server, content); err != nil {
			return nil, err
		}
	}
	return c.servers.RoundTrip(req)
}

// content returns the body in canonical form.
func (k call) content() ([]byte, error) {
	var raw []byte
	switch v := k.body.(type) {
	case nil:
		return nil, nil
	case []byte:
		raw = v
	case json.RawMessage:
		raw = v
	default:
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	return event.AppendCanonical(make([]byte, 0, len(raw)), raw, false)
}

func (c *Client) request(ctx context.Context, k call, content []byte) (*http.Request, error) {
	at := "https://" + k.server + k.path
	if c.resolver != nil {
		at = "https://" + hostFor(k.server) + k.path
	}
	if len(k.query) > 0 {
		at += "?" + k.query.Encode()
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, at, body)
	if err != nil {
		return nil, err
	}
	req.Host = k.server
	if c.resolver != nil {
		target, err := c.resolver.Resolve(ctx, k.server)
		if err != nil {
			return nil, err
		}
		req.Host = target.Host
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if k.accept != "" {
		req.Header.Set("Accept", k.accept)
	}
	req.Header.Set("User-Agent", "Plenum")
	// Tells net/http that the request may be sent again over another
	// connection when the server has just closed the one it was sent over. It
	// is not sent itself.
	req.Header["X-Idempotency-Key"] = []string{}
	return req, nil
}

// sign adds the signature of this server.
func (c *Client) sign(req *http.Request, to string, content []byte) error {
	message, err := xmatrix.Request{
		Method: req.Method, URI: req.URL.RequestURI(), Origin: c.ServerName(), Destination: to, Content: content,
	}.SigningBytes()
	if err != nil {
		return err
	}
	h := xmatrix.Header{Origin: c.ServerName(), Destination: to, Key: c.signer.KeyID(), Signature: c.signer.Sign(message)}
	req.Header.Set("Authorization", h.String())
	return nil
}

// broken notes that a server did not answer, unless that is our own doing: the
// caller, whose context ctx is, waits no longer, or does not take the answer.
func (c *Client) broken(ctx context.Context, k call, err error) error {
	answered := errors.Is(err, ErrAnswer) || errors.Is(err, errTooLong)
	ours := ctx.Err() != nil || errors.Is(err, ErrDenied) || errors.Is(err, names.ErrName)
	if !answered && !ours {
		c.patience.failed(k.server, 0)
	}
	return fmt.Errorf("%s %s of %s: %w", k.method, k.path, k.server, err)
}

// refused reads an answer that is an error.
func (c *Client) refused(k call, resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
	e := readError(k.server, resp, raw)
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if e.Code == "" { // the web server in front; with a code it is the Matrix server's answer
			c.patience.failed(k.server, e.RetryAfter)
			return e
		}
	case http.StatusTooManyRequests:
		if e.RetryAfter > 0 {
			c.patience.failed(k.server, e.RetryAfter)
			return e
		}
	}
	if err == nil {
		c.patience.well(k.server)
	}
	return e
}

// readError makes an Error of an answer.
func readError(server string, resp *http.Response, raw []byte) *Error {
	e := &Error{Server: server, Status: resp.StatusCode}
	var said struct {
		Code  string `json:"errcode"`
		Text  string `json:"error"`
		Retry int64  `json:"retry_after_ms"`
	}
	if json.Unmarshal(raw, &said) == nil {
		e.Code, e.Text = matrix.Code(shortened(said.Code, 100)), shortened(said.Text, 500)
		e.RetryAfter = time.Duration(min(max(said.Retry, 0), int64(time.Hour/time.Millisecond))) * time.Millisecond
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && e.RetryAfter == 0 {
		e.RetryAfter = time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	return e
}

// shortened cuts what is too long of a foreign text.
func shortened(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
