package resolve_test

import (
	"bytes"
	"crypto/sha1"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/rooms/auth"
	"plenum/rooms/resolve"
)

// plain is state resolution as the standard words it, with whole sets and
// without an index. It is the measure for the package.
type plain struct{ *room }

type set = map[resolve.Num]bool

func (p *plain) resolve(states []resolve.Map) resolve.Map {
	agreed, conflicts := p.separate(states)
	if len(conflicts) == 0 {
		return agreed
	}
	if p.rules.StateRes == 10 {
		return p.first(agreed, conflicts)
	}
	return p.second(states, agreed, conflicts)
}

// separate is "unconflicted state map and conflicted state set".
func (p *plain) separate(states []resolve.Map) (agreed resolve.Map, conflicts map[resolve.Key]set) {
	agreed, conflicts = resolve.Map{}, map[resolve.Key]set{}
	for _, s := range states {
		for k := range s {
			events, everywhere := set{}, true
			for _, other := range states {
				if n, ok := other[k]; ok {
					events[n] = true
				} else {
					everywhere = false
				}
			}
			if len(events) == 1 && (everywhere || p.rules.StateRes == 10) {
				agreed[k] = s[k]
			} else {
				conflicts[k] = events
			}
		}
	}
	return agreed, conflicts
}

// chain is "auth chain".
func (p *plain) chain(n resolve.Num, into set) {
	for _, a := range p.events[n-1].Auth {
		if !into[a] {
			into[a] = true
			p.chain(a, into)
		}
	}
}

// full is "full conflicted set".
func (p *plain) full(states []resolve.Map, conflicts map[resolve.Key]set) set {
	conflicted := set{}
	for _, events := range conflicts {
		maps.Copy(conflicted, events)
	}
	full := maps.Clone(conflicted)
	count, chains := map[resolve.Num]int{}, set{}
	for _, s := range states {
		c := set{}
		for _, n := range s {
			c[n] = true // by common practice
			p.chain(n, c)
		}
		for n := range c {
			count[n]++
			chains[n] = true
		}
	}
	for n := range chains {
		if count[n] < len(states) {
			full[n] = true
		}
	}
	if p.rules.StateRes == 21 {
		for c := range conflicted {
			above := set{}
			p.chain(c, above)
			for n := range above {
				below := set{}
				p.chain(n, below)
				for other := range conflicted {
					if below[other] {
						full[n] = true
					}
				}
			}
		}
	}
	return full
}

func (p *plain) second(states []resolve.Map, agreed resolve.Map, conflicts map[resolve.Key]set) resolve.Map {
	full := p.full(states, conflicts)
	x := set{}
	var pull func(n resolve.Num)
	pull = func(n resolve.Num) {
		x[n] = true
		for _, a := range p.events[n-1].Auth {
			if full[a] {
				pull(a)
			}
		}
	}
	for n := range full {
		if p.isPower(n) {
			pull(n)
		}
	}
	partial := resolve.Map{}
	if p.rules.StateRes == 20 {
		partial = maps.Clone(agreed)
	}
	p.iterate(partial, p.byPower(x), agreed)
	var rest []resolve.Num
	for n := range full {
		if !x[n] {
			rest = append(rest, n)
		}
	}
	line := p.mainline(partial[resolve.Key{Type: "m.room.power_levels"}])
	slices.SortFunc(rest, func(a, b resolve.Num) int {
		if i, j := p.position(line, a), p.position(line, b); i != j {
			return j - i
		}
		return p.byTime(a, b)
	})
	p.iterate(partial, rest, agreed)
	maps.Copy(partial, agreed)
	return partial
}

func (p *plain) byTime(a, b resolve.Num) int {
	if t, u := p.pdu(a).TS, p.pdu(b).TS; t != u {
		return int(t - u)
	}
	return strings.Compare(string(p.pdu(a).ID), string(p.pdu(b).ID))
}

func (p *plain) isPower(n resolve.Num) bool {
	e := p.pdu(n)
	membership := gjson.GetBytes(e.Content, "membership").Str
	return e.Type == "m.room.power_levels" || e.Type == "m.room.join_rules" ||
		e.Type == "m.room.member" && (membership == "leave" || membership == "ban") && *e.StateKey != string(e.Sender)
}

