package tell

import (
	"context"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Events returns the events at positions that exist, in the same order.
func Events(ctx context.Context, r *rooms.Rooms, positions []matrix.Position) ([]*rooms.Event, error) {
	byPos, err := r.Events(ctx, positions)
	if err != nil {
		return nil, err
	}
	evs := make([]*rooms.Event, 0, len(positions))
	for _, pos := range positions {
		if e := byPos[pos]; e != nil {
			evs = append(evs, e)
		}
	}
	return evs, nil
}
