// Package index is the form in which it is kept which words stand in which
// messages of a room.
//
// The history of a room is cut into stretches. A stretch holds its words in
// order, and with each word the positions of the messages it stands in: that
// is an inverted index, of some hundred messages. What else has to be known to
// find a message (who sent it, whether it was edited) stands among the words,
// as marks, which begin with what no word begins with.
//
// While a stretch is short, it is one page, and new messages are put into it.
// Once it is long enough, its words are spread over shelves by their first
// letters, so that whoever looks for a word reads little else.
//
// A message is in the index once, at its own position, also if an edit says what
// its text is. To redact, edit or drop a message, its stretch is written anew
// without the old words: nothing of them stays.
package index
