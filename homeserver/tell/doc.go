// Package tell is how a user is told what happened, whichever way their
// device asks: the writer of answers, the newest events of a room as its user
// sees them, receipts and typing as events, and waiting for news. What is
// told, and when, is up to those who use it.
package tell
