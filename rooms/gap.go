package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/storage"
)

// errGap says that what an event is built on could not be found anywhere.
var errGap = errors.New("nobody tells what the event is built on")

const (
	gapPage   = 20 // events asked for at a time; more is not given
	gapRounds = 5  // how often more are asked for, before the state alone has to do
)

// findAuth gets the auth events of p that are not known.
func (rm *Room) findAuth(ctx context.Context, servers []string, p *event.PDU) error {
	missing, err := rm.lacking(ctx, p.Auth)
	if err != nil || len(missing) == 0 {
		return err
	}
	if rm.r.opt.Peers == nil {
		servers = nil
	}
	for _, server := range servers {
		// Some servers do not tell the chain of what they have rejected.
		if raws, err := rm.r.opt.Peers.EventAuth(ctx, server, rm.id, p.ID); err == nil {
			if err := rm.keepRaw(ctx, raws); err != nil {
				return err
			}
		}
		if missing, err = rm.lacking(ctx, p.Auth); err != nil {
			return err
		}
		if len(missing) > 0 {
			if err := rm.fetchAll(ctx, server, missing); err != nil {
				return err
			}
			if missing, err = rm.lacking(ctx, p.Auth); err != nil {
				return err
			}
		}
		if len(missing) == 0 {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return matrix.Errorf(matrix.Forbidden, "What authorises event %s cannot be found.", p.ID)
}

// lacking returns those of ids that are not known at all.
func (rm *Room) lacking(ctx context.Context, ids []id.EventID) ([]id.EventID, error) {
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(ids), func(ev id.EventID) bool { return known[ev] != nil }), nil
}

// unplaced returns those of ids at which the state of the room is not known.
func (rm *Room) unplaced(ctx context.Context, ids []id.EventID) ([]id.EventID, error) {
	known, err := rm.r.eventsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []id.EventID
	for _, ev := range ids {
		ok := false
		if e := known[ev]; e != nil {
			if ok, err = rm.hasState(ctx, e); err != nil {
				return nil, err
			}
		}
		if !ok {
			out = append(out, ev)
		}
	}
	return out, nil
}

// fill gets what p is built on: the events between what is known and p, or if
// those are too many, the state at the oldest of them. Then there is a gap
// before p, or before one of the others.
func (rm *Room) fill(ctx context.Context, servers []string, p *event.PDU) (gap bool, err error) {
	missing, err := rm.unplaced(ctx, p.Prev)
	if err != nil || len(missing) == 0 {
		return false, err
	}
	if rm.r.opt.Peers == nil {
		return false, errGap
	}
	found, err := rm.between(ctx, servers, p)
	if err != nil {
		return false, err
	}
	for _, m := range oldestFirst(found) {
		if err := rm.fillOne(ctx, servers, m); err != nil && ctx.Err() != nil {
			return false, err
		}
	}
	return rm.stand(ctx, servers, p)
}

// between asks for the events before p, back to those that are known.
func (rm *Room) between(ctx context.Context, servers []string, p *event.PDU) (map[id.EventID]*event.PDU, error) {
	found := map[id.EventID]*event.PDU{}
	latest := []id.EventID{p.ID}
	heads := rm.Heads()
	for range gapRounds {
		raws, err := anyOf(ctx, servers, func(server string) ([]json.RawMessage, error) {
			return rm.r.opt.Peers.MissingEvents(ctx, server, rm.id, heads, latest, gapPage)
		})
		if err != nil {
			return found, ctx.Err() // the state alone has to do
		}
		news := 0
		for _, m := range rm.r.sift(ctx, rm.rules, rm.id, raws) {
			if found[m.ID] == nil && m.ID != p.ID {
				found[m.ID] = m
				news++
			}
		}
		var wanted []id.EventID // what is still missing, and who is built on it
		latest = nil
		for _, m := range append([]*event.PDU{p}, oldestFirst(found)...) {
			gone, err := rm.unplaced(ctx, m.Prev)
			if err != nil {
				return nil, err
			}
			gone = slices.DeleteFunc(gone, func(ev id.EventID) bool { return found[ev] != nil })
			if len(gone) > 0 && len(latest) < gapPage {
				latest = append(latest, m.ID)
				wanted = append(wanted, gone...)
			}
		}
		if news == 0 || len(wanted) == 0 {
			break
		}
	}
	return rm.leadingTo(ctx, p, found)
}

// leadingTo returns those of found that p is built on and that have no place
// yet. Others send more, such as what was before this server was in the room.
func (rm *Room) leadingTo(ctx context.Context, p *event.PDU, found map[id.EventID]*event.PDU) (map[id.EventID]*event.PDU, error) {
	out := map[id.EventID]*event.PDU{}
	for next := []*event.PDU{p}; len(next) > 0; next = next[1:] {
		gone, err := rm.unplaced(ctx, next[0].Prev)
		if err != nil {
			return nil, err
		}
		for _, ev := range gone {
			if m := found[ev]; m != nil && out[ev] == nil {
				out[ev] = m
				next = append(next, m)
			}
		}
	}
	return out, nil
}

// fillOne places one of the events before another one.
func (rm *Room) fillOne(ctx context.Context, servers []string, p *event.PDU) error {
	old, err := rm.r.eventsByID(ctx, []id.EventID{p.ID})
	if err != nil {
		return err
	}
	how := placing{outlier: old[p.ID]}
	if e := old[p.ID]; e != nil {
		if !e.Outlier {
			return nil
		}
		if how.hidden, err = rm.hasState(ctx, e); err != nil {
			return err
		}
	}
	if !how.hidden {
		if how.gap, err = rm.stand(ctx, servers, p); err != nil {
			return err
		}
	}
	if err := rm.findAuth(ctx, servers, p); err != nil {
		return err
	}
	_, err = rm.r.place(ctx, rm.id, p, how)
	return err
}

// stand makes sure that the states before p are known, if need be by asking
// for them. Then the events themselves stay unknown.
func (rm *Room) stand(ctx context.Context, servers []string, p *event.PDU) (gap bool, err error) {
	missing, err := rm.unplaced(ctx, p.Prev)
	if err != nil {
		return false, err
	}
	for _, ev := range missing {
		if err := rm.learnState(ctx, servers, ev); err != nil {
			if ctx.Err() != nil {
				return false, err
			}
			return false, errors.Join(errGap, err)
		}
	}
	return len(missing) > 0, nil
}

// learnState gets the state before an event, and the event, from another server.
func (rm *Room) learnState(ctx context.Context, servers []string, ev id.EventID) (err error) {
	defer matrix.Wrap(&err, "learn state")
	if rm.r.opt.Peers == nil {
		return errGap
	}
	for _, server := range servers {
		if err = rm.learnStateFrom(ctx, server, ev); err == nil {
			return nil
		}
	}
	return errors.Join(errGap, err)
}

func (rm *Room) learnStateFrom(ctx context.Context, server string, ev id.EventID) error {
	if err := rm.fetchAll(ctx, server, []id.EventID{ev}); err != nil {
		return err
	}
	state, auth, err := rm.r.opt.Peers.StateIDs(ctx, server, rm.id, ev)
	if err != nil {
		return err
	}
	missing, err := rm.lackingMany(ctx, slices.Concat(state, auth))
	if err != nil {
		return err
	}
	const fewEnough = 40
	if len(missing) > fewEnough {
		full, chain, err := rm.r.opt.Peers.State(ctx, server, rm.id, ev)
		if err == nil {
			err = rm.keepRaw(ctx, full, chain)
		}
		if err != nil {
			return err
		}
	} else if err := rm.fetchAll(ctx, server, missing); err != nil {
		return err
	}
	return rm.noteState(ctx, ev, state)
}

func (rm *Room) lackingMany(ctx context.Context, ids []id.EventID) ([]id.EventID, error) {
	var out []id.EventID
	for part := range slices.Chunk(ids, outliersAtOnce) {
		known, err := rm.r.numbers(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, ev := range part {
			if _, ok := known[ev]; !ok {
				out = append(out, ev)
			}
		}
	}
	return out, nil
}

// fetchAll gets events that are not known, and keeps them. An event whose auth
// events are missing needs another round.
func (rm *Room) fetchAll(ctx context.Context, server string, ids []id.EventID) error {
	const atOnce, rounds = 8, 5
	got := map[id.EventID]json.RawMessage{}
	want := ids
	for range rounds {
		var err error
		if want, err = rm.lackingMany(ctx, want); err != nil {
			return err
		}
		want = slices.DeleteFunc(want, func(ev id.EventID) bool { return got[ev] != nil })
		if len(want) == 0 {
			break
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		slots := make(chan struct{}, atOnce)
		for _, ev := range want {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if raw, err := rm.r.opt.Peers.Event(ctx, server, ev); err == nil {
					mu.Lock()
					defer mu.Unlock()
					got[ev] = raw
				}
			})
		}
		wg.Wait()
		want = nil
		for _, raw := range got {
			if p, err := event.Parse(rm.rules, raw); err == nil {
				want = append(want, p.Auth...)
			}
		}
	}
	raws := make([]json.RawMessage, 0, len(got))
	for _, raw := range got {
		raws = append(raws, raw)
	}
	return rm.keepRaw(ctx, raws)
}

// noteState notes what the state before an event is that has no place.
func (rm *Room) noteState(ctx context.Context, ev id.EventID, state []id.EventID) error {
	o, err := rm.asOverlay(ctx, state)
	if err != nil {
		return err
	}
	numbers, err := rm.r.numbers(ctx, []id.EventID{ev})
	if err != nil {
		return err
	}
	pos, ok := numbers[ev]
	if !ok {
		return errGap
	}
	f := rm.forkOf(o)
	return rm.r.db.Write(ctx, func(tx *storage.Tx) error {
		_, had, err := rm.r.log.Fork(ctx, tx, pos)
		if err != nil || had {
			return err
		}
		return rm.r.log.AddFork(ctx, tx, pos, *f)
	})
}

// asOverlay is a whole state, by its events, as it differs from the newest one.
// Events that are not known or were rejected are left out.
func (rm *Room) asOverlay(ctx context.Context, state []id.EventID) (overlay, error) {
	o := overlay{}
	for _, k := range rm.keys() {
		o[k] = 0
	}
	for part := range slices.Chunk(state, outliersAtOnce) {
		numbers, err := rm.r.numbers(ctx, part)
		if err != nil {
			return nil, err
		}
		positions := make([]matrix.Position, 0, len(numbers))
		for _, pos := range numbers {
			positions = append(positions, pos)
		}
		evs, err := rm.r.Events(ctx, positions)
		if err != nil {
			return nil, err
		}
		for pos, e := range evs {
			if e.IsState() && !e.Rejected && e.Room == rm.id {
				o[StateKey{e.Type, *e.StateKey}] = pos
			}
		}
	}
	for k, pos := range o {
		if rm.current(k) == pos {
			delete(o, k)
		}
	}
	return o, nil
}

// keys lists the entries of the newest state.
func (rm *Room) keys() []StateKey {
	rm.mu.RLock()
	defer rm.mu.RUnlock()
	out := make([]StateKey, 0, len(rm.state.cells))
	for k, c := range rm.state.cells {
		if c.now.event != 0 {
			out = append(out, k)
		}
	}
	return out
}
