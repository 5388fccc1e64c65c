// Package auth decides whether an event may be part of a room: the
// authorisation rules of every room version, driven by event.Rules.
//
// It sees one event and the state that it is checked against, nothing else.
// Three rules need more than that and belong to whoever receives events from
// other servers: that the event's own auth_events are well chosen and not
// rejected (see CheckAuthEvents), that the signatures are valid, and in version
// 12 that the room id is the id of an accepted create event.
package auth
