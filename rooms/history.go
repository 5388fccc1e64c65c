package rooms

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
)

const (
	historyPage  = 100 // events asked for at a time
	historyEdges = 20  // the oldest events that are looked at for what is missing before them
)

// history gets events from before those that this server has of the room, and
// reports whether there were any. It is for readers who have come to the end.
//
// Spec: server-server-api#backfilling-and-retrieving-missing-events
func (rm *Room) history(ctx context.Context) (found bool, err error) {
	defer matrix.Wrap(&err, "get history")
	if rm.r.opt.Peers == nil {
		return false, nil
	}
	if err := rm.digging.lock(ctx); err != nil {
		return false, err
	}
	defer rm.digging.unlock()
	missing, err := rm.beginnings(ctx)
	if err != nil || len(missing) == 0 {
		return false, err
	}
	for _, server := range rm.servers() {
		raws, err := rm.r.opt.Peers.Backfill(ctx, server, rm.id, missing, historyPage)
		if err != nil {
			if ctx.Err() != nil {
				return false, err
			}
			continue
		}
		n, err := rm.prepend(ctx, server, rm.r.sift(ctx, rm.rules, rm.id, raws))
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// beginnings returns events that are missing before the oldest that there are.
func (rm *Room) beginnings(ctx context.Context) ([]id.EventID, error) {
	oldest, err := rm.After(ctx, minPos, maxPos, historyEdges)
	if err != nil {
		return nil, err
	}
	var ids []id.EventID
	for _, e := range oldest {
		ids = append(ids, e.pdu.Prev...)
	}
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []id.EventID
	for _, ev := range ids {
		if e := known[ev]; (e == nil || e.Outlier) && !slices.Contains(out, ev) && len(out) < historyEdges {
			out = append(out, ev)
		}
	}
	return out, nil
}

// prepend puts events before all others of the room, and says how many.
func (rm *Room) prepend(ctx context.Context, server string, pdus []*event.PDU) (int, error) {
	all := make(map[id.EventID]*event.PDU, len(pdus))
	for _, p := range pdus {
		all[p.ID] = p
	}
	ids := make([]id.EventID, 0, len(all))
	for ev := range all {
		ids = append(ids, ev)
	}
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return 0, err
	}
	fresh := map[id.EventID]*event.PDU{}
	for ev, p := range all {
		if e := known[ev]; e == nil || e.Outlier && !e.Rejected {
			fresh[ev] = p
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	allowed, err := rm.vouched(ctx, server, fresh)
	if err != nil || len(allowed) == 0 {
		return 0, err
	}
	return len(allowed), rm.storeHistory(ctx, allowed, known)
}

// vouched returns those of fresh that their auth events allow, the newest first.
func (rm *Room) vouched(ctx context.Context, server string, fresh map[id.EventID]*event.PDU) ([]*event.PDU, error) {
	var wanted []id.EventID
	for _, p := range fresh {
		for _, ev := range p.Auth {
			if fresh[ev] == nil && !slices.Contains(wanted, ev) {
				wanted = append(wanted, ev)
			}
		}
	}
	wanted, err := rm.lackingMany(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if err := rm.fetchAll(ctx, server, wanted); err != nil {
		return nil, err
	}
	outside, err := rm.authOutside(ctx, fresh)
	if err != nil {
		return nil, err
	}
	find := func(ev id.EventID) (*event.PDU, bool) {
		if p := fresh[ev]; p != nil {
			return p, false
		}
		if e := outside[ev]; e != nil {
			return e.pdu, e.Rejected
		}
		return nil, false
	}
	var out []*event.PDU
	for _, p := range slices.Backward(oldestFirst(fresh)) {
		if authorisedBy(p, rm.id, find) == nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// storeHistory writes events, the newest first, before all others.
func (rm *Room) storeHistory(ctx context.Context, pdus []*event.PDU, known map[id.EventID]*Event) error {
	evs := make([]*Event, len(pdus))
	for i, p := range pdus {
		evs[i] = newEvent(p, rm.id)
	}
	return rm.r.db.Write(ctx, func(tx *storage.Tx) error {
		low, err := rm.r.log.Lowest(ctx, tx)
		if err != nil {
			return err
		}
		for i, e := range evs {
			if old := known[e.ID]; old != nil {
				if err := rm.r.log.Supersede(ctx, tx, old.Pos, e.ID); err != nil {
					return err
				}
			}
			entry := entryOf(e)
			entry.Room, entry.At = rm.nid, low-matrix.Position(i)-1
			if e.Pos, err = rm.r.log.Append(ctx, tx, entry); err != nil {
				return err
			}
		}
		tx.OnCommit(func() { rm.admitHistory(evs) })
		return nil
	})
}

// admitHistory makes memory know of what now lies before.
func (rm *Room) admitHistory(evs []*Event) {
	for _, e := range evs {
		rm.r.remember(e)
		rm.r.children.forget(rm.nid, e.RelatesTo)
	}
	rm.mu.Lock()
	defer rm.mu.Unlock()
	if len(rm.tail) > 0 {
		rm.tailLow = max(rm.tailLow, rm.tail[0].Pos-1)
	}
}
