package delayed_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/delayed"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
)

// people are accounts that are all well, but for those who are suspended.
type people struct{ suspended atomic.Bool }

func (*people) MemberProfile(context.Context, id.UserID) (string, string, error) { return "", "", nil }

func (p *people) Known(_ context.Context, user id.UserID) (accounts.Account, bool, error) {
	return accounts.Account{User: user, Suspended: p.suspended.Load()}, true, nil
}

// world is a server whose clock stands still unless it is told to go on.
type world struct {
	testing.TB
	*delayed.Events
	people people
	db     *storage.DB
	rooms  *rooms.Rooms
	ms     atomic.Int64
	opt    delayed.Options
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(open(t, db)) })
}

func open(t testing.TB, db *storage.DB) *world {
	t.Helper()
	w := &world{TB: t, db: db}
	w.ms.Store(1_700_000_000_000)
	w.opt = delayed.Options{MaxScheduled: 10_000, Now: w.now}
	w.start()
	return w
}

func (w *world) now() time.Time { return time.UnixMilli(w.ms.Load()) }

// start throws away what is in memory, as a crash does.
func (w *world) start() {
	w.Helper()
	log, err := eventlog.New()
	w.must(err)
	quiet := slog.New(slog.DiscardHandler)
	w.rooms, err = rooms.New(w.db, log, &w.people, rooms.Options{
		ServerName: here, DefaultVersion: "12", Now: w.now,
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet)
	w.must(err)
	w.Events, err = delayed.New(w.Context(), w.db, w.rooms, &w.people, w.opt, quiet)
	w.must(err)
}

// run lets the server run until done, and stops it in order.
func (w *world) run(done func() bool) {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	w.wait(done)
	stop()
	w.must(<-ended)
}

// wait looks again after every event in any room, and otherwise often.
func (w *world) wait(done func() bool) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(end) {
			w.Fatal("waited in vain")
		}
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func principal() matrix.Principal { return matrix.Principal{User: ada, Device: "PHONE"} }

func (w *world) room() id.RoomID {
	w.Helper()
	room, err := w.rooms.Create(w.Context(), principal(), rooms.CreateRequest{Preset: "public_chat"})
	w.must(err)
	return room
}

// later schedules a message.
func (w *world) later(room id.RoomID, text string, ms int64) string {
	w.Helper()
	delayID, err := w.Schedule(w.Context(), principal(), delayed.Request{
		Room: room, Type: "m.room.message", Content: json.RawMessage(fmt.Sprintf(`{"body":%q}`, text)), Delay: ms,
	})
	w.must(err)
	return delayID
}

// said is the texts of the messages in a room, the oldest first.
func (w *world) said(room id.RoomID) (out []string) {
	w.Helper()
	w.must(w.db.Write(w.Context(), func(*storage.Tx) error { return nil })) // what was on its way is there
	rm, err := w.rooms.Room(w.Context(), room)
	w.must(err)
	evs, _, err := rm.Timeline(w.Context(), 0, w.db.Committed(), 1000)
	w.must(err)
	for _, e := range evs {
		if e.Type == "m.room.message" {
			out = append(out, e.Content().Get("body").Str)
		}
	}
	return out
}

func (w *world) restart(delayID string) {
	w.Helper()
	w.must(w.Do(w.Context(), matrix.Principal{}, delayID, delayed.Restart))
}

// waiting is how many events are scheduled.
func (w *world) waiting() int {
	w.Helper()
	list, err := w.List(w.Context(), principal())
	w.must(err)
	return len(list)
}

func TestWhatWasDueWhileTheServerWasDown(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		one, two := w.room(), w.room()
		var want []string
		for i := range 50 { // in another order than that of scheduling
			room := []id.RoomID{one, two}[i%2]
			w.later(room, strconv.Itoa((i*37)%50), int64(1000+(i*37)%50))
		}
		w.later(one, "tomorrow", 80_000_000)
		for i := range 50 {
			want = append(want, strconv.Itoa(i))
		}
		w.ms.Add(10_000)
		w.start()
		w.run(func() bool { return w.waiting() == 1 })
		for _, room := range []id.RoomID{one, two} {
			said := w.said(room)
			sorted := slices.Clone(said)
			slices.SortFunc(sorted, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
			if len(said) != 25 || !slices.Equal(said, sorted) {
				w.Errorf("said %v, want 25 in order", said)
			}
		}
		w.start()
		w.run(func() bool { return w.waiting() == 1 })
		if n := len(w.said(one)) + len(w.said(two)); n != 50 {
			w.Errorf("%d messages after another start, want 50", n)
		}
	})
}

// TestPuttingOffIsCheap: hardly any restart is written, and still a crash
// never makes an event come too soon, nor more than half a minute too late.
func TestPuttingOffIsCheap(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room()
		leave := w.later(room, "left", 18_000)
		before := w.db.Stats().Writes
		for range 100 {
			w.ms.Add(4000)
			w.restart(leave)
		}
		if n := w.db.Stats().Writes - before; n > 15 {
			w.Errorf("%d writes for 100 restarts in 400 s", n)
		}
		restarted := w.ms.Load()
		list, err := w.List(w.Context(), principal())
		w.must(err)
		if len(list) != 1 || list[0].Scheduled != restarted {
			w.Errorf("scheduled %+v, want at %d", list, restarted)
		}

		w.start() // a crash
		w.ms.Store(restarted + 17_999)
		w.run(func() bool { return true })
		if said := w.said(room); len(said) != 0 {
			w.Errorf("said %v too soon", said)
		}
		w.start()
		w.ms.Store(restarted + 18_000 + 30_000)
		w.run(func() bool { return w.waiting() == 0 })
		if said := w.said(room); len(said) != 1 {
			w.Errorf("said %v, want what was due", said)
		}
	})
}

