package userdata

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// The functions here are for those who follow what all users do, rather than
// one: application services.

// TypingIn is who types in a room.
type TypingIn struct {
	Room  id.RoomID
	Users []id.UserID
}

// TypingAfter returns the rooms in which somebody began or ceased to type
// after a serial.
func (d *Data) TypingAfter(serial int64) []TypingIn {
	t := d.typing
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []TypingIn
	for room, in := range t.rooms {
		if in.serial > serial {
			out = append(out, TypingIn{room, in.users})
		}
	}
	slices.SortFunc(out, func(a, b TypingIn) int { return int(t.rooms[a.Room].serial - t.rooms[b.Room].serial) })
	return out
}

// PresenceAfter returns how users appear for whom that changed after a serial.
func (d *Data) PresenceAfter(serial int64) []Presence {
	p := d.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Presence
	now := d.opt.Now()
	p.changes.between(matrix.Position(serial), matrix.Position(d.Serial()), func(a *attendance) { out = append(out, a.presence(now)) })
	return out
}

// ReceiptsBetween returns up to limit receipts of all rooms with
// after < position <= upto, oldest change first.
func (d *Data) ReceiptsBetween(ctx context.Context, after, upto matrix.Position, limit int) (list []store.RoomReceipt, err error) {
	err = d.db.Read(ctx, func(tx *storage.Tx) error {
		list, err = store.ReceiptsBetween(ctx, tx, after, upto, limit)
		return err
	})
	return list, err
}
