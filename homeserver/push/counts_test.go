package push_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"plenum/homeserver/push"
	"plenum/homeserver/userdata"
	"plenum/rooms"
)

func TestUnreadMessagesAreCounted(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada)
		w.say(ada, room, "before he came")
		w.join(bob, room)
		w.want("at first", bob, room, "0/0")
		one := w.say(ada, room, "one")
		w.want("one message", bob, room, "1/0")
		w.say(ada, room, `{"body":"two","m.mentions":{"user_ids":["@bob:one.example"]}}`)
		w.say(ada, room, `{"msgtype":"m.notice","body":"a notice"}`)
		w.send(ada, room, "org.example.other", `{"body":"x"}`)
		w.want("a mention, and what does not notify", bob, room, "2/1")
		w.want("her own", ada, room, "0/0")
		w.read(bob, room, one, "")
		w.want("the first is read", bob, room, "1/1")
		w.read(bob, room, w.say(ada, room, "three"), "")
		w.want("all is read", bob, room, "0/0")
		w.want("somebody who is not there", eve, room, "0/0")
	})
}

func TestPrivateReceiptsCountToo(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		one := w.say(ada, room, "one")
		two := w.say(ada, room, "two")
		w.say(ada, room, "three")
		w.must(w.data.SetReceipt(w.Context(), as(bob), room, userdata.ReadPrivate, two, ""))
		w.want("in private", bob, room, "1/0")
		w.read(bob, room, one, "")
		w.want("in public, but less", bob, room, "1/0")
	})
}

func TestWhatIsNotCounted(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob, eve)
		one := w.say(ada, room, "one")
		w.read(bob, room, one, "")
		w.relate(ada, room, "m.replace", one)
		w.send(ada, room, "m.reaction", `{"m.relates_to":{"rel_type":"m.annotation","event_id":"`+string(one)+`","key":"x"}}`)
		w.want("an edit and a reaction", bob, room, "0/0")
		two := w.say(ada, room, "two")
		w.want("a message", bob, room, "1/0")
		_, err := w.rooms.Redact(w.Context(), as(ada), rooms.Redaction{Room: room, Event: two})
		w.must(err)
		w.want("it is redacted", bob, room, "0/0")
		w.must(w.data.SetAccountData(w.Context(), bob, "", "m.ignored_user_list", json.RawMessage(`{"ignored_users":{"@eve:one.example":{}}}`)))
		w.say(eve, room, "bob!")
		w.want("somebody he ignores", bob, room, "0/0")
	})
}

func TestWhoSpeaksHasRead(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		root := w.say(ada, room, "root")
		w.relate(ada, room, "m.thread", root)
		w.want("two", bob, room, "1/0 +1/0")
		w.send(bob, room, "m.reaction", `{"m.relates_to":{"rel_type":"m.annotation","event_id":"`+string(root)+`","key":"x"}}`)
		w.want("he reacts", bob, room, "1/0 +1/0")
		w.say(bob, room, "here")
		w.want("he says something", bob, room, "0/0 +1/0")
		w.relate(bob, room, "m.thread", root)
		w.want("he says something in the thread", bob, room, "0/0")
	})
}

func TestThreadsAreCountedApart(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		a := w.say(ada, room, "Hello world!")
		b := w.relate(ada, room, "m.thread", a)
		w.say(ada, room, `{"body":"Thread response @bob:one.example!","m.relates_to":{"rel_type":"m.thread","event_id":"`+string(a)+`"}}`)
		d := w.say(ada, room, "Hello @bob:one.example!")
		w.relate(ada, room, "m.thread", a)
		f := w.relate(ada, room, "m.reference", a)
		g := w.send(ada, room, "m.room.reaction", `{"m.relates_to":{"rel_type":"m.annotation","event_id":"`+string(f)+`","key":"test"}}`)
		w.want("all", bob, room, "3/1 +3/1")
		if sum := w.counts(bob, room).Total(); sum != (push.Count{Notifications: 6, Highlights: 2}) {
			w.Errorf("in total %+v", sum)
		}
		w.read(bob, room, a, userdata.Main)
		w.want("the root is read", bob, room, "2/1 +3/1")
		w.read(bob, room, b, a)
		w.want("the first of the thread is read", bob, room, "2/1 +2/1")
		w.read(bob, room, d, "")
		w.want("everything is read up to a message", bob, room, "1/0 +1/0")
		w.read(bob, room, g, a)
		w.want("the thread is read", bob, room, "1/0")
		w.read(bob, room, g, "")
		w.want("everything is read", bob, room, "0/0")
	})
}

