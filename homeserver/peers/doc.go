// Package peers speaks to other servers, and says which of them a request
// comes from.
//
// Client has a typed call for every endpoint of the server-server API. What
// other servers answer is bounded in size, in time and in how many of them are
// asked at once, and is not trusted beyond its form: signatures of events are
// for whoever receives them. A server that does not answer is left alone for a
// while, longer each time up to a day, by all calls together, and asked again
// as soon as it speaks to us (Heard).
//
// The pieces stand in folders of their own: names finds the address of a
// server, xmatrix signs requests, keyring knows the keys that servers sign
// with. Whatever connects does so through internal/outward, so that no name
// leads into our own network.
package peers
