// Package blob keeps content on the local disk: encrypted, and named by what
// it contains.
//
// A blob is one age file, encrypted to the server's own key. Its name starts
// with a keyed hash of the content (HMAC-SHA256 under a key derived from the
// same secret), so that equal contents are recognised, while somebody who has
// only the disk can neither read a blob nor tell whether it is a file he knows.
//
// Putting content takes two steps, because a file system and a database share
// no transaction. Writer.Seal makes the content durable under its name, but
// still pending. The caller then commits whatever refers to it and calls
// Store.Place. A crash between the two leaves a pending blob, which the next
// Open reports by Leftover, so that the caller can ask its database and place
// or discard it. Content that was never sealed is removed by Open. So there is
// never half a file under a blob's name, and no sweep of the whole folder.
//
// One process owns a folder at a time.
package blob
