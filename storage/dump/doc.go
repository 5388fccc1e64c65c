// Package dump reads a whole database as rows, and fills another one with
// them, whichever engine either runs on.
//
// Which tables and columns there are is asked of the database itself: nobody
// who adds a table has to think of it here. A Schema says what they are; rows
// travel in an encoding of their own, which is the same for both engines, so
// that a Digest of a table can be compared on either side.
package dump
