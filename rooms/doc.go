// Package rooms is what happens in rooms: creating them, sending, memberships,
// authorisation, state, and who may see what.
//
// Everything that enters a room goes through one path (Room.add): it is built
// on the room's newest state, authorised, signed, and queued for the log in
// the order in which it was built. A room holds its current state in memory
// twice over: what is committed, which readers see, and a thin layer of what
// is on its way to the disk, on which the next event is built.
package rooms
