package rooms

import (
	"context"
	"crypto/ed25519"
	"encoding/json"

	"maunium.net/go/mautrix/id"
)

// Directory tells where aliases of other servers lead.
type Directory interface {
	// QueryDirectory returns the room of alias and servers that are in it.
	QueryDirectory(ctx context.Context, server string, alias id.RoomAlias) (id.RoomID, []string, error)
}

// Peers are other servers, as far as rooms ask them something. Every call goes
// to the one server that it names. What a server refuses is an error that
// says so; what a server answers is not trusted.
type Peers interface {
	Directory
	// MakeJoin asks for a template of the member event with which user joins.
	// versions are the room versions that this server knows.
	MakeJoin(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (*MemberTemplate, error)
	SendJoin(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage, omitMembers bool) (*JoinAnswer, error)
	MakeLeave(ctx context.Context, server string, room id.RoomID, user id.UserID) (*MemberTemplate, error)
	SendLeave(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) error
	MakeKnock(ctx context.Context, server string, room id.RoomID, user id.UserID, versions []string) (*MemberTemplate, error)
	// SendKnock returns the room's stripped state.
	SendKnock(ctx context.Context, server string, room id.RoomID, ev id.EventID, pdu json.RawMessage) ([]json.RawMessage, error)
	// Invite returns the event with the signature of the invited user's server.
	Invite(ctx context.Context, server string, room id.RoomID, ev id.EventID, version string, pdu json.RawMessage, stripped []json.RawMessage) (json.RawMessage, error)

	// MissingEvents returns events between those that are known and latest.
	MissingEvents(ctx context.Context, server string, room id.RoomID, known, latest []id.EventID, limit int) ([]json.RawMessage, error)
	// StateIDs returns the state before an event, and its auth chain.
	StateIDs(ctx context.Context, server string, room id.RoomID, at id.EventID) (state, auth []id.EventID, err error)
	// State is StateIDs with the events themselves.
	State(ctx context.Context, server string, room id.RoomID, at id.EventID) (state, auth []json.RawMessage, err error)
	Event(ctx context.Context, server string, ev id.EventID) (json.RawMessage, error)
	EventAuth(ctx context.Context, server string, room id.RoomID, ev id.EventID) ([]json.RawMessage, error)
	// Backfill returns the events from and what came before them.
	Backfill(ctx context.Context, server string, room id.RoomID, from []id.EventID, limit int) ([]json.RawMessage, error)
}

// MemberTemplate is a member event that another server has prepared.
type MemberTemplate struct {
	Version string // of the room; "" stands for 1
	Event   json.RawMessage
}

// JoinAnswer is the room as the server that let a user in knows it.
type JoinAnswer struct {
	State, Auth    []json.RawMessage // the state before the join, and its auth chain
	Event          json.RawMessage   // the join as that server has signed it; nil: as it was sent
	MembersOmitted bool              // the state lacks members
	Servers        []string          // in the room; only together with MembersOmitted
}

// Keys are the keys with which servers sign events.
type Keys interface {
	// Key returns a key of server that is valid at a time (milliseconds). With
	// strict it has to have been valid then by what the server says, as room
	// versions from 5 on demand.
	Key(ctx context.Context, server, keyID string, at int64, strict bool) (ed25519.PublicKey, error)
}
