package rooms

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// ServeEventAt returns to another server which of the room's events is closest
// to a time (milliseconds since 1970), and when that was: the first at or after
// it, or with back set the last at or before it. It is an event that the server
// may see.
//
// Spec: server-server-api#get_matrixfederationv1timestamp_to_eventroomid
func (r *Rooms) ServeEventAt(ctx context.Context, origin string, room id.RoomID, ts int64, back bool) (_ id.EventID, when int64, err error) {
	defer matrix.Wrap(&err, "serve event at a time")
	rm, g, err := r.visited(ctx, origin, room)
	if err != nil {
		return "", 0, err
	}
	pos, err := rm.positionAt(ctx, ts)
	if err != nil {
		return "", 0, err
	}
	older, err := rm.Before(ctx, pos+1, jumpWindow)
	if err != nil {
		return "", 0, err
	}
	newer, err := rm.After(ctx, pos, maxPos, jumpWindow)
	if err != nil {
		return "", 0, err
	}
	var best *Event
	for i := len(older) - 1; i >= 0; i-- {
		if g.sees(older[i]) {
			best = better(best, older[i], ts, back)
		}
	}
	for _, e := range newer {
		if g.sees(e) {
			best = better(best, e, ts, back)
		}
	}
	if best == nil {
		return "", 0, matrix.Errorf(matrix.NotFound, "There is no event of that time.")
	}
	return best.ID, best.TS, nil
}
