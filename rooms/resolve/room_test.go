package resolve_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms/auth"
	"plenum/rooms/event"
	"plenum/rooms/resolve"
)

// room makes events of one room and is the source of the index. Events are
// numbered in the order in which they were made.
type room struct {
	t      testing.TB
	rules  *event.Rules
	signer *event.Signer
	id     id.RoomID
	events []resolve.Event // the first has number 1
	nums   map[id.EventID]resolve.Num
	reads  int // events that were asked for
	equals int // how many events share a depth
}

const (
	ada = "@ada:one.example"
	bob = "@bob:two.example"
	cat = "@cat:one.example"
	dan = "@dan:two.example"
)

func newRoom(t testing.TB, version string) *room {
	t.Helper()
	rules, ok := event.RulesFor(version)
	if !ok {
		t.Fatalf("no version %s", version)
	}
	r := &room{
		t: t, rules: rules, id: "!r:one.example", nums: map[id.EventID]resolve.Num{},
		signer: event.NewSigner("one.example", "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))),
	}
	if rules.Creators {
		r.id = ""
	}
	return r
}

// Events implements resolve.Source.
func (r *room) Events(_ context.Context, nums []resolve.Num) ([]resolve.Event, error) {
	out := make([]resolve.Event, 0, len(nums))
	for _, n := range nums {
		if n > 0 && int(n) <= len(r.events) {
			out = append(out, r.events[n-1])
			r.reads++
		}
	}
	return out, nil
}

func (r *room) pdu(n resolve.Num) *event.PDU { return r.events[n-1].PDU }

// state is a state that events can be checked against.
type state struct {
	r *room
	m resolve.Map
}

func (s state) Get(typ, key string) *event.PDU {
	if n := s.m[resolve.Key{Type: typ, Key: key}]; n != 0 {
		return s.r.pdu(n)
	}
	return nil
}

func (s state) Levels() *auth.PowerLevels { return auth.LevelsOf(s) }

// act is something somebody does to the state.
type act struct {
	sender, typ, key, content string
	ts                        int64
}

// make makes an event of an act in a state. It does not ask whether it may be.
func (r *room) make(m resolve.Map, a act) *event.PDU {
	r.t.Helper()
	d := event.Draft{
		Room: r.id, Sender: id.UserID(a.sender), Type: a.typ, StateKey: &a.key, Content: json.RawMessage(a.content),
		TS: a.ts, Depth: int64(len(r.events)/max(1, r.equals) + 1), Prev: []id.EventID{"$x", "$y"},
	}
	if a.typ == "m.room.create" {
		d.Prev = nil
	}
	probe := &event.PDU{Room: r.id, Sender: d.Sender, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Rules: r.rules}
	for _, k := range auth.Needed(probe) {
		if n := m[k]; n != 0 {
			d.Auth = append(d.Auth, r.pdu(n).ID)
		}
	}
	p, err := event.Build(r.rules, d, r.signer)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// keep numbers an event.
func (r *room) keep(p *event.PDU) resolve.Num {
	r.t.Helper()
	if n := r.nums[p.ID]; n != 0 {
		return n
	}
	e := resolve.Event{Num: resolve.Num(len(r.events) + 1), PDU: p}
	for _, a := range p.Auth {
		if r.nums[a] == 0 {
			r.t.Fatalf("%s cites %s, which is not there", p.ID, a)
		}
		e.Auth = append(e.Auth, r.nums[a])
	}
	r.events = append(r.events, e)
	r.nums[p.ID] = e.Num
	return e.Num
}

// do adds to a state what an act makes, and fails where that is not allowed.
func (r *room) do(m resolve.Map, a act) resolve.Num {
	r.t.Helper()
	p := r.make(m, a)
	if err := auth.Check(p, state{r, m}); err != nil {
		r.t.Fatalf("%s %s by %s: %v", a.typ, a.key, a.sender, err)
	}
	n := r.keep(p)
	m[resolve.Key{Type: a.typ, Key: a.key}] = n
	if a.typ == "m.room.create" {
		r.id = p.Room
	}
	return n
}

// try is do for acts that may be refused.
func (r *room) try(m resolve.Map, a act) {
	p := r.make(m, a)
	if auth.Check(p, state{r, m}) == nil {
		m[resolve.Key{Type: a.typ, Key: a.key}] = r.keep(p)
	}
}

func member(sender, target, membership string, ts int64) act {
	return act{sender, "m.room.member", target, fmt.Sprintf(`{"membership":%q}`, membership), ts}
}

func joinRule(sender, rule string, ts int64) act {
	return act{sender, "m.room.join_rules", "", fmt.Sprintf(`{"join_rule":%q}`, rule), ts}
}

func topic(sender, topic string, ts int64) act {
	return act{sender, "m.room.topic", "", fmt.Sprintf(`{"topic":%q}`, topic), ts}
}

// levels gives levels to users, in order of the names ada, bob, cat, dan.
func (r *room) levels(sender string, ts int64, levels map[string]int) act {
	users := map[string]int{}
	for u, n := range levels {
		if !r.rules.Creators || u != ada {
			users[u] = n
		}
	}
	raw, err := json.Marshal(users)
	if err != nil {
		r.t.Fatal(err)
	}
	return act{sender, "m.room.power_levels", "", fmt.Sprintf(`{"users":%s,"notifications":{"room":50}}`, raw), ts}
}

// start makes the room: ada creates it, opens it and is in it.
func (r *room) start() resolve.Map {
	r.t.Helper()
	m := resolve.Map{}
	r.do(m, act{ada, "m.room.create", "", fmt.Sprintf(`{"creator":%q,"room_version":%q}`, ada, r.rules.Version), 1})
	join := r.make(m, member(ada, ada, "join", 2))
	// The first join follows the create event.
	d := event.Draft{Room: r.id, Sender: ada, Type: join.Type, StateKey: join.StateKey, Content: join.Content, TS: 2, Depth: 2, Prev: []id.EventID{r.pdu(1).ID}, Auth: join.Auth}
	p, err := event.Build(r.rules, d, r.signer)
	if err != nil {
		r.t.Fatal(err)
	}
	m[resolve.Key{Type: "m.room.member", Key: ada}] = r.keep(p)
	r.do(m, r.levels(ada, 3, map[string]int{ada: 100}))
	r.do(m, joinRule(ada, "public", 4))
	return m
}

// graph makes an index of all events.
func (r *room) graph() *resolve.Graph {
	r.t.Helper()
	g := resolve.NewGraph(r.rules, r)
	nums := make([]resolve.Num, len(r.events))
	for i := range nums {
		nums[i] = r.events[i].Num
	}
	if err := g.Load(context.Background(), nums...); err != nil {
		r.t.Fatal(err)
	}
	return g
}

// resolve resolves states and checks that the plain reading of the standard
// comes to the same.
func (r *room) resolve(states ...resolve.Map) resolve.Map {
	r.t.Helper()
	got, err := resolve.NewGraph(r.rules, r).ResolveMaps(context.Background(), states...)
	if err != nil {
		r.t.Fatal(err)
	}
	if want := (&plain{room: r}).resolve(states); !maps.Equal(got, want) {
		r.t.Errorf("version %s: the plain algorithm says otherwise:%s", r.rules.Version, r.differences(got, want))
	}
	return got
}

// differences shows where states differ.
func (r *room) differences(got, want resolve.Map) string {
	out := ""
	keys := map[resolve.Key]bool{}
	for k := range got {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	for k := range keys {
		if got[k] != want[k] {
			out += fmt.Sprintf("\n  %s %s: got %d, want %d", k.Type, k.Key, got[k], want[k])
		}
	}
	return out
}

// wander makes a room whose history forks and comes together again, by chance,
// and returns the states at its ends.
func (r *room) wander(rnd *rand.Rand, steps int) []resolve.Map {
	users := []string{ada, bob, cat, dan}
	r.equals = 3
	start := r.start()
	heads := []resolve.Map{start}
	ts := int64(1000)
	for range steps {
		i := rnd.IntN(len(heads))
		if len(heads) < 4 && rnd.IntN(6) == 0 {
			heads = append(heads, maps.Clone(heads[i]))
		}
		if len(heads) > 2 && rnd.IntN(30) == 0 {
			heads[0] = (&plain{room: r}).resolve(heads[:2])
			heads = slices.Delete(heads, 1, 2)
			i = 0
		}
		ts += int64(rnd.IntN(3)) - 1
		r.try(heads[i], r.anything(rnd, users, ts))
	}
	return heads
}

// anything makes up an act.
func (r *room) anything(rnd *rand.Rand, users []string, ts int64) act {
	pick := func() string { return users[rnd.IntN(len(users))] }
	sender := pick()
	if rnd.IntN(3) == 0 {
		sender = ada
	}
	switch rnd.IntN(10) {
	case 0:
		return joinRule(sender, []string{"public", "invite", "knock"}[rnd.IntN(3)], ts)
	case 1, 2:
		levels := map[string]int{ada: 100}
		for _, u := range users[1:] {
			if rnd.IntN(2) == 0 {
				levels[u] = []int{0, 50, 100}[rnd.IntN(3)]
			}
		}
		return r.levels(sender, ts, levels)
	case 3:
		return topic(sender, fmt.Sprint(ts), ts)
	case 4:
		return member(sender, pick(), "invite", ts)
	case 5:
		return member(sender, pick(), "ban", ts)
	case 6:
		return member(sender, pick(), "leave", ts)
	}
	return member(sender, sender, "join", ts)
}
