// Package outbox sends to other servers what happens here: events, and beside
// them messages between devices, changes of device lists, who types, who has
// read what, and who is there.
//
// It follows the log. What it read and could not send yet it keeps in memory
// as positions, by destination, and notes it in the database once a second
// together with how far it has read: a peer that is there costs no write, and
// after a crash the log is read again from there. A peer may then get an event
// twice, which it notices by the event's id; nothing is left out.
//
// To each destination one transaction is under way at a time, so that it gets
// everything in order. One that fails is repeated with the same id and the same
// content until it arrives; how long to wait between is up to the client. Who
// was away for so long that too much waits is told the newest event of each
// room and asks for the rest: see peer.overflow.
//
// Memory is bounded by the number of destinations for which something waits,
// goroutines by the transactions that are under way at the same time.
package outbox
