package resolve

import (
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms/event"
)

// isPower reports whether a state event may take somebody's power away.
//
// Spec: rooms/v2#definitions, power events
func isPower(p *event.PDU) bool {
	switch p.Type {
	case "m.room.power_levels", "m.room.join_rules":
		return *p.StateKey == ""
	case "m.room.member":
		if *p.StateKey == string(p.Sender) {
			return false
		}
		m := gjson.GetBytes(p.Content, "membership").Str
		return m == "leave" || m == "ban"
	}
	return false
}

// powerEvents returns the power events of the full conflicted set, and what of
// their auth chains is in it.
//
// The standard leaves open whether the chains may leave the set in between.
// Servers do not follow them there, and who did would not agree with them.
func (r *resolution) powerEvents(full []int32) map[int32]bool {
	in := make(map[int32]bool, len(full))
	var todo []int32
	for _, at := range full {
		in[at] = true
		if r.nodes[at].power {
			todo = append(todo, at)
		}
	}
	power := map[int32]bool{}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if power[at] {
			continue
		}
		power[at] = true
		for _, a := range r.nodes[at].auth {
			if in[a] {
				todo = append(todo, a)
			}
		}
	}
	return power
}

// ranked is an event with what its place among others depends on.
type ranked struct {
	at    int32
	level int64 // power of its sender
	ts    int64
	id    id.EventID
}

// byPower sorts events so that auth events come before what they authorise,
// and otherwise the most powerful and then the earliest first.
//
// Spec: rooms/v2#definitions, reverse topological power ordering
func (r *resolution) byPower(events map[int32]bool) []int32 {
	waits := make(map[int32]int, len(events))
	next := map[int32][]int32{}
	ready := heap[ranked]{less: before}
	for at := range events {
		for _, a := range r.nodes[at].auth {
			if events[a] {
				waits[at]++
				next[a] = append(next[a], at)
			}
		}
		if waits[at] == 0 {
			ready.push(r.rank(at))
		}
	}
	out := make([]int32, 0, len(events))
	for ready.len() > 0 {
		at := ready.pop().at
		out = append(out, at)
		for _, c := range next[at] {
			if waits[c]--; waits[c] == 0 {
				ready.push(r.rank(c))
			}
		}
	}
	return out
}

func before(a, b ranked) bool {
	switch {
	case a.level != b.level:
		return a.level > b.level
	case a.ts != b.ts:
		return a.ts < b.ts
	}
	return a.id < b.id
}

// rank looks up an event's sender in the power levels among its auth events.
func (r *resolution) rank(at int32) ranked {
	p := r.pdu(at)
	if p == nil {
		return ranked{at: at}
	}
	create := r.create
	if !r.rules.Creators {
		create = r.authEvent(at, createKey())
	}
	return ranked{at: at, level: r.powerLevels(create, r.nodes[at].levels).User(p.Sender), ts: p.TS, id: p.ID}
}
