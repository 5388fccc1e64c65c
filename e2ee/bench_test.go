package e2ee_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// BenchmarkQuery asks for the keys of the 1,000 members of a room.
func BenchmarkQuery(b *testing.B) {
	benchEach(b, func(b *testing.B, h *house) {
		users := map[id.UserID][]id.DeviceID{}
		for n := range 1000 {
			user := id.UserID(fmt.Sprintf("@u%d:one.example", n))
			h.upload(user, "PHONE")
			users[user] = nil
		}
		b.ReportAllocs()
		for b.Loop() {
			if f, err := h.Query(context.Background(), on(ada, "PHONE"), users); err != nil || len(f.Devices) != 1000 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkClaim has 64 people claim one-time keys at once.
func BenchmarkClaim(b *testing.B) {
	benchEach(b, func(b *testing.B, h *house) {
		b.StopTimer()
		for n := 0; n < b.N; n += 1000 {
			user := id.UserID(fmt.Sprintf("@u%d:one.example", n/1000))
			if _, err := h.Upload(context.Background(), on(user, "PHONE"), e2ee.Upload{OneTime: oneTime(0, min(1000, b.N-n))}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		var next atomic.Int64
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
					user := id.UserID(fmt.Sprintf("@u%d:one.example", n/1000))
					got, _, err := h.Claim(context.Background(), on(ada, "PHONE"), e2ee.Claims{user: {"PHONE": "signed_curve25519"}})
					if err != nil || len(got[user]["PHONE"]) != 1 {
						b.Errorf("claim %d: %v, %v", n, got, err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// benchEach runs fn on every engine.
func benchEach(b *testing.B, fn func(b *testing.B, h *house)) {
	for _, engine := range []storage.Engine{storage.SQLite, storage.Postgres} {
		b.Run(engine.String(), func(b *testing.B) {
			h := &house{TB: b, db: storagetest.Open(b, engine), opt: e2ee.Options{ServerName: here, Strangers: true},
				who: &registry{devices: map[id.UserID]map[id.DeviceID]string{}}}
			h.reopen()
			fn(b, h)
		})
	}
}
