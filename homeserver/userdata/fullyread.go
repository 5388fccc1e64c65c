package userdata

import (
	"context"
	"encoding/json"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// markerContent is the content of m.fully_read.
type markerContent struct {
	Event id.EventID `json:"event_id"`
}

// fullyRead returns the position of the marker of user in room, or less than
// any position when there is none.
func (d *Data) fullyRead(ctx context.Context, user id.UserID, room id.RoomID) (matrix.Position, error) {
	const nowhere = math.MinInt64
	content, err := d.AccountData(ctx, user, room, fullyReadType)
	if matrix.IsCode(err, matrix.NotFound) {
		return nowhere, nil
	}
	var was markerContent
	if err == nil {
		err = json.Unmarshal(content, &was)
	}
	if err != nil {
		return 0, err
	}
	e, err := d.eventIn(ctx, room, was.Event)
	switch {
	case matrix.IsCode(err, matrix.NotFound):
		return nowhere, nil
	case err != nil:
		return 0, err
	}
	return e.Pos, nil
}
