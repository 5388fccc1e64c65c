// Package sync is the long poll by which clients follow what happens: /sync.
//
// A sync is a question about the span of the log between two positions: since,
// which the client's token names, and upto, what was committed when the server
// looked. Everything in an answer is told of exactly that span, so that the
// next token continues where the answer ends: nothing is skipped and nothing
// is told twice, and the same token always asks the same question. What is not
// in the log (typing, presence) has a serial of its own in the token.
//
// The usual answer is "nothing new", and the usual news are a few events of
// one room. Both are told from memory: which rooms changed is known without
// reading, and events are copied into the answer in the form in which they
// are kept. A sync without news subscribes to the topics of its user and their
// rooms, and looks again when it is woken.
package sync
