// Package push decides what is worth a notification and tells it: push rules,
// the counts of what is unread, and the pushers that reach phones.
//
// A user's rules are compiled once, and equal rules of many users are one
// rule set. An event is judged once by each rule set, down to what depends on
// the user alone: whether they are mentioned. Nothing is done for a user who
// does not look: counts are brought up to date when a sync asks for them.
package push
