package homeserver

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers"
	"plenum/rooms"
)

// lookups are rooms of other servers as rooms asks for them.
type lookups struct{ *peers.Client }

// lookupsForRooms returns nil for a server that speaks to no others.
func (p *parts) lookupsForRooms() rooms.Lookups {
	if p.peers == nil {
		return nil
	}
	return lookups{p.peers}
}

// Hierarchy returns a room of another server, and its children.
func (l lookups) Hierarchy(ctx context.Context, server string, room id.RoomID) (*rooms.ForeignSpace, error) {
	a, err := l.Client.Hierarchy(ctx, server, room, false)
	if err != nil {
		return nil, err
	}
	return &rooms.ForeignSpace{Room: a.Room, Children: a.Children, Inaccessible: a.Inaccessible}, nil
}

// EventAt returns which event of a room is closest to a time.
func (l lookups) EventAt(ctx context.Context, server string, room id.RoomID, ts int64, back bool) (id.EventID, int64, error) {
	dir := "f"
	if back {
		dir = "b"
	}
	a, err := l.Client.TimestampToEvent(ctx, server, room, ts, dir)
	return a.ID, a.TS, err
}
