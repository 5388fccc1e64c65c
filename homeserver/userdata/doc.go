// Package userdata is what users tell the server about themselves: account
// data with tags and ignored users, filters for sync, how far they have read,
// which threads they follow, whether they are typing, whether they are there.
//
// Account data, receipts and subscriptions to threads are entries of the server's one log: each change
// has a position, and "what changed since" is answered from memory, which the
// writer keeps in step with the database. Typing and presence are in memory
// only; what changes there gets a serial, which grows across restarts.
package userdata
