package rooms

import (
	"context"
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/eventlog"
)

// storeTurns writes the changes of the state that the events of b do not make
// themselves, and from where on the state is known.
func (rm *Room) storeTurns(ctx context.Context, tx *storage.Tx, b *batch) error {
	if len(b.turns) == 0 {
		return nil
	}
	b.at = tx.Position()
	rows := make([]eventlog.Turn, len(b.turns))
	for i, t := range b.turns {
		rows[i] = t.row()
		if rows[i].Membership != nil && rm.r.IsLocal(id.UserID(t.key.Key)) {
			tx.Wake(UserTopic(id.UserID(t.key.Key)))
		}
	}
	if err := rm.r.log.Turn(ctx, tx, rm.nid, b.at, rows); err != nil {
		return err
	}
	if !b.since {
		return nil
	}
	tx.OnCommit(func() {
		rm.mu.Lock()
		defer rm.mu.Unlock()
		rm.since = b.at
	})
	return rm.r.log.SetSince(ctx, tx, rm.nid, b.at)
}

// row is t as it is stored.
func (t turn) row() eventlog.Turn {
	out := eventlog.Turn{Type: t.key.Type, Key: t.key.Key}
	if t.prev != nil {
		out.Prev = t.prev.Pos
	}
	if t.event != nil {
		out.Event, out.Sender = t.event.Pos, t.event.Sender
	}
	if t.key.Type != "m.room.member" {
		return out
	}
	out.Membership = &eventlog.MembershipWrite{User: id.UserID(t.key.Key)}
	if t.event != nil {
		out.Membership.Is = eventlog.ParseMembership(t.event.Membership())
	}
	if t.prev != nil {
		out.Membership.Was = eventlog.ParseMembership(t.prev.Membership())
		if t.event == nil {
			out.Sender = t.prev.Sender
		}
	}
	return out
}

// turned lists the events that became state without being new.
func (b *batch) turned() []*Event {
	var out []*Event
	for _, t := range b.turns {
		if t.event != nil {
			out = append(out, t.event)
		}
	}
	return out
}

// storeHeads writes the room's heads unless they are, as they nearly always
// are, the newest event alone.
func (rm *Room) storeHeads(ctx context.Context, tx *storage.Tx, b *batch) error {
	w := &rm.write
	newest := b.events[len(b.events)-1]
	if len(b.heads) == 1 && b.heads[0].id == newest.ID {
		if !w.forked {
			return nil
		}
		tx.OnCommit(func() { w.forked = false })
		return rm.r.log.SetHeads(ctx, tx, rm.nid, nil)
	}
	ids := make([]id.EventID, len(b.heads))
	for i, h := range b.heads {
		ids[i] = h.id
	}
	raw, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { w.forked = true })
	return rm.r.log.SetHeads(ctx, tx, rm.nid, raw)
}

// sortHeads sorts heads by depth, so that the newest come last.
func sortHeads(heads []head) {
	sortBy(heads, func(h head) int64 { return h.depth })
}

// Heads returns the room's forward extremities, the deepest last.
func (rm *Room) Heads() []id.EventID {
	rm.write.Lock()
	defer rm.write.Unlock()
	out := make([]id.EventID, len(rm.write.heads))
	for i, h := range rm.write.heads {
		out[i] = h.id
	}
	return slices.Clip(out)
}
