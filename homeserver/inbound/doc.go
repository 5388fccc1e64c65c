// Package inbound hears other servers: it takes in their transactions and
// hands events to rooms, and what is not an event to whoever is concerned.
//
// Nothing that one server sends can keep others waiting for long. The events of
// a transaction are handled room by room, a few rooms of one server at a time;
// in a room, servers take turns. A server that has too much under way is asked
// to come back later, so that what one server occupies is bounded, and so is
// what all do together.
package inbound
