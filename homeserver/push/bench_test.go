package push_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// crowd makes a room of n people, of whom a third have rules of their own, in
// two kinds: a keyword, and this room muted.
func crowd(b *testing.B, n int) (w *world, room id.RoomID, people []id.UserID) {
	b.Helper()
	w = open(b, storagetest.Open(b, storage.SQLite), push.Options{UsersInMemory: 2 * n})
	room = w.room(ada)
	for i := range n {
		user := id.UserID(fmt.Sprintf("@u%d:one.example", i))
		people = append(people, user)
		w.join(user, room)
		switch i % 6 {
		case 0:
			w.rule(user, push.Content, "cake", `{"pattern":"cake","actions":["notify",{"set_tweak":"highlight"}]}`)
		case 3:
			w.rule(user, push.Room, string(room), `{"actions":[]}`)
		}
	}
	last := w.say(ada, room, "everybody is here")
	for _, user := range people {
		w.read(user, room, last, "") // so that nobody has to look far back
		w.counts(user, room)
	}
	return w, room, people
}

// BenchmarkCountsOfACrowd is one message in a room of 10,000 people who all
// look, with three distinct rule sets: the cost of all of them together.
func BenchmarkCountsOfACrowd(b *testing.B) {
	w, room, people := crowd(b, 10_000)
	for _, c := range []struct{ name, content string }{
		{"mentions", `{"msgtype":"m.text","body":"this is a message of a usual length","m.mentions":{}}`},
		{"text", `{"msgtype":"m.text","body":"this is a message of a usual length"}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			rm := w.in(room)
			for b.Loop() {
				b.StopTimer()
				_, err := w.rooms.Send(b.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(c.content)})
				w.must(err)
				upto := w.db.Committed()
				b.StartTimer()
				for _, user := range people {
					if _, err := w.Counts(b.Context(), user, rm, upto); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(people)), "ns/user")
		})
	}
}

// BenchmarkPushToACrowd is one message in a room of 10,000 people of this
// server who all have a pusher, with three distinct rule sets: to decide who is
// to be notified. In the first kind of rooms everybody else is, in the second
// only who is mentioned.
func BenchmarkPushToACrowd(b *testing.B) {
	w, room, people := crowd(b, 10_000)
	w.must(w.db.Write(b.Context(), func(tx *storage.Tx) error {
		for _, user := range people {
			if err := w.AddPusher(b.Context(), tx, user); err != nil {
				return err
			}
		}
		return nil
	}))
	w.must(w.LoadPushers(b.Context()))
	for _, c := range []struct{ name, content string }{
		{"everybody", `{"msgtype":"m.text","body":"this is a message of a usual length"}`},
		{"mentions", `{"msgtype":"m.text","body":"this is a message of a usual length","m.mentions":{"user_ids":["@u1:one.example"]}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			told, err := w.Parcels(b.Context(), w.say(ada, room, c.content)) // rules are read once
			w.must(err)
			for b.Loop() {
				b.StopTimer()
				ev := w.say(ada, room, c.content)
				b.StartTimer()
				n, err := w.Parcels(b.Context(), ev)
				if err != nil {
					b.Fatal(err)
				}
				told = n
			}
			b.ReportMetric(float64(told), "told")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(people)), "ns/user")
		})
	}
}

// BenchmarkCountsWithoutNews is the counts of a room in which nothing happened.
func BenchmarkCountsWithoutNews(b *testing.B) {
	w := open(b, storagetest.Open(b, storage.SQLite), push.Options{})
	room := w.room(ada, bob)
	w.say(ada, room, "x")
	w.counts(bob, room)
	rm, upto := w.in(room), w.db.Committed()
	for b.Loop() {
		if _, err := w.Counts(b.Context(), bob, rm, upto); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJudge is what the first of all users with the usual rules pays for
// a message.
func BenchmarkJudge(b *testing.B) {
	w := open(b, storagetest.Open(b, storage.SQLite), push.Options{})
	room := w.room(ada, bob)
	w.say(ada, room, `{"msgtype":"m.text","body":"this is a message of a usual length","m.mentions":{}}`)
	judge := push.Judge(b.Context(), w.Push, w.in(room))
	for b.Loop() {
		judge()
	}
}
