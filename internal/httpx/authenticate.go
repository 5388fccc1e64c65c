package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"plenum/internal/matrix"
)

// authenticate finds out who is asking and whether they may use the route.
func (x *exchange) authenticate() error {
	switch x.match.endpoint.Access {
	case Anyone:
		return nil
	case Server:
		return x.authenticateServer()
	case AnyoneOrAppservice:
		x.recognise()
		return nil
	}
	access := x.match.endpoint.Access
	token, err := accessToken(x.http)
	if err != nil {
		return err
	}
	if token == "" {
		if access == Optional {
			return nil
		}
		return matrix.Errorf(matrix.MissingToken, "Log in first: this needs an access token.")
	}
	p, err := x.mux.auth.Authenticate(x.http.Context(), token, x.http)
	if err != nil && !(access == UserEvenLocked && matrix.IsCode(err, matrix.UserLocked)) {
		return err
	}
	if p.IsAnyone() {
		return matrix.Errorf(matrix.UnknownToken, "This access token is not known.")
	}
	x.principal = p
	return permitted(p, access)
}

// recognise finds out whether an application service is asking, on routes that
// anyone may call. A token of anybody else is as good as none.
func (x *exchange) recognise() {
	token, err := accessToken(x.http)
	if err != nil || token == "" {
		return
	}
	if p, _ := x.mux.auth.Authenticate(x.http.Context(), token, x.http); p.Appservice != "" {
		x.principal = p
	}
}

// permitted reports why p may not use a route.
func permitted(p matrix.Principal, a Access) error {
	switch {
	case a == Admin && !p.Admin:
		return matrix.Errorf(matrix.Forbidden, "Only an administrator of this server can do that.")
	case a == Appservice && p.Appservice == "":
		return matrix.Errorf(matrix.Forbidden, "Only an application service can do that.")
	case a == UserNotSuspended && p.Suspended:
		return matrix.Errorf(matrix.UserSuspended, "Your account is suspended. You can read and leave rooms, but not do this.")
	}
	return nil
}

// accessToken returns the token that r carries, or "". The one in the query
// string is for clients from before version 1.11 of the specification.
//
// Spec: client-server-api#using-access-tokens
func accessToken(r *http.Request) (string, error) {
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		if !strings.Contains(r.URL.RawQuery, "access_token") {
			return "", nil
		}
		return r.URL.Query().Get("access_token"), nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", matrix.Errorf(matrix.MissingToken, "The Authorization header must be: Bearer and the access token.")
	}
	return strings.TrimSpace(token), nil
}

// authenticateServer checks the signature of another server, for which the
// body is read first.
//
// Spec: server-server-api#request-authentication
func (x *exchange) authenticateServer() (err error) {
	if x.body, err = readBody(x); err != nil {
		return err
	}
	x.http.Body = io.NopCloser(bytes.NewReader(x.body)) // for a handler that reads it itself
	x.origin, err = x.mux.server.AuthenticateServer(x.http.Context(), x.http, x.body)
	return err
}
