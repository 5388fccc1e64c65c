package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Client makes requests of this API.
type Client struct {
	http http.Client
}

// NewClient returns a Client that speaks over rt, which decides where the
// server is; the host in the requests means nothing.
func NewClient(rt http.RoundTripper) *Client {
	return &Client{http.Client{Transport: rt}}
}

// CreateUser makes an account.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (User, error) {
	return call[User](ctx, c, http.MethodPost, usersPath, u)
}

// Users lists up to limit accounts after a name, by name.
func (c *Client) Users(ctx context.Context, after id.UserID, limit int) ([]User, error) {
	query := url.Values{"after": {string(after)}, "limit": {fmt.Sprint(limit)}}
	list, err := call[userList](ctx, c, http.MethodGet, usersPath+"?"+query.Encode(), nil)
	return list.Users, err
}

// SetPassword gives an account a new password and signs out its devices.
func (c *Client) SetPassword(ctx context.Context, user id.UserID, password string) error {
	_, err := call[struct{}](ctx, c, http.MethodPut, userPath(user)+"/password", NewPassword{Password: password})
	return err
}

// Deactivate closes an account for ever.
func (c *Client) Deactivate(ctx context.Context, user id.UserID, how Deactivation) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, userPath(user)+"/deactivate", how)
	return err
}

// Notify has the server say something to somebody.
func (c *Client) Notify(ctx context.Context, n NewNotice) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, noticePath, n)
	return err
}

// CreateToken makes a registration token.
func (c *Client) CreateToken(ctx context.Context, t NewToken) (Token, error) {
	return call[Token](ctx, c, http.MethodPost, tokensPath, t)
}

// Tokens lists all registration tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	list, err := call[tokenList](ctx, c, http.MethodGet, tokensPath, nil)
	return list.Tokens, err
}

// RevokeToken makes a registration token worthless.
func (c *Client) RevokeToken(ctx context.Context, token string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, tokensPath+"/"+url.PathEscape(token), nil)
	return err
}

// Status tells which server answers.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, statusPath, nil)
}

func userPath(user id.UserID) string { return usersPath + "/" + url.PathEscape(string(user)) }

// call makes one request. What the server says went wrong is a *matrix.Error.
func call[Resp any](ctx context.Context, c *Client, method, path string, body any) (resp Resp, err error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return resp, err
		}
		content = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://plenum"+path, content)
	if err != nil {
		return resp, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return resp, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return resp, failure(answer)
	}
	return resp, json.NewDecoder(answer.Body).Decode(&resp)
}

// failure is what the server says went wrong.
func failure(answer *http.Response) error {
	var e struct {
		Code matrix.Code `json:"errcode"`
		Text string      `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&e); err != nil {
		return fmt.Errorf("the server answers %s: %w", answer.Status, err)
	}
	return &matrix.Error{Code: e.Code, Text: e.Text, Status: answer.StatusCode}
}
