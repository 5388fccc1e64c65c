// Package admin is how the command line speaks to a server: a few requests
// about accounts, registration tokens and backups, and the Client that makes them.
//
// The routes are served on a Unix socket in the data folder that only the
// owner of the server may open, or to a command in the same process; that is
// the whole of their authentication, and they are on no other listener.
package admin
