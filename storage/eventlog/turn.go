package eventlog

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Turn is a change of a room's state that no new event makes: state resolution
// decided for another event, or the state came from another server.
type Turn struct {
	Type, Key  string
	Event      matrix.Position // what stands there from now on; 0: nothing
	Prev       matrix.Position // what stood there; 0: nothing
	Membership *MembershipWrite
	Sender     id.UserID // of the event, when that is of a member
}

// Turn writes changes of room's state that are in force from pos on.
func (l *Log) Turn(ctx context.Context, tx *storage.Tx, room int64, pos matrix.Position, turns []Turn) (err error) {
	defer matrix.Wrap(&err, "turn state")
	for i := range turns {
		if err := l.turn(ctx, tx, room, pos, &turns[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) turn(ctx context.Context, tx *storage.Tx, room int64, pos matrix.Position, t *Turn) error {
	typ, err := l.names.intern(ctx, tx, t.Type)
	if err != nil {
		return err
	}
	key, err := l.names.intern(ctx, tx, t.Key)
	if err != nil {
		return err
	}
	var is Membership
	if t.Membership != nil {
		is = t.Membership.Is
	}
	if err := tx.Exec(ctx, `INSERT INTO state (room, type, state_key, event, changed, membership) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (room, type, state_key) DO UPDATE SET event = excluded.event, changed = excluded.changed, membership = excluded.membership`,
		room, typ, key, t.Event, pos, is); err != nil {
		return err
	}
	if err := tx.Exec(ctx, `INSERT INTO state_change (room, pos, type, state_key, event, prev, membership) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		room, pos, typ, key, optional(t.Event), optional(t.Prev), is); err != nil {
		return err
	}
	if t.Membership == nil {
		return nil
	}
	sender, err := l.names.intern(ctx, tx, string(t.Sender))
	if err != nil {
		return err
	}
	m := t.Membership
	return tx.Exec(ctx, upsertMembership, key, room, m.Is, m.Was, t.Event, pos, sender, m.Stripped)
}
