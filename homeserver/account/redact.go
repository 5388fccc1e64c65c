package account

import (
	"context"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// redactBatch is how many events are looked at together.
const redactBatch = 100

// redactAll takes back what user has said in the rooms that they are in, and
// what their memberships tell of them. What was taken back before is not met
// again, so that it goes on where a crash has ended it. In rooms that they have
// left, nobody lets them.
func (a *Accounts) redactAll(ctx context.Context, user id.UserID) error {
	all, err := a.rooms.MembershipsOf(ctx, user)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Membership != "join" {
			continue
		}
		if err := a.redactIn(ctx, user, m.Room); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) redactIn(ctx context.Context, user id.UserID, room id.RoomID) error {
	p := matrix.Principal{User: user}
	for after := matrix.Position(math.MinInt64); ; {
		evs, err := a.rooms.SentBy(ctx, user, room, after, redactBatch)
		if err != nil || len(evs) == 0 {
			return err
		}
		for _, e := range evs {
			after = e.Pos
			if !isOwnWord(e) {
				continue
			}
			if _, err := a.rooms.Redact(ctx, p, rooms.Redaction{Room: room, Event: e.ID}); err != nil && !isRefusal(err) {
				return err
			}
		}
	}
}

// isOwnWord reports whether e says something of its sender. What makes the
// room what it is, such as its name, belongs to those who stay.
func isOwnWord(e *rooms.Event) bool {
	return e.Type != "m.room.redaction" && (!e.IsState() || e.Is("m.room.member", string(e.Sender)))
}
