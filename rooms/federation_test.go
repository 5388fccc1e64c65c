package rooms_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

const (
	away = "two.example"
	cleo = id.UserID("@cleo:two.example")
	dora = id.UserID("@dora:two.example")
)

func (h *house) texts(room id.RoomID) []string {
	h.Helper()
	rm, err := h.Room(h.Context(), room)
	h.must(err)
	evs, err := rm.After(h.Context(), -1<<62, 1<<62, 10_000)
	h.must(err)
	var out []string
	for _, e := range evs {
		if e.Type == "m.room.message" {
			out = append(out, e.Content().Get("body").Str)
		}
	}
	return out
}

// stateOf is the room's state by event ids.
func (h *house) stateOf(room id.RoomID) map[rooms.StateKey]id.EventID {
	h.Helper()
	rm, err := h.Room(h.Context(), room)
	h.must(err)
	evs, err := rm.CurrentState(h.Context(), nil)
	h.must(err)
	out := map[rooms.StateKey]id.EventID{}
	for _, e := range evs {
		out[rooms.StateKey{Type: e.Type, Key: *e.StateKey}] = e.ID
	}
	return out
}

func (n *town) sameState(room id.RoomID, servers ...string) {
	n.Helper()
	first := n.houses[servers[0]].stateOf(room)
	for _, s := range servers[1:] {
		other := n.houses[s].stateOf(room)
		for k, ev := range first {
			if other[k] != ev {
				n.Errorf("%s has %s for %v, %s has %s", servers[0], ev, k, s, other[k])
			}
		}
		for k, ev := range other {
			if _, ok := first[k]; !ok {
				n.Errorf("%s lacks %v, %s has %s", servers[0], k, s, ev)
			}
		}
	}
}

func versions(t *testing.T, fn func(t *testing.T, version string)) {
	for _, v := range []string{"1", "6", "10", "11", "12"} {
		t.Run("v"+v, func(t *testing.T) {
			t.Parallel()
			fn(t, v)
		})
	}
}

func TestJoinElsewhere(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version string) {
		n := newTown(t, here, away)
		one, two := n.houses[here], n.houses[away]
		room := one.create(ada, rooms.CreateRequest{Preset: "public_chat", RoomVersion: version})
		one.say(ada, room, "before")
		two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}}))
		n.sameState(room, here, away)
		two.say(cleo, room, "hello")
		one.say(ada, room, "welcome") // both at once
		if refused := n.deliver(room, here, away); len(refused) > 0 {
			t.Fatal(refused)
		}
		one.say(ada, room, "after")
		if refused := n.deliver(room, here, away); len(refused) > 0 {
			t.Fatal(refused)
		}
		n.sameState(room, here, away)
		for _, h := range []*house{one, two} {
			for _, text := range []string{"hello", "welcome", "after"} {
				if !slices.Contains(h.texts(room), text) {
					t.Errorf("%q is missing", text)
				}
			}
		}
		rm, err := two.Room(t.Context(), room)
		two.must(err)
		if heads := rm.Heads(); len(heads) != 1 {
			t.Errorf("%d heads", len(heads))
		}
	})
}

