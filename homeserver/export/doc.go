// Package export writes down what the server has of one account, for the
// person whose account it is: an archive of readable JSON, of the files that
// they have uploaded, and of a page that says what is where.
//
// The archive is a stream: whatever the account holds, little of it is in
// memory at once. An archive whose end is missing cannot be opened, so that
// nobody takes a part for the whole.
//
// Tokens, the keys of pushers and the hash of the password are not in it: who
// finds an archive must not get into the account. What others have said is not
// in it either; it is theirs.
package export
