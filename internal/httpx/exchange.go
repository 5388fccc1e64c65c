package httpx

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// exchange is one request and its answer.
type exchange struct {
	mux   *mux
	http  *http.Request
	out   writer
	start time.Time

	match  *match
	values [maxParams]string // of the parameters of match
	allow  []string          // when nothing matched: the methods that would have
	query  url.Values

	principal matrix.Principal
	origin    string
	body      []byte // when it had to be read before the handler's turn
	gone      bool   // the client went away before there was an answer
	abort     bool   // the answer broke off, which the client must be able to tell
}

// find looks for the route.
func (x *exchange) find() {
	s := x.mux.tree.find(x.http.Method, x.http.URL)
	x.match, x.values, x.allow = s.match, s.values, s.allow
	if x.match == nil {
		x.match = x.mux.nowhere
	}
}

// do serves the route and answers whatever comes of it.
func (x *exchange) do() {
	x.match.endpoint.series.begin()
	if err := x.run(); err != nil {
		x.fail(err)
	}
	took := time.Since(x.start)
	x.match.endpoint.series.end(x, took)
	x.report(took)
	if x.abort {
		panic(http.ErrAbortHandler) // net/http then closes the connection without a proper end
	}
}

// run goes through the steps before the handler, and the handler.
func (x *exchange) run() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = caught(v)
		}
	}()
	denied := x.authenticate()
	// Counted even when denied, then against the address it came from.
	if err := x.limit(); err != nil {
		return err
	}
	if denied != nil {
		return denied
	}
	if err := x.parse(); err != nil {
		return err
	}
	return x.match.endpoint.serve(x)
}

// parse checks the parameters of the path and reads those of the query.
func (x *exchange) parse() error {
	for i, v := range x.values[:len(x.match.names)] {
		if !isText(v) {
			return matrix.Errorf(matrix.InvalidParam, "The %s in the path is not valid text.", x.match.names[i])
		}
	}
	if x.http.URL.RawQuery == "" {
		return nil
	}
	var err error
	if x.query, err = url.ParseQuery(x.http.URL.RawQuery); err != nil {
		return matrix.Errorf(matrix.InvalidParam, "The query string is not well encoded.")
	}
	for name, values := range x.query {
		for _, v := range values {
			if !isText(v) {
				return matrix.Errorf(matrix.InvalidParam, "The query parameter %q is not valid text.", strings.ToValidUTF8(name, "�"))
			}
		}
	}
	return nil
}

// isText reports whether s can be stored and sent on as text.
func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
