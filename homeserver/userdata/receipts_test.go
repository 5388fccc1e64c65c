package userdata_test

import (
	"slices"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		room := w.room(ada, bob)
		one, two := w.say(ada, room, `{"body":"1"}`), w.say(ada, room, `{"body":"2"}`)
		before := w.db.Committed()
		w.must(w.SetReceipt(ctx, as(bob), room, userdata.Read, one, ""))
		w.must(w.SetReceipt(ctx, as(bob), room, userdata.ReadPrivate, two, ""))
		between := w.db.Committed()
		w.must(w.SetReceipt(ctx, as(ada), room, userdata.Read, two, ""))
		for range 2 {
			if got := w.receipts(ada, room, before); !slices.Equal(got, []string{"@bob m.read " + string(one), "@ada m.read " + string(two)}) {
				w.Errorf("ada sees %q", got)
			}
			if got := w.receipts(bob, room, 0); !slices.Equal(got, []string{"@bob m.read " + string(one), "@bob m.read.private " + string(two), "@ada m.read " + string(two)}) {
				w.Errorf("bob sees %q", got)
			}
			if got := w.receipts(bob, room, between); !slices.Equal(got, []string{"@ada m.read " + string(two)}) {
				w.Errorf("after his own, bob sees %q", got)
			}
			if got := w.receipts(bob, room, w.db.Committed()); got != nil {
				w.Errorf("now bob sees %q", got)
			}
			w.restart()
		}
	})
}

func TestReceiptsNeverMoveBackwards(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		room := w.room(ada, bob)
		one, two := w.say(ada, room, `{"body":"1"}`), w.say(ada, room, `{"body":"2"}`)
		w.must(w.SetReceipt(ctx, as(bob), room, userdata.Read, two, ""))
		w.must(w.SetReceipt(ctx, as(bob), room, userdata.FullyRead, two, ""))
		before := w.db.Committed()
		for range 2 {
			w.must(w.SetReceipt(ctx, as(bob), room, userdata.Read, one, ""))
			w.must(w.SetReceipt(ctx, as(bob), room, userdata.Read, two, "")) // the same again is no change
			w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: one, Read: one}))
			if got := w.receipts(ada, room, before); got != nil {
				w.Errorf("ada hears %q", got)
			}
			if got := w.changes(bob, before); got != nil {
				w.Errorf("bob hears %q", got)
			}
			w.restart()
		}
		three := w.say(ada, room, `{"body":"3"}`)
		w.must(w.SetReceipt(ctx, as(bob), room, userdata.Read, three, ""))
		if got := w.receipts(ada, room, before); !slices.Equal(got, []string{"@bob m.read " + string(three)}) {
			w.Errorf("ada hears %q", got)
		}
	})
}

func TestManyReceiptsAtOnceEndAtTheFurthest(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada)
		var said []id.EventID
		for range 16 {
			said = append(said, w.say(ada, room, `{"body":"x"}`))
		}
		var all sync.WaitGroup
		for _, ev := range said {
			all.Go(func() {
				if err := w.SetReceipt(w.Context(), as(ada), room, userdata.Read, ev, ""); err != nil {
					w.Error(err)
				}
			})
		}
		all.Wait()
		for range 2 { // memory and the database agree
			if got := w.receipts(ada, room, 0); !slices.Equal(got, []string{"@ada m.read " + string(said[15])}) {
				w.Errorf("receipts %q", got)
			}
			w.restart()
		}
	})
}

// A thread in a room: root, reply, a reaction to the reply; and beside it a
// reference to the root, and something of its own.
type thread struct{ root, reply, reaction, reference, other id.EventID }

func (w *world) thread(room id.RoomID) (t thread) {
	t.root = w.say(ada, room, `{"body":"root"}`)
	t.reply = w.inThread(ada, room, t.root)
	t.reaction = w.say(ada, room, `{"m.relates_to":{"rel_type":"m.annotation","event_id":"`+string(t.reply)+`","key":"x"}}`)
	t.reference = w.say(ada, room, `{"m.relates_to":{"rel_type":"m.reference","event_id":"`+string(t.root)+`"}}`)
	t.other = w.say(ada, room, `{"body":"other"}`)
	return t
}

func TestThreadedReceipts(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		th := w.thread(room)
		for _, c := range []struct {
			what   string
			event  id.EventID
			thread id.EventID
			ok     bool
		}{
			{"root in main", th.root, userdata.Main, true},
			{"root in its thread", th.root, th.root, true},
			{"reply in main", th.reply, userdata.Main, false},
			{"reply in its thread", th.reply, th.root, true},
			{"reaction in main", th.reaction, userdata.Main, false},
			{"reaction in the thread of what it is to", th.reaction, th.root, true},
			{"reference in main", th.reference, userdata.Main, true},
			{"reference to the root in its thread", th.reference, th.root, true},
			{"other in main", th.other, userdata.Main, true},
			{"other in the thread", th.other, th.root, false},
			{"root in a thread that is none", th.root, th.other, false},
		} {
			err := w.SetReceipt(w.Context(), as(bob), room, userdata.Read, c.event, c.thread)
			if c.ok && err != nil {
				w.Errorf("%s: %v", c.what, err)
			}
			if !c.ok {
				if !matrix.IsCode(err, matrix.InvalidParam) {
					w.Errorf("%s: %v", c.what, err)
				}
			}
		}
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.Read, th.reply, ""))
		if got := w.receipts(ada, room, 0); !slices.Equal(got, []string{
			"@bob m.read [" + string(th.root) + "] " + string(th.reference),
			"@bob m.read [main] " + string(th.other),
			"@bob m.read " + string(th.reply),
		}) {
			w.Errorf("one receipt for each thread: %q", got)
		}
	})
}

