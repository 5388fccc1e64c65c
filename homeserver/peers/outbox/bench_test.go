package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers/outbox"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// sink takes everything as soon as it is open, and looks at nothing.
type sink struct {
	closed atomic.Bool
	txns   atomic.Int64
}

func (s *sink) Send(context.Context, string, string, []byte) (map[id.EventID]string, error) {
	if s.closed.Load() {
		return nil, errDown
	}
	s.txns.Add(1)
	return nil, nil
}

func (s *sink) Until(string) time.Time {
	if s.closed.Load() {
		return time.Now().Add(time.Hour)
	}
	return time.Time{}
}

// BenchmarkDrain measures how long it takes until 50 servers have what was said
// while they were away, in 20 rooms that all of them are in: with the queue as
// it is, of which they get the newest of each room, and with one that keeps
// every event.
func BenchmarkDrain(b *testing.B) {
	for _, c := range []struct {
		name   string
		events int
		opt    outbox.Options
	}{
		{"newest", 100_000, outbox.Options{}},
		{"all", 10_000, outbox.Options{MaxQueue: 1 << 30, MaxRefs: 1 << 30}},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.events), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				drain(b, c.events, c.opt)
				b.StartTimer()
			}
		})
	}
}

func drain(b *testing.B, events int, opt outbox.Options) {
	out := &sink{}
	o := openTo(b, storagetest.Open(b, storage.SQLite), opt, out)
	var servers []string
	for n := range 50 {
		servers = append(servers, fmt.Sprintf("s%d.example", n))
	}
	var all []id.RoomID
	for range 20 {
		all = append(all, o.room(servers...))
	}
	out.closed.Store(true)
	began := time.Now()
	for n := range events {
		o.say(all[n%len(all)], "meanwhile")
	}
	said := time.Since(began)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for o.Stats().Away < len(servers) {
		<-look.C
	}
	before, waiting := o.Stats(), o.Stats().Waiting
	out.closed.Store(false)
	b.StartTimer()
	began = time.Now()
	o.db.Bus().Tell("awake")
	for o.Stats().Waiting > 0 {
		<-look.C
	}
	took := time.Since(began)
	b.StopTimer()
	sent := o.Stats().Events - before.Events
	b.ReportMetric(float64(waiting), "waiting")
	b.ReportMetric(float64(sent), "events-sent")
	b.ReportMetric(float64(out.txns.Load()), "transactions")
	b.ReportMetric(took.Seconds()*1000, "ms-to-drain")
	b.ReportMetric(float64(sent)/took.Seconds(), "events-sent/s")
	b.ReportMetric(float64(said.Microseconds())/float64(events), "µs/event-while-away")
	o.stop()
}
