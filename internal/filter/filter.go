package filter

import (
	"slices"

	"maunium.net/go/mautrix/id"
)

// Filter is what a sync is to contain. The zero Filter lets everything pass.
//
// Spec: client-server-api#post_matrixclientv3useruseridfilter
type Filter struct {
	Fields      *Fields // event_fields; nil: whole events
	Federation  bool    // event_format is "federation"
	Presence    Events
	AccountData Events // that of the account, not of rooms
	Room        Room
}

// Room is the part of a Filter about rooms.
type Room struct {
	IncludeLeave bool
	Ephemeral    Events
	State        Events
	Timeline     Events
	AccountData  Events

	rooms choice
}

// Has reports whether anything of room may pass.
func (r *Room) Has(room id.RoomID) bool { return r.rooms.has(string(room)) }

// Events says which events pass. The zero Events, and a nil pointer, let
// every event pass.
type Events struct {
	LazyLoadMembers         bool
	IncludeRedundantMembers bool
	UnreadThreads           bool // unread_thread_notifications
	RelatedBy               RelatedBy

	limit                 int
	limited               bool // limit was given
	types, senders, rooms choice
	relations             choice // by the types of how they relate to others
	url                   *bool  // contains_url; nil: does not matter
}

// Limit returns how many events the client wants at most: usual unless it
// says, and never more than most.
func (e *Events) Limit(usual, most int) int {
	if e == nil || !e.limited {
		return min(usual, most)
	}
	return min(e.limit, most)
}

// RelatedBy asks for events that others point to with m.relates_to: with one
// of the types and from one of the senders, as far as they are given.
//
// Spec: todo MSC3440, which the specification of threads left out
type RelatedBy struct {
	Senders  []id.UserID
	RelTypes []string
}

// IsZero reports whether relations do not matter.
func (r RelatedBy) IsZero() bool { return r.Senders == nil && r.RelTypes == nil }

// Match reports whether an event that sender sent with a relation of relType
// is one that is asked for.
func (r RelatedBy) Match(relType string, sender id.UserID) bool {
	return (r.RelTypes == nil || slices.Contains(r.RelTypes, relType)) && (r.Senders == nil || slices.Contains(r.Senders, sender))
}

// Subject is what a matcher looks at.
type Subject struct {
	Type   string
	Sender id.UserID
	Room   id.RoomID
	HasURL bool // the content has a url; only looked at when ReadsURL
	// RelType is how it relates to another event; empty: not at all.
	RelType string
}

// ReadsURL reports whether Subject.HasURL matters, so that nobody needs to
// look for it in vain.
func (e *Events) ReadsURL() bool { return e != nil && e.url != nil }

// Match reports whether s passes, RelatedBy aside.
func (e *Events) Match(s Subject) bool {
	if e == nil {
		return true
	}
	return e.types.has(s.Type) && e.senders.has(string(s.Sender)) && e.rooms.has(string(s.Room)) &&
		e.relations.has(s.RelType) && (e.url == nil || *e.url == s.HasURL)
}

// HasType reports whether an event of typ may pass.
func (e *Events) HasType(typ string) bool { return e == nil || e.types.has(typ) }

// HasRoom reports whether an event of room may pass.
func (e *Events) HasRoom(room id.RoomID) bool { return e == nil || e.rooms.has(string(room)) }

// HasSender reports whether an event from user may pass.
func (e *Events) HasSender(user id.UserID) bool { return e == nil || e.senders.has(string(user)) }

// HasAllSenders reports whether it does not matter who sent an event.
func (e *Events) HasAllSenders() bool { return e == nil || e.senders.isOpen() }

// URL tells whether the content of an event must have a url, or must not; nil:
// that does not matter.
func (e *Events) URL() *bool {
	if e == nil {
		return nil
	}
	return e.url
}

// IsOpen reports whether every event passes.
func (e *Events) IsOpen() bool {
	return e == nil || e.types.isOpen() && e.senders.isOpen() && e.rooms.isOpen() && e.relations.isOpen() && e.url == nil && e.RelatedBy.IsZero()
}

// IsShut reports whether no event passes at all.
func (e *Events) IsShut() bool {
	return e != nil && (e.types.isShut() || e.senders.isShut() || e.rooms.isShut() || e.relations.isShut())
}
