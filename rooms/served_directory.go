package rooms

import (
	"context"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// ServePublicRooms returns a page of the public directory to another server:
// without the rooms that are for users of this one only.
//
// Spec: server-server-api#post_matrixfederationv1publicrooms
func (r *Rooms) ServePublicRooms(ctx context.Context, q DirectoryQuery) (_ DirectoryPage, err error) {
	defer matrix.Wrap(&err, "serve public rooms")
	from := q.Only
	if from == nil {
		if from, err = r.publicRooms(ctx); err != nil {
			return DirectoryPage{}, err
		}
	}
	q.Only = make([]id.RoomID, 0, len(from))
	for _, room := range from {
		rm, err := r.Room(ctx, room)
		if err != nil {
			return DirectoryPage{}, err
		}
		federates, err := rm.federates(ctx)
		if err != nil {
			return DirectoryPage{}, err
		}
		if federates {
			q.Only = append(q.Only, room)
		}
	}
	return r.Directory(ctx, q)
}

// federates reports whether users of other servers may come into the room.
//
// Spec: client-server-api#mroomcreate
func (rm *Room) federates(ctx context.Context) (bool, error) {
	e, err := rm.Current(ctx, "m.room.create", "")
	if err != nil || e == nil {
		return false, err
	}
	return e.Content().Get(`m\.federate`).Type != gjson.False, nil
}

// ServeAlias returns the room that an alias of this server points to, and the
// servers through which it can be entered.
//
// Spec: server-server-api#get_matrixfederationv1querydirectory
func (r *Rooms) ServeAlias(ctx context.Context, alias id.RoomAlias) (_ id.RoomID, servers []string, err error) {
	defer matrix.Wrap(&err, "serve alias")
	_, server, err := parseAlias(alias)
	if err != nil {
		return "", nil, err
	}
	if server != r.opt.ServerName {
		return "", nil, matrix.Errorf(matrix.NotFound, "The alias %s is not of this server.", alias)
	}
	room, err := r.Resolve(ctx, alias)
	if err != nil {
		return "", nil, err
	}
	return room, r.serversIn(ctx, room), nil
}
