package tell

import (
	"context"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Eye sees a room as one of its users does.
type Eye struct {
	Room    *rooms.Room
	User    id.UserID
	Ignores func(id.UserID) bool // whose messages the user does not want to see
	SeesAll bool                 // whatever is asked about is visible to the user
}

// Ignored reports whether ev is from somebody whom the user ignores. State is
// shown all the same, so that the room looks the same to everybody.
//
// Spec: client-server-api#ignoring-users
func (e *Eye) Ignored(ev *rooms.Event) bool { return !ev.IsState() && e.Ignores(ev.Sender) }

// Visible returns those of evs that the user may see: what history visibility
// allows, and always what became of their own membership.
func (e *Eye) Visible(ctx context.Context, evs []*rooms.Event) ([]*rooms.Event, error) {
	if e.SeesAll {
		return evs, nil
	}
	seen, err := e.Room.Visible(ctx, e.User, evs)
	if err != nil || len(seen) == len(evs) {
		return seen, err
	}
	out := make([]*rooms.Event, 0, len(seen)+1)
	for _, ev := range evs {
		isSeen := len(seen) > 0 && seen[0].Pos == ev.Pos
		if isSeen {
			seen = seen[1:]
		}
		if isSeen || ev.Is("m.room.member", string(e.User)) {
			out = append(out, ev)
		}
	}
	return out, nil
}

// LastIn returns the position of the event with which the user, whose
// membership is m, ceased to be in the room, and whether they ever were.
func (e *Eye) LastIn(ctx context.Context, m *rooms.Membership) (matrix.Position, bool, error) {
	if m.Prev == "join" {
		return m.Pos, true, nil
	}
	reach, err := e.Room.Reach(ctx, e.User)
	if matrix.IsCode(err, matrix.Forbidden) {
		return 0, false, nil
	}
	// A room that everybody may read has no end, even for those who never came.
	return reach.State, err == nil && reach.State < math.MaxInt64, err
}
