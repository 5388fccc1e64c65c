// Package httpx is the adapter between net/http and handlers that know no
// HTTP. A handler is a function of a context and a Request that returns an
// answer or an error; a Route binds it to a method, a path and the rules for
// calling it; NewMux serves a table of routes.
//
// The adapter does what every endpoint needs alike: it finds the route, says
// who is asking, holds back those who ask too often, reads and checks the JSON
// body, writes the answer or the error in Matrix's form, and counts and times
// what happened. It records route patterns only, never paths, identifiers,
// tokens or addresses.
package httpx
