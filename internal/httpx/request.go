package httpx

import (
	"net/http"
	"strconv"

	"plenum/internal/matrix"
)

// Request is what a handler is asked.
type Request[T any] struct {
	Principal matrix.Principal // who asks; nobody on routes for Anyone
	Origin    string           // name of the asking server, on routes for Server
	Body      T
	HTTP      *http.Request // for what is not covered here; handlers need it rarely

	x *exchange
}

// Path returns the decoded value of the segment {name} of the route's
// pattern. It is valid UTF-8 without NUL.
func (r *Request[T]) Path(name string) string {
	for i, n := range r.x.match.names {
		if n == name {
			return r.x.values[i]
		}
	}
	return ""
}

// Query returns the first value of a query parameter, or "". It is valid
// UTF-8 without NUL.
func (r *Request[T]) Query(name string) string { return r.x.query.Get(name) }

// QueryAll returns every value of a query parameter.
func (r *Request[T]) QueryAll(name string) []string { return r.x.query[name] }

// HasQuery reports whether a query parameter was given, even if empty.
func (r *Request[T]) HasQuery(name string) bool { return r.x.query.Has(name) }

// QueryInt returns a query parameter that is a whole number, def when it is
// not given, and M_INVALID_PARAM when it is something else.
func (r *Request[T]) QueryInt(name string, def int) (int, error) {
	s := r.Query(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, matrix.Errorf(matrix.InvalidParam, "The query parameter %q must be a whole number.", name)
	}
	return n, nil
}

// QueryBool returns a query parameter that is "true" or "false", false when
// it is not given, and M_INVALID_PARAM when it is something else.
func (r *Request[T]) QueryBool(name string) (bool, error) {
	switch r.Query(name) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, matrix.Errorf(matrix.InvalidParam, "The query parameter %q must be true or false.", name)
}
