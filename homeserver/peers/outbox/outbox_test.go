package outbox_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers/outbox"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const (
	two   = "two.example"
	three = "three.example"
)

func TestEventsArriveInOrder(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two, three)
		hold := make(chan struct{})
		o.net.answers(two, hold, 0)
		said := o.sayAll(room, 120) // while the first transaction is under way
		close(hold)
		for _, server := range []string{two, three} {
			got := o.net.waitFor(server, said[119])
			if !slices.Equal(only(got.events, said), said) {
				t.Errorf("%s got %d events, in another order or not all", server, len(got.events))
			}
		}
		if got := o.net.wait(two, func(*letterbox) bool { return true }); len(got.ids) > 10 {
			t.Errorf("%d transactions for 120 events that waited", len(got.ids))
		}
	})
}

func TestOwnRoomsCostNothing(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		o.sayAll(o.room(), 10)
		shared := o.room(two)
		o.net.waitFor(two, o.say(shared, "seen")) // so the others have been looked at
		if s := o.Stats(); s.Events > 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestServersGetWhatTheyWereThereFor(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two)
		before := o.say(room, "before three came")
		o.join(room, "@cleo:"+three)
		last := o.say(room, "all are here")
		o.must(o.rooms.Kick(t.Context(), as(ada), kick(room, "@cleo:"+two)))
		after := o.say(room, "two has gone")
		got := o.net.waitFor(three, after)
		if slices.Contains(got.events, before) {
			t.Error("three got an event of before its join")
		}
		theirs := o.net.wait(two, func(b *letterbox) bool { return len(b.events) >= 4 }) // before, the join, last, the kick
		if !slices.Contains(theirs.events, last) || slices.Contains(theirs.events, after) {
			t.Errorf("two got %v, and the event after the kick is %s", theirs.events, after)
		}
	})
}

// An hour away, by a clock that costs no time.
func TestOutage(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		var ahead atomic.Int64
		o := open(t, db, outbox.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
		room := o.room(two)
		o.net.waitFor(two, o.say(room, "first"))
		o.net.set(two, true)
		said := o.sayAll(room, 60)
		for n := range 10 {
			tried := len(o.net.wait(two, func(*letterbox) bool { return true }).ids)
			ahead.Add(int64(6 * time.Minute))
			o.db.Bus().Tell("awake") // the client would like to try again
			o.net.waitTry(two, max(tried, n+1))
		}
		tried := o.net.wait(two, func(b *letterbox) bool { return len(b.ids) >= 8 }).ids
		if failed := slices.Compact(tried[len(tried)-3:]); len(failed) != 1 {
			t.Errorf("the same content was sent under different ids: %v", failed)
		}
		o.net.set(two, false)
		o.db.Bus().Tell("awake")
		got := o.net.waitFor(two, said[59])
		if !slices.Equal(only(got.events, said), said) {
			t.Errorf("got %d events after the outage", len(got.events))
		}
	})
}

func TestKilledInTheMiddleOfATransaction(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{SaveEvery: time.Hour})
		room := o.room(two)
		o.net.answers(two, make(chan struct{}), 0) // which get lost
		said := o.sayAll(room, 40)
		first := o.net.waitFor(two, said[0])
		o.net.mu.Lock()
		o.net.hold[two], o.net.got[two].busy = nil, false
		o.net.mu.Unlock()
		o.reopen() // without a word of the first, which has noted nothing
		got := o.net.waitFor(two, said[39])
		var order []id.EventID
		for _, ev := range only(got.events, said) {
			if !slices.Contains(order, ev) { // the peer knows events by their ids
				order = append(order, ev)
			}
		}
		if !slices.Equal(order, said) {
			t.Errorf("got %d of 40 events; %d before", len(order), len(first.events))
		}
	})
}

func TestAnEndedServerGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two)
		o.net.waitFor(two, o.say(room, "first"))
		o.net.set(two, true)
		said := o.sayAll(room, 30)
		o.net.waitTry(two, 3)
		o.stop()
		before := o.net.wait(two, func(*letterbox) bool { return true })
		o.net.set(two, false)
		o.reopen()
		got := o.net.waitFor(two, said[29])
		if !slices.Equal(only(got.events, said), said) {
			t.Errorf("got %d events", len(got.events))
		}
		if len(got.events) != len(before.events)+30 {
			t.Errorf("%d events came twice", len(got.events)-len(before.events)-30)
		}
	})
}