// byPower is "reverse topological power ordering".
func (p *plain) byPower(x set) []resolve.Num {
	var out []resolve.Num
	placed := set{}
	for len(out) < len(x) {
		best := resolve.Num(0)
		for n := range x {
			if !placed[n] && p.settled(n, x, placed) && (best == 0 || p.before(n, best)) {
				best = n
			}
		}
		out = append(out, best)
		placed[best] = true
	}
	return out
}

func (p *plain) settled(n resolve.Num, x, placed set) bool {
	for _, a := range p.events[n-1].Auth {
		if x[a] && !placed[a] {
			return false
		}
	}
	return true
}

func (p *plain) before(a, b resolve.Num) bool {
	if i, j := p.power(a), p.power(b); i != j {
		return i > j
	}
	return p.byTime(a, b) < 0
}

// power is that of an event's sender by its auth events.
func (p *plain) power(n resolve.Num) int64 {
	m := auth.NewMap(p.pdu(1))
	for _, a := range p.events[n-1].Auth {
		m.Put(p.pdu(a))
	}
	return m.Levels().User(p.pdu(n).Sender)
}

func (p *plain) mainline(levels resolve.Num) []resolve.Num {
	var out []resolve.Num
	for levels != 0 {
		out = append(out, levels)
		levels = p.levelsAbove(levels)
	}
	return out
}

func (p *plain) levelsAbove(n resolve.Num) resolve.Num {
	for _, a := range p.events[n-1].Auth {
		if p.pdu(a).Is("m.room.power_levels", "") {
			return a
		}
	}
	return 0
}

func (p *plain) position(line []resolve.Num, n resolve.Num) int {
	for e := p.levelsAbove(n); e != 0; e = p.levelsAbove(e) {
		if i := slices.Index(line, e); i >= 0 {
			return i
		}
	}
	return math.MaxInt32
}

// iterate is "iterative auth checks".
func (p *plain) iterate(partial resolve.Map, list []resolve.Num, agreed resolve.Map) {
	for _, n := range list {
		e, m := p.pdu(n), auth.NewMap()
		if p.rules.Creators {
			m.Put(p.pdu(agreed[resolve.Key{Type: "m.room.create"}]))
		}
		for _, a := range p.events[n-1].Auth {
			if !p.events[a-1].Rejected {
				m.Put(p.pdu(a))
			}
		}
		for _, k := range append(auth.Needed(e), resolve.Key{Type: "m.room.create"}) {
			if v := partial[k]; v != 0 {
				m.Put(p.pdu(v))
			}
		}
		if auth.Check(e, m) == nil {
			partial[resolve.Key{Type: e.Type, Key: *e.StateKey}] = n
		}
	}
}

// first is the algorithm of version 1.
func (p *plain) first(agreed resolve.Map, conflicts map[resolve.Key]set) resolve.Map {
	r := maps.Clone(agreed)
	kinds := []func(k resolve.Key) bool{
		func(k resolve.Key) bool { return k == resolve.Key{Type: "m.room.power_levels"} },
		func(k resolve.Key) bool { return k == resolve.Key{Type: "m.room.join_rules"} },
		func(k resolve.Key) bool { return k.Type == "m.room.member" },
	}
	for _, kind := range kinds {
		found := resolve.Map{}
		for k, events := range conflicts {
			if !kind(k) {
				continue
			}
			list, with := p.byDepth(events), maps.Clone(r)
			with[k] = list[0]
			for _, n := range list[1:] {
				if auth.Check(p.pdu(n), state{p.room, with}) != nil {
					break
				}
				with[k] = n
			}
			found[k] = with[k]
			delete(conflicts, k)
		}
		maps.Copy(r, found)
	}
	others := resolve.Map{}
	for k, events := range conflicts {
		list := p.byDepth(events)
		others[k] = list[0]
		for _, n := range list {
			if auth.Check(p.pdu(n), state{p.room, r}) == nil {
				others[k] = n
			}
		}
	}
	maps.Copy(r, others)
	return r
}

func (p *plain) byDepth(events set) []resolve.Num {
	list := slices.Collect(maps.Keys(events))
	hash := func(n resolve.Num) []byte { s := sha1.Sum([]byte(p.pdu(n).ID)); return s[:] }
	slices.SortFunc(list, func(a, b resolve.Num) int {
		if d, e := p.pdu(a).Depth, p.pdu(b).Depth; d != e {
			return int(d - e)
		}
		return bytes.Compare(hash(b), hash(a))
	})
	return list
}
