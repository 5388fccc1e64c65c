package sync_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	gosync "sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// follower is a device that writes down what it is told of each room: the
// events, and what the state is according to them.
type follower struct {
	*client
	patience time.Duration // how long it waits for news
	told     map[id.RoomID][]string
	state    map[id.RoomID]map[rooms.StateKey]string
}

// turn syncs once and takes over what it is told, closing gaps as a client does.
func (f *follower) turn() {
	from := f.since
	a := must(f.ask(f.Context(), f.patience))(f.house)
	f.since = a.Get("next_batch").Str
	for name, e := range a.Get("rooms.join").Map() {
		room, e := id.RoomID(name), entry{a, e}
		if e.Get("timeline.limited").Bool() && from != "" {
			f.told[room] = append(f.told[room], f.gap(room, from, e.Get("timeline.prev_batch").Str)...)
		}
		if f.state[room] == nil {
			f.state[room] = map[rooms.StateKey]string{}
		}
		for _, ev := range e.Get("timeline.events").Array() {
			f.told[room] = append(f.told[room], ev.Get("event_id").Str)
		}
		for _, ev := range append(e.Get("state.events").Array(), e.Get("timeline.events").Array()...) {
			if ev.Get("state_key").Exists() {
				f.state[room][rooms.StateKey{Type: ev.Get("type").Str, Key: ev.Get("state_key").Str}] = ev.Get("event_id").Str
			}
		}
	}
}

// gap reads what lies between two tokens.
func (f *follower) gap(room id.RoomID, from, to string) []string {
	at, end := must(rooms.ParseToken(from))(f.house), must(rooms.ParseToken(to))(f.house)
	var out []string
	for {
		page := must(f.Messages(f.Context(), f.who, room, rooms.Page{From: &at, To: &end, Limit: 3}))(f.house)
		for _, e := range page.Events {
			out = append(out, string(e.ID))
		}
		if page.End == nil {
			return out
		}
		at = *page.End
	}
}

// TestNothingIsSkippedOrDoubled has many senders at work in several rooms while
// devices sync, with the process thrown away in between, and compares what
// each device was told with what is in the log.
func TestNothingIsSkippedOrDoubled(t *testing.T) {
	const (
		senders = 6
		rounds  = 4
		apiece  = 12
	)
	each(t, func(h *house) {
		var places []id.RoomID
		for range 3 {
			places = append(places, h.public(ada))
		}
		var users []id.UserID
		for i := range senders {
			user := id.UserID(fmt.Sprintf("@user%d:%s", i, here))
			users = append(users, user)
			for _, room := range places {
				h.join(user, room)
			}
		}
		var followers []*follower
		for i, filter := range []string{"", `{"room":{"timeline":{"limit":1}}}`, `{"room":{"timeline":{"limit":100},"state":{"include_redundant_members":true}}}`} {
			f := &follower{client: h.client(users[i], filter), told: map[id.RoomID][]string{}, state: map[id.RoomID]map[rooms.StateKey]string{}}
			f.patience = time.Duration(i) * 10 * time.Millisecond
			f.turn()
			clear(f.told)
			followers = append(followers, f)
		}
		first := map[id.RoomID]int{}
		for _, room := range places {
			first[room] = len(logged(h, room))
		}
		for range rounds {
			var sending, syncing gosync.WaitGroup
			over := make(chan struct{})
			for _, user := range users {
				sending.Go(func() {
					for i := range apiece {
						room := places[rand.IntN(len(places))]
						if i%4 == 3 {
							h.set(user, room, "m.room.member", string(user), map[string]any{"membership": "join", "displayname": fmt.Sprint(i)})
						} else {
							h.say(user, room, fmt.Sprint(i))
						}
					}
				})
			}
			sending.Go(func() { // somebody comes and goes
				for range apiece {
					room := places[rand.IntN(len(places))]
					h.join(eve, room)
					h.leave(eve, room)
				}
			})
			for _, f := range followers {
				syncing.Go(func() {
					for {
						f.turn()
						select {
						case <-over:
							return
						default:
						}
					}
				})
			}
			sending.Wait()
			close(over)
			syncing.Wait()
			h.reopen()
			for _, f := range followers {
				f.client.house = h
			}
		}
		for i, f := range followers {
			f.turn()
			f.sync().wantNothing()
			for _, room := range places {
				want, got := logged(h, room)[first[room]:], f.told[room]
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("device %d was told %d events of a room, there are %d: %s", i, len(got), len(want), difference(got, want))
				}
				if got, want := f.state[room], state(h, room); !maps.Equal(got, want) {
					t.Errorf("device %d thinks that the state is\n%v\nbut it is\n%v", i, got, want)
				}
			}
		}
	})
}

// logged are the events of a room in the order of the log.
func logged(h *house, room id.RoomID) []string {
	rm := must(h.Room(h.Context(), room))(h)
	evs, _, err := rm.Timeline(h.Context(), 0, rm.LastPos(), 10_000)
	h.must(err)
	out := make([]string, len(evs))
	for i, e := range evs {
		out[i] = string(e.ID)
	}
	return out
}

// state is the state of a room.
func state(h *house, room id.RoomID) map[rooms.StateKey]string {
	rm := must(h.Room(h.Context(), room))(h)
	out := map[rooms.StateKey]string{}
	for _, e := range must(rm.CurrentState(h.Context(), nil))(h) {
		out[rooms.StateKey{Type: e.Type, Key: *e.StateKey}] = string(e.ID)
	}
	return out
}

// difference says where two lists part.
func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("number %d is %s, want %s", i, got[i], want[i])
		}
	}
	return "one ends before the other"
}
