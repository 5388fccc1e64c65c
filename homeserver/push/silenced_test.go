package push_test

import (
	"encoding/json"
	"testing"

	"plenum/homeserver/push"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// TestPushersAreSilenced has one device switch the pusher of another off and
// on again.
func TestPushersAreSilenced(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		g := newGateway()
		w := open(t, db, push.Options{Gateway: g})
		room := w.room(ada, bob)
		pad := matrix.Principal{User: bob, Device: "PAD"}
		w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
		w.must(w.SetPusher(t.Context(), as(ada), pusher("ada's"), false))
		w.must(w.Queue(bob, w.say(ada, room, "before the switch")))

		set := func(on bool) {
			t.Helper()
			list, err := w.Pushers(t.Context(), bob)
			w.must(err)
			p := list[0]
			p.Enabled, p.EnabledBefore = &on, nil
			w.must(w.SetPusher(t.Context(), pad, p, false))
			list, err = w.Pushers(t.Context(), bob)
			w.must(err)
			if len(list) != 1 || *list[0].Enabled != on || *list[0].EnabledBefore != on || list[0].Device != "PHONE" {
				t.Errorf("switched to %v: %+v", on, list)
			}
		}
		set(false)
		if n := w.Waiting(bob, "org.example.app", "key"); n != 0 {
			t.Errorf("%d notifications wait for a pusher that is off", n)
		}
		stop := w.run()
		w.say(ada, room, "unheard")
		answer := w.say(bob, room, "to ada, whose notification comes after that to him")
		<-g.news
		set(true)
		said := w.say(ada, room, "heard")
		<-g.news
		stop()
		if got := g.events(); got != join(answer, said) {
			t.Errorf("notified of %q, want %q", got, join(answer, said))
		}

		// Who does not say that it is another's pusher makes it their own.
		w.must(w.SetPusher(t.Context(), pad, pusher("key"), false))
		if list, _ := w.Pushers(t.Context(), bob); list[0].Device != "PAD" {
			t.Errorf("the pusher is of %s", list[0].Device)
		}
	})
}

// TestEncryptedEventsWakeDevices turns on the rule of MSC4028: a room in which
// only mentions are wanted notifies of what cannot be read here all the same.
func TestEncryptedEventsWakeDevices(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{})
	room := w.room(ada, bob)
	w.must(w.SetRule(t.Context(), bob, push.Room, string(room), newRule(`{"actions":[]}`), push.Place{}))
	notified := func() int {
		w.Helper()
		_, err := w.rooms.Send(t.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.encrypted", Content: json.RawMessage(`{"algorithm":"x"}`)})
		w.must(err)
		counts, err := w.Counts(t.Context(), bob, w.in(room), w.in(room).LastPos())
		w.must(err)
		return counts.Notifications
	}
	if n := notified(); n != 0 {
		t.Errorf("without the rule: %d", n)
	}
	w.must(w.SetEnabled(t.Context(), bob, push.Override, ".org.matrix.msc4028.encrypted_event", true))
	if n := notified(); n == 0 {
		t.Error("the rule is on, and nothing notifies")
	}
}
