package sync_test

import (
	"fmt"
	"slices"
	gosync "sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// lazy is what Element asks for, more or less.
const lazy = `{"room":{"timeline":{"limit":20,"unread_thread_notifications":true},"state":{"lazy_load_members":true}}}`

// live makes n rooms in which ada and a few others talk.
func live(b *testing.B, n int) (*house, []id.RoomID) {
	b.Helper()
	h := open(b, storagetest.Open(b, storage.SQLite))
	list := make([]id.RoomID, n)
	var made gosync.WaitGroup
	for part := range 16 {
		made.Go(func() {
			for i := part; i < n; i += 16 {
				room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", Name: fmt.Sprintf("Room %d", i)})
				for who := range 5 {
					user := id.UserID(fmt.Sprintf("@user%d:%s", who, here))
					h.join(user, room)
					for m := range 6 {
						h.say(user, room, fmt.Sprintf("message %d", m))
					}
				}
				list[i] = room
			}
		})
	}
	made.Wait()
	return h, list
}

// ask is a sync that does not wait. It returns the size of the answer.
func (c *client) bare(b *testing.B) int {
	q := c.query
	q.Since = c.since
	raw, err := c.syncer.Sync(b.Context(), c.who, q)
	if err != nil {
		b.Fatal(err)
	}
	return len(raw)
}

func BenchmarkIdleSync(b *testing.B) {
	for _, n := range []int{20, 200} {
		b.Run(fmt.Sprintf("rooms=%d", n), func(b *testing.B) {
			h, _ := live(b, n)
			c := h.synced(ada, lazy)
			b.ReportAllocs()
			for b.Loop() {
				c.bare(b)
			}
		})
	}
}

func BenchmarkInitialSync(b *testing.B) {
	for _, again := range []string{"warm", "restarted"} {
		b.Run(again, func(b *testing.B) {
			h, _ := live(b, 200)
			if again == "restarted" {
				h.reopen()
			}
			c := h.client(ada, lazy)
			b.ReportMetric(float64(c.bare(b)), "bytes/answer")
			b.ReportAllocs()
			for b.Loop() {
				c.bare(b)
			}
		})
	}
}

// BenchmarkIncrementalSync syncs after one message in one of 500 rooms.
func BenchmarkIncrementalSync(b *testing.B) {
	h, list := live(b, 500)
	c := h.synced(ada, lazy)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		h.say("@user1:"+here, list[i%len(list)], "news")
		b.StartTimer()
		c.bare(b)
		b.StopTimer()
		c.sync()
		b.StartTimer()
	}
}

// BenchmarkFanOut says something in a room where 1,000 devices wait, and
// reports when the last one has it.
func BenchmarkFanOut(b *testing.B) {
	const n = 1000
	h := open(b, storagetest.Open(b, storage.SQLite))
	room := h.public(ada)
	devices := make([]*client, n)
	for i := range devices {
		user := id.UserID(fmt.Sprintf("@user%d:%s", i, here))
		h.join(user, room)
		devices[i] = h.client(user, lazy)
	}
	for _, c := range devices {
		c.sync()
	}
	var mu gosync.Mutex
	var late []time.Duration
	for b.Loop() {
		var all gosync.WaitGroup
		var said time.Time
		start := make(chan struct{})
		for _, c := range devices {
			all.Go(func() {
				<-start
				a, err := c.ask(b.Context(), long)
				if err != nil {
					b.Error(err)
				}
				took := time.Since(said)
				c.since = a.Get("next_batch").Str
				mu.Lock()
				late = append(late, took)
				mu.Unlock()
			})
		}
		said = time.Now()
		close(start)
		h.say(ada, room, "hello")
		all.Wait()
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(len(late)), "µs/delivery")
}
