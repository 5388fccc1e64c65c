package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// ServeEvent returns one event to another server, redacted when it may not see
// more. Events of rooms that it has nothing to do with are M_FORBIDDEN.
//
// Spec: server-server-api#get_matrixfederationv1eventeventid
func (r *Rooms) ServeEvent(ctx context.Context, origin string, ev id.EventID) (_ Served, err error) {
	defer matrix.Wrap(&err, "serve event")
	e, err := r.Event(ctx, ev)
	if err != nil {
		return Served{}, err
	}
	_, g, err := r.visited(ctx, origin, e.Room)
	if err != nil {
		return Served{}, err
	}
	if !g.wasAt(e) && !g.sees(e) {
		return Served{}, matrix.Errorf(matrix.Forbidden, "Nobody of %s was in the room then.", origin)
	}
	out, err := g.show(ctx, e)
	if err != nil {
		return Served{}, err
	}
	return out[0], nil
}

// Extremities returns the room's forward extremities to another server.
//
// Spec: todo server-server-api#extremities, MSC4370
func (r *Rooms) Extremities(ctx context.Context, origin string, room id.RoomID) ([]id.EventID, error) {
	rm, g, err := r.visited(ctx, origin, room)
	if err != nil {
		return nil, err
	}
	if !g.inside {
		return nil, matrix.Errorf(matrix.Forbidden, "Nobody of %s is in the room.", origin)
	}
	return rm.Heads(), nil
}

// Complexity returns how much state a room has, by a measure of which small
// servers make up their minds whether to join: one for 500 state events.
func (r *Rooms) Complexity(ctx context.Context, origin string, room id.RoomID) (float64, error) {
	rm, err := r.hosted(ctx, origin, room)
	if err != nil {
		return 0, err
	}
	s, err := rm.Summary(ctx)
	if err != nil {
		return 0, err
	}
	if !rm.HasServer(origin) && s.JoinRule != "public" && !s.WorldReadable {
		return 0, matrix.Errorf(matrix.Forbidden, "Nobody of %s is in the room.", origin)
	}
	return float64(len((&State{rm: rm, pos: maxPos}).Positions(nil))) / 500, nil
}
