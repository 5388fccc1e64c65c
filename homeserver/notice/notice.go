package notice

import (
	"context"
	"encoding/json"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Accounts is what notices ask of accounts. *account.Accounts implements it.
type Accounts interface {
	OpenSystem(ctx context.Context, name string) (id.UserID, error)
	CheckOpen(ctx context.Context, user id.UserID) error
}

// Rooms is what notices ask of rooms. *rooms.Rooms implements it.
type Rooms interface {
	IsLocal(user id.UserID) bool
	MembershipsOf(ctx context.Context, user id.UserID) ([]rooms.Membership, error)
	MembershipOf(ctx context.Context, user id.UserID, room id.RoomID) (rooms.Membership, error)
	Create(ctx context.Context, p matrix.Principal, q rooms.CreateRequest) (id.RoomID, error)
	Invite(ctx context.Context, p matrix.Principal, c rooms.MemberChange) error
	Send(ctx context.Context, p matrix.Principal, d rooms.Draft) (id.EventID, error)
}

// Tags marks rooms. *userdata.Data implements it.
type Tags interface {
	SetTag(ctx context.Context, user id.UserID, room id.RoomID, tag string, content json.RawMessage) error
}

// tag marks the rooms of notices.
//
// Spec: client-server-api#mserver_notice
const tag = "m.server_notice"

// Notices sends notices. It is safe for concurrent use.
type Notices struct {
	accounts Accounts
	rooms    Rooms
	tags     Tags
	name     string

	// making is held while somebody's room is looked for and made, so that
	// nobody gets two.
	making sync.Mutex
}

// New returns Notices whose sender and rooms people see under a name.
func New(accounts Accounts, rooms Rooms, tags Tags, name string) *Notices {
	return &Notices{accounts: accounts, rooms: rooms, tags: tags, name: name}
}

// Notice is what the server says to somebody.
type Notice struct {
	To       id.UserID
	Type     string // of the event; "": m.room.message
	StateKey *string
	Content  json.RawMessage
	Txn      string // the same again of the same sender is the same notice; "": never
}

// Send sends a notice for an administrator.
func (n *Notices) Send(ctx context.Context, p matrix.Principal, what Notice) (_ id.EventID, err error) {
	defer matrix.Wrap(&err, "send notice")
	if !p.Admin {
		return "", matrix.Errorf(matrix.Forbidden, "Only administrators can do this.")
	}
	if what.Txn != "" {
		what.Txn = string(p.User) + " " + string(p.Device) + " " + what.Txn
	}
	return n.Tell(ctx, what)
}

// Tell sends a notice for the server itself.
func (n *Notices) Tell(ctx context.Context, what Notice) (id.EventID, error) {
	switch {
	case what.To == "":
		return "", matrix.Errorf(matrix.MissingParam, "Say to whom, as user_id.")
	case len(what.Content) == 0:
		return "", matrix.Errorf(matrix.MissingParam, "Say what, as content.")
	case !n.rooms.IsLocal(what.To):
		return "", matrix.Errorf(matrix.InvalidParam, "Notices are for people of this server.")
	}
	if err := n.accounts.CheckOpen(ctx, what.To); err != nil {
		return "", err
	}
	if what.Type == "" {
		what.Type = "m.room.message"
	}
	room, sender, err := n.roomOf(ctx, what.To)
	if err != nil {
		return "", err
	}
	return n.rooms.Send(ctx, matrix.Principal{User: sender}, rooms.Draft{Room: room, Type: what.Type, StateKey: what.StateKey, Content: what.Content, Txn: what.Txn})
}

// roomOf returns the room for notices to user, who is in it or invited, and
// the account that speaks there.
func (n *Notices) roomOf(ctx context.Context, user id.UserID) (id.RoomID, id.UserID, error) {
	sender, err := n.accounts.OpenSystem(ctx, n.name)
	if err != nil {
		return "", "", err
	}
	if user == sender {
		return "", "", matrix.Errorf(matrix.InvalidParam, "The server does not talk to itself.")
	}
	n.making.Lock()
	defer n.making.Unlock()
	room, in, err := n.find(ctx, user, sender)
	if err != nil || in {
		return room, sender, err
	}
	p := matrix.Principal{User: sender}
	if room == "" {
		if room, err = n.rooms.Create(ctx, p, n.newRoom()); err != nil {
			return "", "", err
		}
	}
	if err := n.tags.SetTag(ctx, user, room, tag, json.RawMessage("{}")); err != nil {
		return "", "", err
	}
	return room, sender, n.rooms.Invite(ctx, p, rooms.MemberChange{Room: room, User: user})
}

// find returns the newest room that user has, or had, with the sender of
// notices, who is in no other rooms.
func (n *Notices) find(ctx context.Context, user, sender id.UserID) (room id.RoomID, in bool, err error) {
	all, err := n.rooms.MembershipsOf(ctx, user)
	if err != nil {
		return "", false, err
	}
	for _, m := range all {
		theirs, err := n.rooms.MembershipOf(ctx, sender, m.Room)
		if err != nil {
			return "", false, err
		}
		if theirs.Membership == "join" {
			room, in = m.Room, m.Membership == "join" || m.Membership == "invite"
		}
	}
	return room, in, nil
}

// newRoom is a room in which only the server speaks. It is not encrypted: the
// server keeps no secrets from itself.
func (n *Notices) newRoom() rooms.CreateRequest {
	return rooms.CreateRequest{
		Preset:             "private_chat",
		Name:               n.name,
		Plain:              true,
		CreationContent:    json.RawMessage(`{"m.federate":false}`),
		PowerLevelOverride: json.RawMessage(`{"users_default":-10,"invite":100}`),
	}
}
