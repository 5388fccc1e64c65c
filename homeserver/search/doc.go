// Package search finds messages by their words. It follows the log with a
// cursor of its own and keeps an index of what is said in rooms that are not
// encrypted: messages, and names and topics of rooms.
//
// What is not on the disk yet is searched in memory, so that a message is found
// as soon as it is sent. After a crash, the log is read again from the cursor.
//
// What is redacted leaves the index at once, on the disk as well. When a room
// becomes encrypted, all that the index has of it goes.
//
// Spec: client-server-api#server-side-search
package search
