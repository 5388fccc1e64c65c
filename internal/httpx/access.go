package httpx

import (
	"context"
	"net/http"

	"plenum/internal/matrix"
)

// Access says who may call a route.
type Access int

// The kinds of callers.
const (
	Anyone             Access = iota // no token is looked at
	Optional                         // a token is checked if there is one
	User                             // an account, or an application service in its name
	UserEvenLocked                   // like User, but a locked account may call too, to log out
	UserNotSuspended                 // like User, but a suspended account may not call
	Appservice                       // an application service
	Admin                            // an account with the administrator flag
	Server                           // another server, with a signed request
	AnyoneOrAppservice               // no token is looked at but that of an application service
)

// String returns a name for generated documents.
func (a Access) String() string {
	names := [...]string{"anyone", "optional", "user", "user, even locked", "user, not suspended", "application service", "admin", "server", "anyone"}
	if a < 0 || int(a) >= len(names) {
		return "unknown"
	}
	return names[a]
}

// Authenticator says who a token speaks for.
type Authenticator interface {
	// Authenticate returns the owner of token. r is for the query parameters
	// with which an application service names the account and device that it
	// speaks for. An error that is a *matrix.Error, such as M_UNKNOWN_TOKEN
	// with soft_logout, reaches the client. For a locked account the answer is
	// the Principal together with M_USER_LOCKED, so that it can still log out;
	// for an application service that may not speak for an account, it is the
	// Principal with the error, because the service itself is known.
	Authenticate(ctx context.Context, token string, r *http.Request) (matrix.Principal, error)
}

// ServerAuthenticator says which server signed a request.
type ServerAuthenticator interface {
	// AuthenticateServer returns the name of the server that signed r with
	// body, which is nil when the request carries none.
	AuthenticateServer(ctx context.Context, r *http.Request, body []byte) (string, error)
}
