package sliding_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// follower is a client that looks here and there, loses answers, and writes
// down what it is told.
type follower struct {
	*client
	dice  *rand.Rand
	wants []string // state, by pairs
	told  map[id.RoomID][]string
	state map[id.RoomID]map[rooms.StateKey]string
	data  map[id.RoomID]int64
	mail  []int64
}

// look chooses what the follower looks at.
func (f *follower) look() {
	f.list("all", f.dice.IntN(4), f.wants...)
	first := f.dice.IntN(3)
	f.window("all", first, first+f.dice.IntN(4))
	clear(f.q.Rooms)
	if f.dice.IntN(3) == 0 {
		for room := range f.told {
			f.subscribe(room, f.dice.IntN(8), f.wants...)
			break
		}
	}
}

// turn asks once, and takes over what it is told unless that gets lost.
func (f *follower) turn() {
	patience := time.Duration(f.dice.IntN(3)) * time.Millisecond
	a, err := f.ask(f.Context(), patience)
	if matrix.IsCode(err, matrix.UnknownPos) {
		f.q.Pos = ""
		a, err = f.ask(f.Context(), patience)
	}
	f.must(err)
	switch f.dice.IntN(6) {
	case 0: // lost; the next question is another one
		f.look()
		return
	case 1: // lost; it asks again
		again, err := f.ask(f.Context(), patience)
		f.must(err)
		if f.q.Pos != "" && again.Raw != a.Raw {
			f.Errorf("the same request was answered\n%s, then\n%s", a.Raw, again.Raw)
		}
		a = again
	}
	f.q.Pos = a.Get("pos").Str
	f.take(a)
}

// take takes over an answer, closing gaps as a client does.
func (f *follower) take(a answer) {
	for name, e := range a.Get("rooms").Map() {
		room := id.RoomID(name)
		if f.state[room] == nil || e.Get("initial").Bool() {
			f.state[room] = map[rooms.StateKey]string{}
		}
		if e.Get("limited").Bool() {
			f.closeGap(room, e.Get("prev_batch").Str)
			for k := range f.state[room] {
				if k.Type == "m.room.member" && slices.Contains(f.wants, "$LAZY") {
					delete(f.state[room], k)
				}
			}
		}
		for _, ev := range e.Get("timeline").Array() {
			if name := ev.Get("event_id").Str; !slices.Contains(f.told[room], name) {
				f.told[room] = append(f.told[room], name)
			} else if !e.Get("unstable_expanded_timeline").Bool() && !e.Get("initial").Bool() {
				f.Errorf("an event was told twice")
			}
		}
		for _, ev := range e.Get("required_state").Array() {
			f.state[room][rooms.StateKey{Type: ev.Get("type").Str, Key: ev.Get("state_key").Str}] = ev.Get("event_id").Str
		}
	}
	a.extension("account_data", "rooms").ForEach(func(room, events gjson.Result) bool {
		f.data[id.RoomID(room.Str)] = events.Get("0.content.n").Int()
		return true
	})
	for _, m := range a.extension("to_device", "events").Array() {
		f.mail = append(f.mail, m.Get("content.n").Int())
	}
	f.q.Extensions.ToDevice.Since = a.extension("to_device", "next_batch").Str
}

// closeGap reads back from a token to what the follower has already.
func (f *follower) closeGap(room id.RoomID, from string) {
	var missing []string
	for at := must(rooms.ParseToken(from))(f.house); ; {
		page := must(f.Messages(f.Context(), f.who, room, rooms.Page{From: &at, Backwards: true, Limit: 5}))(f.house)
		for _, e := range page.Events {
			if slices.Contains(f.told[room], string(e.ID)) {
				page.End = nil
				break
			}
			missing = append(missing, string(e.ID))
		}
		if page.End == nil {
			break
		}
		at = *page.End
	}
	slices.Reverse(missing)
	f.told[room] = append(f.told[room], missing...)
}

// settle asks until there is nothing new in any room.
func (f *follower) settle() {
	clear(f.q.Rooms)
	f.list("all", 3, f.wants...)
	f.window("all", 0, 100)
	for {
		a, err := f.ask(f.Context(), 0)
		if matrix.IsCode(err, matrix.UnknownPos) {
			f.q.Pos = ""
			continue
		}
		f.must(err)
		f.q.Pos = a.Get("pos").Str
		f.take(a)
		if !a.hasNews() {
			return
		}
	}
}