// TestAnOrderlyStopIsExact: a server that is stopped loses no time.
func TestAnOrderlyStopIsExact(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room()
		leave := w.later(room, "left", 18_000)
		w.ms.Add(4000)
		w.restart(leave)
		w.ms.Add(4000)
		w.restart(leave)
		w.run(func() bool { return true })
		w.start()
		w.ms.Add(17_999)
		w.run(func() bool { return true })
		if said := w.said(room); len(said) != 0 {
			w.Errorf("said %v too soon", said)
		}
		w.start()
		w.ms.Add(1)
		w.run(func() bool { return w.waiting() == 0 })
		if said := w.said(room); len(said) != 1 {
			w.Errorf("said %v, want what is due", said)
		}
	})
}

// TestSentOrCancelled: whoever comes first of a timer, a client that says "now"
// and one that cancels, an event is sent once or not at all, and everybody is
// told the same.
func TestSentOrCancelled(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room()
		const n = 40
		var ids []string
		for i := range n {
			ids = append(ids, w.later(room, strconv.Itoa(i), 1000))
		}
		ctx, stop := context.WithCancel(w.Context())
		ended := make(chan error, 1)
		w.ms.Add(1000)
		go func() { ended <- w.Run(ctx) }()
		var racing sync.WaitGroup
		cancelled := make([]bool, n)
		for i, delayID := range ids {
			racing.Go(func() {
				cancelled[i] = w.Do(w.Context(), matrix.Principal{}, delayID, delayed.Cancel) == nil
			})
			racing.Go(func() {
				err := w.Do(w.Context(), matrix.Principal{}, delayID, delayed.Send)
				if err != nil && !delayed.IsSettled(err) {
					w.Error(err)
				}
			})
		}
		racing.Wait()
		w.wait(func() bool { return w.waiting() == 0 })
		stop()
		w.must(<-ended)
		said := w.said(room)
		for i := range n {
			count := 0
			for _, text := range said {
				if text == strconv.Itoa(i) {
					count++
				}
			}
			info, err := w.Get(w.Context(), principal(), ids[i])
			w.must(err)
			if want := map[bool]int{true: 0, false: 1}[cancelled[i]]; count != want || (info.Event == "") != cancelled[i] {
				w.Errorf("message %d was said %d times, cancelled %v, known as %+v", i, count, cancelled[i], info)
			}
		}
	})
}

func TestWhoIsSuspendedWhenItIsDue(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room()
		delayID := w.later(room, "spam", 1000)
		w.people.suspended.Store(true)
		w.ms.Add(1000)
		w.run(func() bool { return w.waiting() == 0 })
		info, err := w.Get(w.Context(), principal(), delayID)
		w.must(err)
		if code := gjson.GetBytes(info.Error, "errcode").Str; code != "M_USER_SUSPENDED" || info.Event != "" || len(w.said(room)) != 0 {
			w.Errorf("became %+v", info)
		}
	})
}

// TestStateThatIsLikeThatAlready is sent without anything new in the room.
func TestStateThatIsLikeThatAlready(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room, key := w.room(), ""
		draft := rooms.Draft{Room: room, Type: "m.room.topic", StateKey: &key, Content: json.RawMessage(`{"topic":"x"}`)}
		there, err := w.rooms.Send(w.Context(), principal(), draft)
		w.must(err)
		delayID, err := w.Schedule(w.Context(), principal(), delayed.Request{Room: room, Type: draft.Type, StateKey: &key, Content: draft.Content, Delay: 1})
		w.must(err)
		w.ms.Add(1)
		w.run(func() bool { return w.waiting() == 0 })
		info, err := w.Get(w.Context(), principal(), delayID)
		w.must(err)
		if info.Event != there || info.Finalised == 0 {
			w.Errorf("became %+v, want %s", info, there)
		}
	})
}

func TestAnAccountThatIsClosedSendsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room()
		delayID := w.later(room, "x", 1000)
		w.must(w.Gone(w.Context(), ada, false))
		w.ms.Add(1000)
		w.run(func() bool { return true })
		if _, err := w.Get(w.Context(), principal(), delayID); !matrix.IsCode(err, matrix.NotFound) {
			w.Errorf("got %v, want M_NOT_FOUND", err)
		}
		if said := w.said(room); len(said) != 0 {
			w.Errorf("said %v", said)
		}
	})
}

// BenchmarkRestart is what a call costs the server: every client puts off that
// it leaves every few seconds. The clock goes on by four seconds each time.
func BenchmarkRestart(b *testing.B) {
	for _, e := range storagetest.Engines {
		b.Run(e.String(), func(b *testing.B) {
			w := open(b, storagetest.Open(b, e))
			room := w.room()
			var ids []string
			for range 1000 {
				ids = append(ids, w.later(room, "left", 18_000))
			}
			before := w.db.Stats().Writes
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				if i%len(ids) == 0 {
					w.ms.Add(4000)
				}
				w.restart(ids[i%len(ids)])
			}
			b.ReportMetric(float64(w.db.Stats().Writes-before)/float64(b.N), "writes/op")
		})
	}
}

// BenchmarkOverdue is a start with a thousand events that are due.
func BenchmarkOverdue(b *testing.B) {
	w := open(b, storagetest.Open(b, storage.SQLite))
	room := w.room()
	for b.Loop() {
		b.StopTimer()
		for i := range 1000 {
			w.later(room, strconv.Itoa(i), 1000)
		}
		w.ms.Add(1000)
		w.start()
		b.StartTimer()
		w.run(func() bool { return w.waiting() == 0 })
	}
}
