// Package delayed sends events later: at a time that their sender chose, who
// can move it, cancel it, or say "now". Calls live on it. A client schedules
// that it leaves, and puts that off every few seconds for as long as it is
// there; whoever loses their connection has left the call soon after.
//
// What is scheduled is on the disk, and its timer in memory. So that putting
// off costs no write each time, the disk may say a later time than the timer
// (see grace): after a crash an event is sent up to that much too late, and
// never too early. A server that stops writes the exact times.
//
// An event is sent once. That it is sent is written in the transaction that
// adds it to its room, and only if it was still to be sent, so that it does not
// matter who comes first of a timer, a client that says "now", and one that
// cancels; nor where a crash happens.
//
// Spec: todo MSC4140, once it is in a release
package delayed
