// Package archive makes a backup of a whole server as one encrypted stream,
// checks such a stream, and builds a server from it.
//
// # Form
//
// A backup is an age file (age-encryption.org/v1), encrypted to one or more
// public keys. In it is the line "plenum backup 1", and then frames: a letter,
// the length of what follows (uvarint), and that. In this order:
//
//	h  one, in JSON: what is backed up, and the schema of the database
//	f  the server's small files: its keys and its settings
//	r  rows of a table of the schema (see package dump), compressed; table by table
//	b  a blob of the media folder begins, in the order of the rows that name
//	   them; it is as it was on the disk, encrypted with the key among the files
//	d  a part of that blob
//	x  the rest of that blob could not be read
//	g  in place of b: the blob was not there
//	e  the end, in JSON: how many of everything there were, and a hash of all before
//
// age notices if a byte is changed, and if chunks of it are missing or in
// another order. The frame at the end tells a whole backup from one whose
// maker failed.
//
// Nothing in a backup proves who made it: whoever has the public key can make
// one. What only the server itself can put into it is its signing key, whose
// public half Verify returns.
//
// # Moment
//
// The database is read in one transaction, beside everything else that goes
// on. Blobs never change, and are copied afterwards; one that was deleted
// meanwhile is noted as such (frame g). So a deletion never waits for a backup.
package archive
