package rooms

import (
	"context"
	"math"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
	"plenum/rooms/resolve"
)

// forks is what resolves the states of a room's forks. It is of the writer.
type forks struct {
	graph  *resolve.Graph
	unborn *resolve.Event  // the event that is about to be added; nil: none
	upto   matrix.Position // the state's changes up to here are in graph
}

// unborn is the number of an event that is about to be added.
const unborn = matrix.Position(math.MaxInt64 - 1)

// fold resolves states of the room into one. The caller holds write, and
// nothing of the room is on its way to the disk.
func (rm *Room) fold(ctx context.Context, states []overlay, more ...*event.PDU) (overlay, error) {
	if len(states) == 1 {
		return states[0], nil
	}
	agreed, conflicts := rm.compare(states)
	if len(conflicts) == 0 {
		return agreed, nil
	}
	g, err := rm.graph(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { rm.forks.unborn = nil }()
	if err := rm.extend(ctx, g, conflicts, more); err != nil {
		rm.forks.graph = nil
		return nil, err
	}
	resolved, err := g.Resolve(ctx, agreedState{rm, agreed}, conflicts)
	if err != nil {
		rm.forks.graph = nil
		return nil, err
	}
	for _, c := range conflicts {
		agreed[StateKey(c.Key)] = 0
	}
	for k, n := range resolved {
		agreed[StateKey(k)] = matrix.Position(n)
	}
	return agreed, nil
}

// compare says what states agree on, as far as it is not the committed state,
// and on what they do not.
func (rm *Room) compare(states []overlay) (agreed overlay, conflicts []resolve.Conflict) {
	agreed = overlay{}
	seen := map[StateKey]bool{}
	for _, o := range states {
		for k := range o {
			if seen[k] {
				continue
			}
			seen[k] = true
			c := resolve.Conflict{Key: resolve.Key(k), Events: make([]resolve.Num, len(states))}
			differ := false
			for i, s := range states {
				c.Events[i] = resolve.Num(s.in(rm, k))
				differ = differ || c.Events[i] != c.Events[0]
			}
			if differ {
				conflicts = append(conflicts, c)
			} else {
				agreed[k] = matrix.Position(c.Events[0])
			}
		}
	}
	return agreed, conflicts
}

// agreedState is what all states agree on.
type agreedState struct {
	rm   *Room
	over overlay
}

// Get implements resolve.State.
func (s agreedState) Get(k resolve.Key) resolve.Num {
	return resolve.Num(s.over.in(s.rm, StateKey(k)))
}

// graph returns the index of the room's state events, with all that is the
// committed state.
func (rm *Room) graph(ctx context.Context) (*resolve.Graph, error) {
	f := &rm.forks
	var nums []resolve.Num
	upto := rm.r.db.Committed()
	if f.graph == nil {
		f.graph, f.upto = resolve.NewGraph(rm.rules, stateSource{rm}), 0
		now := &State{rm: rm, pos: maxPos}
		for _, pos := range now.Positions(nil) {
			nums = append(nums, resolve.Num(pos))
		}
	} else {
		changes, err := rm.StateChanges(ctx, f.upto, maxPos)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.Event != 0 {
				nums = append(nums, resolve.Num(c.Event))
			}
		}
	}
	if err := f.graph.Load(ctx, nums...); err != nil {
		f.graph = nil
		return nil, err
	}
	f.upto = upto
	return f.graph, nil
}

// extend puts the events of conflicts into g, and those that are not in the
// log yet, which are called unborn.
func (rm *Room) extend(ctx context.Context, g *resolve.Graph, conflicts []resolve.Conflict, more []*event.PDU) error {
	var nums []resolve.Num
	for _, c := range conflicts {
		for _, n := range c.Events {
			if n != resolve.Num(unborn) {
				nums = append(nums, n)
			}
		}
	}
	if err := g.Load(ctx, nums...); err != nil {
		return err
	}
	for _, p := range more {
		auth, err := rm.r.authNumbers(ctx, p)
		if err != nil {
			return err
		}
		if err := g.Load(ctx, auth...); err != nil {
			return err
		}
		rm.forks.unborn = &resolve.Event{Num: resolve.Num(unborn), PDU: p, Auth: auth}
		if err := g.Add(*rm.forks.unborn); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rooms) authNumbers(ctx context.Context, p *event.PDU) ([]resolve.Num, error) {
	numbers, err := r.numbers(ctx, p.Auth)
	if err != nil {
		return nil, err
	}
	out := make([]resolve.Num, 0, len(p.Auth))
	for _, ev := range p.Auth {
		if n, ok := numbers[ev]; ok {
			out = append(out, resolve.Num(n))
		}
	}
	return out, nil
}

// stateSource reads state events for the index.
type stateSource struct{ rm *Room }

// Events implements resolve.Source.
func (s stateSource) Events(ctx context.Context, nums []resolve.Num) ([]resolve.Event, error) {
	positions := make([]matrix.Position, 0, len(nums))
	var out []resolve.Event
	for _, n := range nums {
		if e := s.rm.forks.unborn; e != nil && n == e.Num {
			out = append(out, *e)
			continue
		}
		positions = append(positions, matrix.Position(n))
	}
	evs, err := s.rm.r.Events(ctx, positions)
	if err != nil {
		return nil, err
	}
	asked := map[id.EventID]bool{}
	var ids []id.EventID
	for _, e := range evs {
		for _, ev := range e.pdu.Auth {
			if !asked[ev] {
				asked[ev] = true
				ids = append(ids, ev)
			}
		}
	}
	numbers, err := s.rm.r.numbers(ctx, ids)
	if err != nil {
		return nil, err
	}
	for pos, e := range evs {
		if !e.IsState() {
			continue
		}
		one := resolve.Event{Num: resolve.Num(pos), PDU: e.pdu, Rejected: e.Rejected}
		for _, ev := range e.pdu.Auth {
			if n, ok := numbers[ev]; ok {
				one.Auth = append(one.Auth, resolve.Num(n))
			}
		}
		out = append(out, one)
	}
	return out, nil
}