func TestHistoryIsFetched(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version string) {
		n := newTown(t, here, away)
		one, two := n.houses[here], n.houses[away]
		room := one.create(ada, rooms.CreateRequest{Preset: "public_chat", RoomVersion: version})
		one.set(ada, room, "m.room.topic", "", `{"topic":"old"}`)
		for i := range 250 {
			one.say(ada, room, fmt.Sprint(i))
		}
		one.set(ada, room, "m.room.topic", "", `{"topic":"new"}`)
		two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}}))
		state := two.stateOf(room)
		var seen []string
		types := 0
		page := rooms.Page{Backwards: true, Limit: 40}
		for {
			c, err := two.Messages(t.Context(), as(cleo), room, page)
			two.must(err)
			for _, e := range c.Events {
				if e.Type == "m.room.message" {
					seen = append(seen, e.Content().Get("body").Str)
				} else {
					types++
				}
			}
			if c.End == nil {
				break
			}
			page.From = c.End
		}
		for i := range seen {
			if want := fmt.Sprint(249 - i); seen[i] != want {
				t.Fatalf("message %d is %s, not %s", i, seen[i], want)
			}
		}
		if len(seen) != 250 || types < 8 {
			t.Errorf("%d messages and %d others", len(seen), types)
		}
		if now := two.stateOf(room); !maps.Equal(now, state) {
			t.Error("history has changed the state")
		}
		n.sameState(room, here, away)
		one.set(ada, room, "m.room.topic", "", `{"topic":"newest"}`)
		two.set(cleo, room, "m.room.member", string(cleo), `{"membership":"join","displayname":"C"}`)
		n.deliver(room, here, away)
		n.sameState(room, here, away)
	})
}

func TestInviteElsewhere(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version string) {
		n := newTown(t, here, away)
		one, two := n.houses[here], n.houses[away]
		room := one.create(ada, rooms.CreateRequest{Preset: "private_chat", RoomVersion: version, Name: "Kitchen"})
		one.must(one.Invite(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
		m, err := two.MembershipOf(t.Context(), cleo, room)
		two.must(err)
		if m.Membership != "invite" || len(m.Stripped) == 0 {
			t.Fatalf("invited: %+v", m)
		}
		two.must(two.Leave(t.Context(), as(cleo), rooms.MemberChange{Room: room}))
		if got := one.membership(room, cleo); got != "leave" {
			t.Fatalf("after rejecting: %s", got)
		}
		one.must(one.Invite(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
		two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room}))
		n.sameState(room, here, away)
		one.must(one.Kick(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
		n.deliver(room, here, away)
		if got := two.membership(room, cleo); got != "leave" {
			t.Fatalf("after being kicked: %s", got)
		}
		// Uninviting reaches who is not in the room.
		one.must(one.Invite(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
		one.must(one.Kick(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
		n.deliver(room, here, away)
		if m, _ := two.MembershipOf(t.Context(), cleo, room); m.Membership != "leave" {
			t.Fatalf("after being uninvited: %s", m.Membership)
		}
	})
}

func (h *house) membership(room id.RoomID, user id.UserID) string {
	h.Helper()
	rm, err := h.Room(h.Context(), room)
	h.must(err)
	return rm.MembershipOf(user)
}

func TestKnockElsewhere(t *testing.T) {
	t.Parallel()
	n := newTown(t, here, away)
	one, two := n.houses[here], n.houses[away]
	room := one.create(ada, rooms.CreateRequest{Preset: "private_chat"})
	one.set(ada, room, "m.room.join_rules", "", `{"join_rule":"knock"}`)
	two.must(two.Knock(t.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}, Reason: "please"}))
	if got := one.membership(room, cleo); got != "knock" {
		t.Fatalf("there: %q", got)
	}
	m, err := two.MembershipOf(t.Context(), cleo, room)
	two.must(err)
	if m.Membership != "knock" || len(m.Stripped) == 0 {
		t.Fatalf("here: %+v", m)
	}
	one.must(one.Invite(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
	two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room}))
	n.sameState(room, here, away)
}

func TestGapsAreFilled(t *testing.T) {
	t.Parallel()
	for _, much := range []int{5, 60, 300} {
		t.Run(fmt.Sprint(much), func(t *testing.T) {
			t.Parallel()
			n := newTown(t, here, away)
			one, two := n.houses[here], n.houses[away]
			room := one.create(ada, rooms.CreateRequest{Preset: "public_chat"})
			two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}}))
			for i := range much {
				one.say(ada, room, fmt.Sprint(i))
				if i%50 == 0 {
					one.set(ada, room, "m.room.topic", "", fmt.Sprintf(`{"topic":"%d"}`, i))
				}
			}
			two.say(cleo, room, "meanwhile")
			last := one.say(ada, room, "last")
			e, err := one.Event(t.Context(), last)
			one.must(err)
			if _, err := two.Receive(t.Context(), here, e.PDU); err != nil {
				t.Fatal(err)
			}
			n.deliver(room, away, here)
			one.say(ada, room, "joined up")
			n.deliver(room, away, here)
			n.sameState(room, here, away)
			rm, err := two.Room(t.Context(), room)
			two.must(err)
			evs, more, err := rm.Timeline(t.Context(), 0, 1<<62, 1000)
			two.must(err)
			if whole := evs[0].Membership() == "join" && !more; whole != (much < 100) {
				t.Errorf("with %d missed, the timeline has %d events, and more: %t", much, len(evs), more)
			}
			if texts := two.texts(room); !slices.Contains(texts, "last") || much < 100 && !slices.Contains(texts, "0") {
				t.Errorf("%d messages", len(texts))
			}
		})
	}
}

