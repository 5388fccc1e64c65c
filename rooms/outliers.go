package rooms

import (
	"context"
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
)

// outliersAtOnce bounds the events written in one transaction, so that others
// get their turn.
const outliersAtOnce = 500

// keep stores events of the room that have no place in it yet: states and auth
// chains that another server told. An event that its auth events do not allow
// is kept as rejected; one whose auth events nobody knows is left out.
func (rm *Room) keep(ctx context.Context, pdus []*event.PDU) error {
	fresh, err := rm.unknown(ctx, pdus)
	if err != nil || len(fresh) == 0 {
		return err
	}
	entries, err := rm.judge(ctx, fresh)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(entries, outliersAtOnce) {
		err := rm.r.db.Write(ctx, func(tx *storage.Tx) error {
			for _, e := range part {
				if _, err := rm.r.log.Append(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unknown returns those of pdus that are not in the log, by id.
func (rm *Room) unknown(ctx context.Context, pdus []*event.PDU) (map[id.EventID]*event.PDU, error) {
	out := make(map[id.EventID]*event.PDU, len(pdus))
	ids := make([]id.EventID, 0, len(pdus))
	for _, p := range pdus {
		out[p.ID] = p
		ids = append(ids, p.ID)
	}
	for part := range slices.Chunk(ids, outliersAtOnce) {
		known, err := rm.r.numbers(ctx, part)
		if err != nil {
			return nil, err
		}
		for ev := range known {
			delete(out, ev)
		}
	}
	return out, nil
}

// judge checks fresh events against their auth events, those first, and says
// what is to be written of each.
func (rm *Room) judge(ctx context.Context, fresh map[id.EventID]*event.PDU) ([]*eventlog.Entry, error) {
	known, err := rm.authOutside(ctx, fresh)
	if err != nil {
		return nil, err
	}
	rejected := map[id.EventID]bool{}
	find := func(ev id.EventID) (*event.PDU, bool) {
		if p := fresh[ev]; p != nil {
			return p, rejected[ev]
		}
		if e := known[ev]; e != nil {
			return e.pdu, e.Rejected
		}
		return nil, false
	}
	var out []*eventlog.Entry
	for _, p := range authFirst(fresh) {
		if !allFound(p, find) {
			delete(fresh, p.ID)
			continue
		}
		entry := &eventlog.Entry{Room: rm.nid, ID: p.ID, Type: p.Type, StateKey: p.StateKey, Sender: p.Sender, TS: p.TS, JSON: p.JSON, Hidden: eventlog.Outlier}
		if authorisedBy(p, rm.id, find) != nil {
			rejected[p.ID] = true
			entry.Hidden |= eventlog.Rejected
		}
		out = append(out, entry)
	}
	return out, nil
}

// authOutside returns the auth events of fresh that are in the log already.
func (rm *Room) authOutside(ctx context.Context, fresh map[id.EventID]*event.PDU) (map[id.EventID]*Event, error) {
	var ids []id.EventID
	asked := map[id.EventID]bool{}
	ask := func(ev id.EventID) {
		if fresh[ev] == nil && !asked[ev] {
			asked[ev] = true
			ids = append(ids, ev)
		}
	}
	for _, p := range fresh {
		for _, ev := range p.Auth {
			ask(ev)
		}
	}
	if rm.rules.Creators {
		ask(id.EventID("$" + rm.id[1:]))
	}
	return rm.r.eventsByID(ctx, ids)
}

func allFound(p *event.PDU, find func(id.EventID) (*event.PDU, bool)) bool {
	for _, ev := range p.Auth {
		if a, _ := find(ev); a == nil {
			return false
		}
	}
	return true
}

// authFirst sorts events so that each comes after its auth events. Events that
// authorise each other in a circle are left out.
func authFirst(events map[id.EventID]*event.PDU) []*event.PDU {
	return sorted(events, func(p *event.PDU) []id.EventID { return p.Auth })
}

// oldestFirst sorts events so that each comes after those that it was built on.
func oldestFirst(events map[id.EventID]*event.PDU) []*event.PDU {
	return sorted(events, func(p *event.PDU) []id.EventID { return p.Prev })
}

func sorted(events map[id.EventID]*event.PDU, edges func(*event.PDU) []id.EventID) []*event.PDU {
	waits := make(map[id.EventID]int, len(events))
	after := map[id.EventID][]*event.PDU{}
	var ready []*event.PDU
	for _, p := range events {
		for _, ev := range edges(p) {
			if events[ev] != nil {
				waits[p.ID]++
				after[ev] = append(after[ev], p)
			}
		}
		if waits[p.ID] == 0 {
			ready = append(ready, p)
		}
	}
	slices.SortFunc(ready, byDepth)
	out := make([]*event.PDU, 0, len(events))
	for len(ready) > 0 {
		p := ready[0]
		ready = ready[1:]
		out = append(out, p)
		next := after[p.ID]
		slices.SortFunc(next, byDepth)
		for _, c := range next {
			if waits[c.ID]--; waits[c.ID] == 0 {
				ready = append(ready, c)
			}
		}
	}
	return out
}

// byDepth puts the events that claim to be earlier first.
func byDepth(a, b *event.PDU) int {
	switch {
	case a.Depth != b.Depth && a.Depth < b.Depth, a.Depth == b.Depth && a.TS < b.TS:
		return -1
	case a.Depth == b.Depth && a.TS == b.TS:
		return 0
	}
	return 1
}

// keepRaw is keep for events as they came from another server.
func (rm *Room) keepRaw(ctx context.Context, raws ...[]json.RawMessage) error {
	return rm.keep(ctx, rm.r.sift(ctx, rm.rules, rm.id, slices.Concat(raws...)))
}
