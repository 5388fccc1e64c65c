// Package sliding is sliding sync: a client says which part of its list of
// rooms it looks at, and is told of those rooms only. So the first answer
// costs the same in two thousand rooms as in twenty.
//
// A device has connections, each a chain of requests in which every request
// names the answer before. For each connection the server remembers what the
// client has of every room: up to where, how many events, which state. That
// is all that an answer is made from: there is no difference between a room
// that the client looked at all the time and one that it comes back to.
//
// An answer changes what is remembered only when the next request proves that
// it arrived. A request that comes again gets the same answer again, and one
// that comes again with another question is answered as if the lost answer had
// never been.
//
// The memory of connections is bounded and does not survive a restart: a
// client whose connection is forgotten is told so, with M_UNKNOWN_POS, and
// begins a new one. Messages from device to device do not depend on it: they
// have a token of their own.
//
// Clients speak two forms of the protocol, the one that came first and the one
// that was accepted into the specification. They differ in names and in how
// the wanted state is spelled out (see Form); all else is the same.
package sliding