// TestNothingIsSkippedOrDoubled has many senders at work in several rooms while
// clients look at parts of them, lose answers, and begin anew after restarts,
// and compares what each was told with what is there.
func TestNothingIsSkippedOrDoubled(t *testing.T) {
	const (
		senders = 5
		rounds  = 4
		apiece  = 15
	)
	each(t, func(h *house) {
		var places []id.RoomID
		for i := range 5 {
			places = append(places, h.public(ada, fmt.Sprint("Room ", i)))
		}
		users := make([]id.UserID, senders)
		for i := range users {
			users[i] = id.UserID(fmt.Sprintf("@user%d:%s", i, here))
			for _, room := range places {
				h.join(users[i], room)
			}
		}
		var followers []*follower
		for i, wants := range [][]string{{"*", "*"}, {"m.room.topic", "", "m.room.member", "$LAZY", "m.room.member", "$ME"}, {"*", "*", "m.room.member", "$LAZY"}} {
			f := &follower{
				client: h.client(users[i]), dice: rand.New(rand.NewPCG(uint64(i), 1)), wants: wants,
				told: map[id.RoomID][]string{}, state: map[id.RoomID]map[rooms.StateKey]string{}, data: map[id.RoomID]int64{},
			}
			f.q.Extensions = sliding.Extensions{ToDevice: &sliding.ToDevice{Limit: 3}, AccountData: &sliding.Scope{}}
			followers = append(followers, f)
		}
		var mu sync.Mutex // in which messages are numbered
		sent := 0
		data := map[id.RoomID]int64{}
		for range rounds {
			var sending, following sync.WaitGroup
			over := make(chan struct{})
			for n, user := range users {
				sending.Go(func() {
					for i := range apiece {
						room := places[rand.IntN(len(places))]
						switch i % 4 {
						case 1:
							h.set(user, room, "m.room.member", string(user), fmt.Sprintf(`{"membership":"join","displayname":"%d"}`, i))
						case 2:
							h.set(ada, room, "m.room.topic", "", fmt.Sprintf(`{"topic":"%d %d"}`, n, i))
						default:
							h.say(user, room, fmt.Sprint(i))
						}
					}
				})
			}
			sending.Go(func() {
				for i := range apiece {
					mu.Lock()
					for _, f := range followers {
						h.post(ada, f.who.User, "m.x", fmt.Sprintf(`{"n":%d}`, sent))
					}
					sent++
					room := places[rand.IntN(len(places))]
					data[room]++
					for _, f := range followers {
						h.note(f.who.User, room, "org.example.n", fmt.Sprintf(`{"n":%d}`, data[room]))
					}
					mu.Unlock()
					if i%3 == 0 { // somebody comes and goes
						h.join(eve, room)
						h.leave(eve, room)
					}
				}
			})
			for _, f := range followers {
				following.Go(func() {
					for {
						f.look()
						for range 3 {
							f.turn()
						}
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
			following.Wait()
			h.reopen()
		}
		for i, f := range followers {
			f.settle()
			for n, got := range f.mail {
				if got != int64(n) {
					t.Fatalf("client %d got the messages %v", i, f.mail)
				}
			}
			if len(f.mail) != sent {
				t.Errorf("client %d got %d messages of %d", i, len(f.mail), sent)
			}
			for _, room := range places {
				f.check(fmt.Sprint("client ", i), room, data[room])
			}
		}
	})
}

// check compares what the follower has of a room with what is there.
func (f *follower) check(who string, room id.RoomID, data int64) {
	f.Helper()
	rm := must(f.Room(f.Context(), room))(f.house)
	evs, _, err := rm.Timeline(f.Context(), 0, rm.LastPos(), 10_000)
	f.must(err)
	want := make([]string, len(evs))
	for i, e := range evs {
		want[i] = string(e.ID)
	}
	if got := f.told[room]; !slices.Equal(got, want) {
		f.Errorf("%s was told %d events of a room, there are %d", who, len(got), len(want))
	}
	state := map[rooms.StateKey]string{}
	for _, e := range must(rm.CurrentState(f.Context(), nil))(f.house) {
		state[rooms.StateKey{Type: e.Type, Key: *e.StateKey}] = string(e.ID)
	}
	for k, ev := range f.state[room] {
		if state[k] != ev {
			f.Errorf("%s has an old %s of %s", who, k.Type, k.Key)
		}
	}
	for k := range state {
		isMember := k.Type == "m.room.member" && k.Key != string(f.who.User)
		if _, ok := f.state[room][k]; !ok && f.wants[0] == "*" && !(isMember && len(f.wants) > 2) && k.Key != string(f.who.User) {
			f.Errorf("%s has no %s of %q", who, k.Type, k.Key)
		}
	}
	if f.data[room] != data {
		f.Errorf("%s has the account data %d of %d", who, f.data[room], data)
	}
}
