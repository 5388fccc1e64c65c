package appservice

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/appservices"
)

// Networks are the directories of foreign networks: rooms that services list
// there, which need not be in the public directory of this server.
type Networks struct {
	DB    *storage.DB
	Rooms *rooms.Rooms
}

// ListRoom lists a room in the directory of a network of the service that
// asks, or takes it out.
//
// Spec: application-service-api#put_matrixclientv3directorylistappservicenetworkidroomid
func (n Networks) ListRoom(ctx context.Context, p matrix.Principal, network string, room id.RoomID, listed bool) (err error) {
	defer matrix.Wrap(&err, "list %s", room)
	if _, err := n.Rooms.Room(ctx, room); err != nil {
		return err
	}
	return n.DB.Write(ctx, func(tx *storage.Tx) error {
		return appservices.ListRoom(ctx, tx, InstanceID(p.Appservice, network), room, listed)
	})
}

// RoomsOf returns the rooms in the directory of a network, as clients name it;
// of all networks when it is empty.
func (n Networks) RoomsOf(ctx context.Context, network string) (list []id.RoomID, err error) {
	defer matrix.Wrap(&err, "rooms of network %s", network)
	err = n.DB.Read(ctx, func(tx *storage.Tx) error {
		list, err = appservices.RoomsOf(ctx, tx, network)
		return err
	})
	return list, err
}
