package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// ServedSpace is a room, and what another server may know of its children.
type ServedSpace struct {
	Room         HierarchyRoom
	Children     []Summary
	Inaccessible []id.RoomID // that nobody of the other server may enter
}

// mostChildren bounds the children of one answer.
const mostChildren = 200

// ServeHierarchy returns a space and its children to another server.
//
// Spec: server-server-api#get_matrixfederationv1hierarchyroomid
func (r *Rooms) ServeHierarchy(ctx context.Context, origin string, room id.RoomID, suggested bool) (_ *ServedSpace, err error) {
	defer matrix.Wrap(&err, "serve hierarchy")
	rm, err := r.hosted(ctx, origin, room)
	if err != nil {
		return nil, err
	}
	may, err := r.serverMayKnow(ctx, origin, rm)
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, matrix.Errorf(matrix.NotFound, "There is no such room, or nobody of your server may know it.")
	}
	children, err := rm.spaceChildren(ctx, suggested)
	if err != nil {
		return nil, err
	}
	out := &ServedSpace{Children: []Summary{}, Inaccessible: []id.RoomID{}}
	out.Room.Children = childStates(children)
	if out.Room.Summary, err = rm.Summary(ctx); err != nil {
		return nil, err
	}
	for _, c := range children[:min(len(children), mostChildren)] {
		if err := r.serveChild(ctx, origin, id.RoomID(*c.StateKey), out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// serveChild adds a child to the answer, unless this server knows nothing of it.
func (r *Rooms) serveChild(ctx context.Context, origin string, room id.RoomID, out *ServedSpace) error {
	rm, err := r.hosted(ctx, origin, room)
	switch {
	case matrix.IsCode(err, matrix.NotFound):
		return nil
	case matrix.IsCode(err, matrix.Forbidden):
		out.Inaccessible = append(out.Inaccessible, room)
		return nil
	case err != nil:
		return err
	}
	may, err := r.serverMayKnow(ctx, origin, rm)
	if err != nil {
		return err
	}
	if !may {
		out.Inaccessible = append(out.Inaccessible, room)
		return nil
	}
	s, err := rm.Summary(ctx)
	out.Children = append(out.Children, s)
	return err
}

// serverMayKnow is MayKnow for whoever is of a server: any of its users.
func (r *Rooms) serverMayKnow(ctx context.Context, server string, rm *Room) (bool, error) {
	if rm.HasServer(server) || rm.hasInvited(server) {
		return true, nil
	}
	s, err := rm.Summary(ctx)
	if err != nil {
		return false, err
	}
	switch s.JoinRule {
	case "public", "knock", "knock_restricted":
		return true, nil
	}
	if s.WorldReadable {
		return true, nil
	}
	if s.JoinRule != "restricted" {
		return false, nil
	}
	for _, room := range s.Allowed {
		other, err := r.Room(ctx, room)
		if matrix.IsCode(err, matrix.NotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		if other.HasServer(server) {
			return true, nil
		}
	}
	return false, nil
}
