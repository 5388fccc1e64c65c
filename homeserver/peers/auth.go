package peers

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"time"

	"plenum/homeserver/peers/xmatrix"
	"plenum/internal/matrix"
	"plenum/internal/servername"
)

// Keys are the keys that servers sign with. keyring.Ring is them.
type Keys interface {
	Key(ctx context.Context, server, keyID string, at int64, strict bool) (ed25519.PublicKey, error)
}

// Auth says which server has signed a request. It implements
// httpx.ServerAuthenticator.
type Auth struct {
	client *Client
	keys   Keys
	now    func() time.Time
}

// NewAuth returns an Auth for the server that c speaks for. Servers that have
// signed are asked again if they were left alone.
func NewAuth(c *Client, keys Keys) *Auth { return &Auth{c, keys, c.opt.Now} }

// maxSignatures is how many signatures of one request are looked at: a server
// that replaces its key signs with both.
const maxSignatures = 4

// AuthenticateServer returns the name of the server that has signed r with
// body. A server that we do not speak to costs no more than a look at its
// name.
//
// Spec: server-server-api#request-authentication
func (a *Auth) AuthenticateServer(ctx context.Context, r *http.Request, body []byte) (string, error) {
	origin, err := a.authenticate(ctx, r, body)
	outcome := "good"
	switch {
	case matrix.IsCode(err, matrix.Forbidden):
		outcome = "denied"
	case err != nil:
		outcome = "bad"
	}
	a.client.metrics.signed.WithLabelValues(outcome).Inc()
	return origin, err
}

func (a *Auth) authenticate(ctx context.Context, r *http.Request, body []byte) (string, error) {
	headers, err := a.headers(r)
	if err != nil {
		return "", err
	}
	origin := headers[0].Origin
	if !a.client.Allowed(origin) {
		return "", matrix.Errorf(matrix.Forbidden, "This server does not speak to %s.", origin)
	}
	uri := r.RequestURI
	if uri == "" { // of a request within this process
		uri = r.URL.RequestURI()
	}
	message, err := xmatrix.Request{
		Method: r.Method, URI: uri, Origin: origin, Destination: a.client.ServerName(), Content: body,
	}.SigningBytes()
	if err != nil {
		return "", &matrix.Error{Code: matrix.NotJSON, Text: "The body is not JSON that can be signed.", Err: err}
	}
	if err := a.verify(ctx, headers, message); err != nil {
		return "", err
	}
	a.client.Heard(origin)
	return origin, nil
}

// headers reads the signatures of a request, all of one server and for us.
func (a *Auth) headers(r *http.Request) ([]xmatrix.Header, error) {
	var all []xmatrix.Header
	for _, text := range r.Header.Values("Authorization") {
		h, err := xmatrix.Parse(text)
		switch {
		case errors.Is(err, xmatrix.ErrScheme):
			continue
		case err != nil:
			return nil, unauthorized(err.Error())
		case len(all) == maxSignatures:
			return nil, unauthorized("the request has too many signatures")
		case h.Destination != "" && h.Destination != a.client.ServerName():
			return nil, unauthorized("the request is for another server")
		case !servername.Valid(h.Origin) || h.Origin == a.client.ServerName():
			return nil, unauthorized("the origin of the request is not the name of another server")
		case len(all) > 0 && all[0].Origin != h.Origin:
			return nil, unauthorized("the request is signed by several servers")
		}
		all = append(all, h)
	}
	if len(all) == 0 {
		return nil, unauthorized("the request is not signed: it has no X-Matrix header")
	}
	return all, nil
}

// verify accepts a message of which one signature is valid.
func (a *Auth) verify(ctx context.Context, headers []xmatrix.Header, message []byte) error {
	var errs []error
	for _, h := range headers {
		key, err := a.keys.Key(ctx, h.Origin, h.Key, a.now().UnixMilli(), true)
		if err == nil && ed25519.Verify(key, message, h.Signature) {
			return nil
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return &matrix.Error{Code: matrix.Unauthorized, Text: "The key of the signature cannot be had from your server.", Err: err}
	}
	return unauthorized("the signature is not valid")
}

func unauthorized(text string) error {
	return &matrix.Error{Code: matrix.Unauthorized, Text: "Signature: " + text + "."}
}
