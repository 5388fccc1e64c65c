package userdata_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// typists returns who types in room.
func (w *world) typists(room id.RoomID) []id.UserID {
	users, _ := w.Typing(room)
	return users
}

func (w *world) types(user id.UserID, room id.RoomID, timeout time.Duration) {
	w.Helper()
	w.must(w.SetTyping(w.Context(), as(user), room, timeout))
}

func TestTypingEndsByItself(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), userdata.Options{})
	room := w.room(ada, bob)
	synctest.Test(t, func(*testing.T) {
		heard := w.db.Bus().Subscribe(rooms.RoomTopic(room))
		defer heard.Close()
		w.types(bob, room, 20*time.Second)
		w.types(ada, room, time.Hour) // 30 seconds at most
		<-heard.C()
		if who := w.typists(room); !slices.Equal(who, []id.UserID{ada, bob}) {
			t.Errorf("typing at first: %v", who)
		}
		_, serial := w.Typing(room)
		time.Sleep(15 * time.Second)
		w.types(bob, room, 20*time.Second) // again, which is no news
		if _, now := w.Typing(room); now != serial {
			t.Error("to type on is news")
		}
		time.Sleep(16 * time.Second)
		synctest.Wait()
		<-heard.C()
		if who := w.typists(room); !slices.Equal(who, []id.UserID{bob}) {
			t.Errorf("typing after 31 s: %v", who)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		<-heard.C()
		users, now := w.Typing(room)
		if len(users) != 0 || now <= serial || now > w.Serial() {
			t.Errorf("typing after 36 s: %v, serial %d after %d", users, now, serial)
		}
	})
}

func TestTypingIsStopped(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		if _, serial := w.Typing(room); serial != 0 {
			w.Errorf("serial %d before anybody typed", serial)
		}
		w.types(bob, room, time.Second)
		w.types(bob, room, 0)
		w.types(ada, room, -1)
		if who := w.typists(room); len(who) != 0 {
			w.Errorf("typing: %v", who)
		}
		w.refused(w.SetTyping(w.Context(), as(eve), room, time.Second), matrix.Forbidden, 403)
	})
}

func TestTypingEndsWithTheMessage(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		stop := w.run()
		room := w.room(ada, bob, eve)
		heard := w.db.Bus().Subscribe(rooms.RoomTopic(room))
		defer heard.Close()
		for _, user := range []id.UserID{ada, bob, eve} {
			w.types(user, room, 30*time.Second)
		}
		w.say(bob, room, `{"body":"said"}`)
		w.must(w.rooms.Leave(w.Context(), as(eve), rooms.MemberChange{Room: room}))
		for !slices.Equal(w.typists(room), []id.UserID{ada}) {
			<-heard.C()
		}
		stop()
		if who := w.typists(room); len(who) != 0 {
			w.Errorf("typing when the server stops: %v", who)
		}
	})
}

func TestSerialsGrowAcrossRestarts(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada)
		w.types(ada, room, time.Second)
		_, before := w.Typing(room)
		w.restart()
		w.types(ada, room, time.Second)
		if _, after := w.Typing(room); after <= before {
			w.Errorf("serial %d after %d", after, before)
		}
	})
}
