package hstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// JSON is the content of an answer.
type JSON = gjson.Result

// Client is somebody who uses a server, on one device. What is not answered as
// expected fails the test.
type Client struct {
	User   id.UserID
	Device id.DeviceID
	Token  string
	Since  string // where the next Sync goes on

	t       testing.TB
	http    *http.Client
	refused matrix.Code // expected of every request; "": success
	txn     *int
	assert  url.Values // whom an application service speaks for
}

const (
	v1 = "/_matrix/client/v1"
	v3 = "/_matrix/client/v3"
)

// Password is the password of everybody in tests.
const Password = "correct horse battery"

// Nobody returns a client without an account.
func (s *Server) Nobody() *Client {
	return &Client{t: s.t, http: &http.Client{Transport: s}, txn: new(int)}
}

// Client makes an account and signs in.
func (s *Server) Client(name string) *Client {
	s.t.Helper()
	c := s.Nobody()
	c.signedIn(c.Post(v3+"/register", map[string]any{
		"username": name, "password": Password, "auth": map[string]any{"type": "m.login.dummy"},
	}))
	return c
}

// SignIn signs in on one more device.
func (s *Server) SignIn(user id.UserID) *Client {
	s.t.Helper()
	c := s.Nobody()
	c.signedIn(c.Post(v3+"/login", map[string]any{
		"type": "m.login.password", "password": Password,
		"identifier": map[string]any{"type": "m.id.user", "user": user},
	}))
	return c
}

func (c *Client) signedIn(a JSON) {
	c.User = id.UserID(a.Get("user_id").Str)
	c.Device = id.DeviceID(a.Get("device_id").Str)
	c.Token = a.Get("access_token").Str
}

// In returns c in another test, such as a subtest.
func (c *Client) In(t testing.TB) *Client {
	other := *c
	other.t = t
	return &other
}

// Refused returns c expecting to be refused with code.
func (c *Client) Refused(code matrix.Code) *Client {
	other := *c
	other.refused = code
	return &other
}

// challenge stands for an answer that asks for user-interactive authentication.
const challenge matrix.Code = "challenge"

// Challenged returns c expecting to be asked for (more) authentication.
//
// Spec: client-server-api#user-interactive-authentication-api
func (c *Client) Challenged() *Client { return c.Refused(challenge) }

// Get, Put, Post and Delete make a request and return the answer's content.
// Path holds what is escaped in it; Path escapes.
func (c *Client) Get(path string) JSON { c.t.Helper(); return c.do(http.MethodGet, path, nil) }

// Put makes a PUT request with a body of JSON.
func (c *Client) Put(path string, body any) JSON {
	c.t.Helper()
	return c.do(http.MethodPut, path, body)
}

// Post makes a POST request with a body of JSON.
func (c *Client) Post(path string, body any) JSON {
	c.t.Helper()
	return c.do(http.MethodPost, path, body)
}

// Delete makes a DELETE request.
func (c *Client) Delete(path string, body any) JSON {
	c.t.Helper()
	return c.do(http.MethodDelete, path, body)
}

// Path puts together a path, escaping each part: c.Path(v3, "rooms", room).
func Path(prefix string, parts ...any) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(fmt.Sprint(p)))
	}
	return b.String()
}

// do makes a request and compares its outcome with what is expected.
func (c *Client) do(method, path string, body any) JSON {
	c.t.Helper()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	resp := c.Send(method, path, content, nil)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if !gjson.ValidBytes(raw) {
		c.t.Fatalf("%s %s: status %d with what is no JSON: %q", method, path, resp.StatusCode, raw)
	}
	answer := gjson.ParseBytes(raw)
	code := matrix.Code(answer.Get("errcode").Str)
	if c.refused == challenge && resp.StatusCode == http.StatusUnauthorized && answer.Get("flows").Exists() {
		return answer
	}
	if c.refused != "" {
		if code != c.refused || resp.StatusCode < 400 || resp.StatusCode >= 500 {
			c.t.Errorf("%s: %s %s: status %d with %s, want to be refused with %s", c.User, method, path, resp.StatusCode, raw, c.refused)
		}
		return answer
	}
	if resp.StatusCode/100 != 2 {
		c.t.Fatalf("%s: %s %s: status %d with %s", c.User, method, path, resp.StatusCode, raw)
	}
	return answer
}

// Send makes a request as it is and returns the answer as it is.
func (c *Client) Send(method, path string, body io.Reader, header http.Header) *http.Response {
	c.t.Helper()
	if len(c.assert) > 0 {
		mark := "?"
		if strings.Contains(path, "?") {
			mark = "&"
		}
		path += mark + c.assert.Encode()
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://server"+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatalf("%s: %s %s: %v", c.User, method, path, err)
	}
	return resp
}

// nextTxn returns a transaction id that this client has not used.
func (c *Client) nextTxn() string {
	*c.txn++
	return fmt.Sprintf("t%d", *c.txn)
}
