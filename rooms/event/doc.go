// Package event is the form of events: the rules of each room version about
// them, canonical JSON, hashes, signatures, ids and redaction.
//
// It knows nothing of rooms, state or storage. What authorises an event is
// package auth.
package event
