package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Locate returns the room that alias, of this or another server, points to,
// and servers through which it can be entered. An unknown one is M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv3directoryroomroomalias
// Spec: server-server-api#get_matrixfederationv1querydirectory
func (r *Rooms) Locate(ctx context.Context, alias id.RoomAlias) (id.RoomID, []string, error) {
	_, server, err := parseAlias(alias)
	if err != nil {
		return "", nil, err
	}
	if server == r.opt.ServerName || r.opt.Peers == nil {
		room, err := r.Resolve(ctx, alias)
		if err != nil {
			return "", nil, err
		}
		return room, r.serversIn(ctx, room), nil
	}
	room, servers, err := r.opt.Peers.QueryDirectory(ctx, server, alias)
	if err != nil {
		return "", nil, refusedElsewhere(err)
	}
	if !slices.Contains(servers, server) {
		servers = append(servers, server)
	}
	return room, servers, nil
}

// serversIn lists some servers that are in the room, this one first.
func (r *Rooms) serversIn(ctx context.Context, room id.RoomID) []string {
	out := []string{r.opt.ServerName}
	rm, err := r.Room(ctx, room)
	if err != nil {
		return out
	}
	return append(out, rm.servers()...)
}

// checkRoomID checks the form of a room id that a client sent.
func checkRoomID(room id.RoomID) error {
	if len(room) < 2 || room[0] != '!' || len(room) > 255 {
		return matrix.Errorf(matrix.InvalidParam, "%q is not the id of a room.", string(room))
	}
	return nil
}