func TestWhoComesBackHasNothingUnread(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		w.say(ada, room, "one")
		w.want("in the room", bob, room, "1/0")
		w.leave(bob, room)
		w.say(ada, room, "two")
		w.want("outside", bob, room, "0/0")
		w.join(bob, room)
		w.want("back", bob, room, "0/0")
		w.say(ada, room, "three")
		w.want("one more", bob, room, "1/0")
		// A new name is a member event as well, and not another arrival.
		w.must(w.rooms.SetProfile(w.Context(), bob))
		_, err := w.rooms.Send(w.Context(), as(bob), rooms.Draft{
			Room: room, Type: "m.room.member", StateKey: ptr(string(bob)), Content: json.RawMessage(`{"membership":"join","displayname":"Robert"}`),
		})
		w.must(err)
		w.want("with a new name", bob, room, "1/0")
		w.say(ada, room, "Robert?")
		w.want("and called by it", bob, room, "2/1")
	})
}

func ptr[T any](v T) *T { return &v }

func TestCountsOfALongAbsence(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		w.say(ada, room, "bob!")
		if testing.Short() {
			return
		}
		for i := range 1100 {
			w.say(ada, room, fmt.Sprint(i))
		}
		w.want("more than are looked at", bob, room, "1000/0")
		w.say(ada, room, "bob!")
		if got := w.unread(bob, room); got != "1000/1" {
			w.Errorf("one more: %s", got)
		}
	})
}

func TestCountsAreNotedNowAndThen(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		root := w.say(ada, room, "bob!")
		w.relate(ada, room, "m.thread", root)
		w.unread(bob, room)
		for i := range 600 {
			w.send(ada, room, "org.example.noise", fmt.Sprintf(`{"n":%d}`, i))
		}
		if got := w.unread(bob, room); got != "1/1 +1/0" {
			w.Errorf("unread %s", got)
		}
		for i := range 600 { // what was noted is now further back than is looked
			w.send(ada, room, "org.example.noise", fmt.Sprintf(`{"n":%d}`, i))
		}
		w.want("after much noise", bob, room, "1/1 +1/0")
	})
}

func TestDevicesThatLookAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		early := w.db.Committed()
		w.say(ada, room, "one")
		w.want("the newest", bob, room, "1/0")
		if c, err := w.Counts(w.Context(), bob, w.in(room), early); err != nil || c.Notifications > 1 {
			w.Errorf("asked for an earlier position: %v, %v", c, err)
		}
		w.want("again the newest", bob, room, "1/0")
	})
}

func TestAClosedAccountHasNoCounts(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		w.say(ada, room, "one")
		w.unread(bob, room)
		w.rule(bob, push.Content, "cake", `{"pattern":"cake","actions":["notify"]}`)
		w.must(w.SetPusher(w.Context(), as(bob), pusher("key"), false))
		w.must(w.Gone(w.Context(), bob, true))
		w.must(w.data.Gone(w.Context(), bob, true))
		if list, err := w.Pushers(w.Context(), bob); err != nil || len(list) != 0 {
			w.Errorf("pushers: %v, %v", list, err)
		}
		_, err := w.Rule(w.Context(), bob, push.Content, "cake")
		w.refused(err, "M_NOT_FOUND")
	})
}