// TestPartitionsHeal lets three servers write while they do not hear each
// other, and wants them to agree afterwards.
func TestPartitionsHeal(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, version string) {
		const third = "zoo.example"
		zoe := id.UserID("@zoe:zoo.example")
		n := newTown(t, here, away, third)
		one, two, three := n.houses[here], n.houses[away], n.houses[third]
		room := one.create(ada, rooms.CreateRequest{Preset: "public_chat", RoomVersion: version})
		via := rooms.MemberChange{Room: room, Via: []string{here}}
		two.must(two.Join(t.Context(), as(cleo), via))
		n.deliver(room, here, away)
		three.must(three.Join(t.Context(), as(zoe), via))
		n.deliver(room, here, away, third)
		levels := `{"users":{"@cleo:two.example":75,"@zoe:zoo.example":50,"@ada:one.example":100}}`
		if version == "12" {
			levels = `{"users":{"@cleo:two.example":75,"@zoe:zoo.example":50}}`
		}
		one.set(ada, room, "m.room.power_levels", "", levels)
		n.deliver(room, here, away, third)
		rnd := rand.New(rand.NewPCG(1, 2))
		people := []struct {
			h  *house
			as id.UserID
		}{{one, ada}, {two, cleo}, {three, zoe}}
		all := []string{here, away, third}
		for round := range 6 {
			for i := range 12 {
				p := people[rnd.IntN(3)]
				switch rnd.IntN(6) {
				case 0:
					p.h.try(p.as, room, "m.room.topic", "", fmt.Sprintf(`{"topic":"%d %d"}`, round, i))
				case 1:
					p.h.try(p.as, room, "m.room.name", "", fmt.Sprintf(`{"name":"%d %d"}`, round, i))
				case 2:
					_ = p.h.Ban(t.Context(), as(p.as), rooms.MemberChange{Room: room, User: "@troll:one.example"})
				case 3:
					_ = p.h.Unban(t.Context(), as(p.as), rooms.MemberChange{Room: room, User: "@troll:one.example"})
				default:
					p.h.say(p.as, room, fmt.Sprint(round, i))
				}
			}
			rnd.Shuffle(3, func(i, j int) { all[i], all[j] = all[j], all[i] })
			n.deliver(room, all...)
			n.deliver(room, all...)
			n.sameState(room, here, away, third)
		}
		if t.Failed() {
			return
		}
		if a, b := len(one.texts(room)), len(three.texts(room)); a == 0 || b == 0 {
			t.Errorf("%d and %d messages", a, b)
		}
	})
}

func (h *house) try(user id.UserID, room id.RoomID, typ, key, content string) {
	_, _ = h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: []byte(content)})
}

// set is try that has to succeed.
func (h *house) set(user id.UserID, room id.RoomID, typ, key, content string) {
	h.Helper()
	_, err := h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: []byte(content)})
	h.must(err)
}
