package rooms_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

// BenchmarkSend measures acknowledged messages: built, authorised, signed and
// on disk.
func BenchmarkSend(b *testing.B) {
	for _, engine := range []storage.Engine{storage.SQLite, storage.Postgres} {
		for _, count := range []int{1, 100} {
			for _, senders := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("%s/rooms=%d/senders=%d", engine, count, senders), func(b *testing.B) {
					benchmarkSend(b, storagetest.Open(b, engine), count, senders)
				})
			}
		}
	}
}

func benchmarkSend(b *testing.B, db *storage.DB, count, senders int) {
	log, err := eventlog.New()
	if err != nil {
		b.Fatal(err)
	}
	r, err := rooms.New(db, log, &profiles{names: map[id.UserID]string{}}, rooms.Options{
		ServerName: here, DefaultVersion: "12",
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	list := make([]id.RoomID, count)
	for i := range list {
		if list[i], err = r.Create(ctx, as(ada), rooms.CreateRequest{}); err != nil {
			b.Fatal(err)
		}
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for {
				n := int(next.Add(1))
				if n > b.N {
					return
				}
				if _, err := r.Send(ctx, as(ada), message(list[n%count], "the quick brown fox jumps over the lazy dog", fmt.Sprint("t", n))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
