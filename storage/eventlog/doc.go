// Package eventlog is all SQL about events: the log itself, the state of
// rooms derived from it, memberships, relations, transaction ids and aliases.
//
// An event's position is its place in the server's one log and its narrow
// internal name; every other table refers to it by that number.
package eventlog