func TestReads(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		th := w.thread(room)
		at := func(ev id.EventID) matrix.Position {
			e, err := w.rooms.Event(w.Context(), ev)
			w.must(err)
			return e.Pos
		}
		check := func(what string, main, thread matrix.Position) {
			w.Helper()
			for range 2 {
				reads, err := w.Reads(w.Context(), bob, room)
				w.must(err)
				if got := reads.Of(userdata.Main); got != main {
					w.Errorf("%s: main read up to %d, want %d", what, got, main)
				}
				if got := reads.Of(th.root); got != thread {
					w.Errorf("%s: thread read up to %d, want %d", what, got, thread)
				}
				w.restart()
			}
		}
		check("at first", 0, 0)
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.Read, th.root, userdata.Main))
		check("main", at(th.root), 0)
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.Read, th.reply, th.root))
		check("both", at(th.root), at(th.reply))
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.ReadPrivate, th.reference, ""))
		check("all, in private", at(th.reference), at(th.reference))
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.Read, th.other, userdata.Main))
		check("main further", at(th.other), at(th.reference))
	})
}

func TestReadMarkers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		room := w.room(ada, bob)
		one, two := w.say(ada, room, `{"body":"1"}`), w.say(ada, room, `{"body":"2"}`)
		before := w.db.Committed()
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: one, Read: two, ReadPrivate: two}))
		if got := w.changes(bob, before); !slices.Equal(got, []string{string(room) + `/m.fully_read {"event_id":"` + string(one) + `"}`}) {
			w.Errorf("account data %q", got)
		}
		if got := w.receipts(bob, room, before); !slices.Equal(got, []string{"@bob m.read " + string(two), "@bob m.read.private " + string(two)}) {
			w.Errorf("receipts %q", got)
		}
		before = w.db.Committed()
		w.refused(w.SetMarkers(ctx, as(bob), room, userdata.Markers{Read: w.say(ada, room, `{}`), FullyRead: "$none"}), matrix.NotFound, 404)
		if got := w.receipts(bob, room, before); got != nil {
			w.Errorf("half of it was done: %q", got)
		}
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{}))
	})
}

func TestReceiptsThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		room, elsewhere := w.room(ada), w.room(ada)
		here, there := w.say(ada, room, `{}`), w.say(ada, elsewhere, `{}`)
		w.refused(w.SetReceipt(ctx, as(ada), room, userdata.Read, there, ""), matrix.NotFound, 404)
		w.refused(w.SetReceipt(ctx, as(ada), room, userdata.Read, "$none", ""), matrix.NotFound, 404)
		w.refused(w.SetReceipt(ctx, as(ada), room, "m.unread", here, ""), matrix.InvalidParam, 400)
		w.refused(w.SetReceipt(ctx, as(ada), room, userdata.FullyRead, here, userdata.Main), matrix.InvalidParam, 400)
		w.refused(w.SetReceipt(ctx, as(bob), room, userdata.Read, here, ""), matrix.Forbidden, 403)
		w.refused(w.SetReceipt(ctx, as(bob), "!none", userdata.Read, here, ""), matrix.Forbidden, 403)
	})
}

func TestReceiptsWake(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob)
		said := w.say(ada, room, `{}`)
		people, own := w.db.Bus().Subscribe(rooms.RoomTopic(room)), w.db.Bus().Subscribe(rooms.UserTopic(bob))
		defer people.Close()
		defer own.Close()
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.ReadPrivate, said, ""))
		<-own.C()
		select {
		case <-people.C():
			w.Error("a private receipt woke the whole room")
		default:
		}
		w.must(w.SetReceipt(w.Context(), as(bob), room, userdata.Read, said, ""))
		<-people.C()
	})
}

func TestTheMarkerIsMovedBack(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		room := w.room(ada, bob)
		one, two := w.say(ada, room, `{}`), w.say(ada, room, `{}`)
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: two, Read: two}))
		at := func(want id.EventID) {
			w.Helper()
			content, err := w.AccountData(ctx, bob, room, userdata.FullyRead)
			w.must(err)
			if string(content) != `{"event_id":"`+string(want)+`"}` {
				w.Errorf("the marker is %s, want %s", content, want)
			}
		}
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: one}))
		at(two)
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: one, Read: one, Backward: true}))
		at(one)
		reads, err := w.Reads(ctx, bob, room)
		w.must(err)
		e, err := w.rooms.Event(ctx, two)
		w.must(err)
		if reads.All < e.Pos {
			w.Errorf("the receipt went back to %d, before %d", reads.All, e.Pos)
		}
		w.must(w.SetMarkers(ctx, as(bob), room, userdata.Markers{FullyRead: two}))
		w.must(w.MoveReceipt(ctx, as(bob), room, userdata.FullyRead, one))
		at(one)
		w.refused(w.MoveReceipt(ctx, as(bob), room, userdata.Read, one), matrix.InvalidParam, 400)
	})
}
