// Package notice lets the server speak to people: that it will be away for an
// hour, that the terms have changed. Each person has a room for it, with an
// account of the server that nobody can sign in to. The room is made with the
// first notice and used again for the next; somebody who has left it is invited
// again.
//
// Spec: client-server-api#server-notices
package notice