func TestAfterALongOutageTheNewestIsEnough(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{MaxQueue: 10})
		var all []id.RoomID
		for range 3 {
			all = append(all, o.room(two))
		}
		known := o.say(all[0], "there")
		o.net.waitFor(two, known)
		o.net.set(two, true)
		o.net.mu.Lock()
		o.net.until[two] = time.Now().Add(time.Hour)
		o.net.mu.Unlock()
		var newest, others []id.EventID
		for _, room := range all {
			said := o.sayAll(room, 20)
			newest = append(newest, said[19])
			others = append(others, said[:19]...)
		}
		o.stop()
		o.reopen()
		o.stop()
		o.net.set(two, false)
		o.net.mu.Lock()
		delete(o.net.until, two)
		o.net.mu.Unlock()
		o.reopen()
		live := o.say(all[0], "live")
		got := o.net.waitFor(two, live)
		for _, ev := range newest {
			if !slices.Contains(got.events, ev) && ev != newest[0] { // live is newer
				t.Errorf("%s is missing", ev)
			}
		}
		if n := len(only(got.events, others)); n > 11 { // the first transaction was under way
			t.Errorf("%d old events were sent", n)
		}
		o.net.waitFor(two, o.say(all[1], "and on"))
	})
}

func TestMailIsDurable(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		post := func(text string) {
			o.must(db.Write(t.Context(), func(tx *storage.Tx) error {
				return o.Post(t.Context(), tx, two, json.RawMessage(fmt.Sprintf(`{"text": %q}`, text)))
			}))
		}
		o.net.set(two, true)
		for i := range 100 {
			post(fmt.Sprint(i))
		}
		o.net.waitTry(two, 1)
		o.stop()
		o.net.set(two, false)
		o.reopen()
		post("last")
		texts := func(b *letterbox) (out []string) {
			for _, e := range b.edus {
				out = append(out, e.Get("content.text").Str)
			}
			return out
		}
		got := texts(o.net.wait(two, func(b *letterbox) bool { return slices.Contains(texts(b), "last") }))
		for i := range 100 {
			if got[i] != fmt.Sprint(i) {
				t.Fatalf("message %d is %s", i, got[i])
			}
		}
		if len(got) != 101 {
			t.Errorf("got %d messages", len(got))
		}
		o.stop()
		o.reopen()
		o.net.waitFor(two, o.say(o.room(two), "behind it"))
		if again := texts(o.net.wait(two, func(*letterbox) bool { return true })); len(again) != 101 {
			t.Errorf("%d messages came again", len(again)-101)
		}
	})
}

func TestDeviceLists(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two)
		o.net.waitFor(two, o.say(room, "first"))
		o.must(db.Write(t.Context(), func(tx *storage.Tx) error {
			pos := tx.Position()
			tx.OnCommit(func() {
				o.lists.mu.Lock()
				defer o.lists.mu.Unlock()
				o.lists.changes = append(o.lists.changes, matrix.ListChange{User: ada, Pos: pos, Prev: 5})
			})
			tx.Wake("lists")
			return nil
		}))
		if e := o.net.waitEDU(two, "m.device_list_update"); e.Get("user_id").Str != string(ada) || e.Get("since").Int() != 5 {
			t.Errorf("told %s", e.Raw)
		}
		// Somebody comes to a room with a server that does not know them yet.
		shared := o.room(three)
		o.must(o.rooms.Join(t.Context(), as(bob), joining(shared)))
		if e := o.net.waitEDU(three, "m.device_list_update"); e.Get("user_id").Str != string(bob) || e.Get("since").Int() != 0 {
			t.Errorf("told %s", e.Raw)
		}
	})
}

func TestWhatPasses(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two)
		ev := o.say(room, "first")
		o.net.waitFor(two, ev)
		o.Typing(t.Context(), room, ada, true)
		if e := o.net.waitEDU(two, "m.typing"); e.Get("user_id").Str != string(ada) || !e.Get("typing").Bool() || e.Get("room_id").Str != string(room) {
			t.Errorf("typing: %s", e.Raw)
		}
		o.Presence(t.Context(), ada, json.RawMessage(`{"user_id":"@ada:one.example","presence":"online"}`))
		if e := o.net.waitEDU(two, "m.presence"); e.Get("push.0.presence").Str != "online" {
			t.Errorf("presence: %s", e.Raw)
		}
		o.net.set(two, true)
		o.say(room, "away")
		tries := len(o.net.wait(two, func(*letterbox) bool { return true }).ids)
		o.net.waitTry(two, max(tries, 1))
		o.Receipt(t.Context(), room, ada, "", "$old", 1)
		o.Receipt(t.Context(), room, ada, "", ev, 2)
		o.Receipt(t.Context(), room, ada, "$thread", ev, 3)
		o.net.set(two, false)
		o.net.wait(two, func(b *letterbox) bool {
			main, thread := false, false
			for _, e := range b.edus {
				r := e.Get("content").Map()[string(room)].Map()["m.read"].Map()[string(ada)]
				main = main || r.Get("event_ids.0").Str == string(ev) && r.Get("data.ts").Int() == 2
				thread = thread || r.Get("data.thread_id").Str == "$thread"
			}
			return main && thread
		})
	})
}

func TestPeersThatTakeLess(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		o := open(t, db, outbox.Options{})
		room := o.room(two)
		hold := make(chan struct{})
		o.net.answers(two, hold, 7)
		said := o.sayAll(room, 60)
		close(hold)
		got := o.net.waitFor(two, said[59])
		if !slices.Equal(only(got.events, said), said) {
			t.Errorf("got %d events", len(got.events))
		}
	})
}
