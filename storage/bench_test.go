package storage_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

// event is what the benchmarks write, in the size and shape of real ones.
type event struct {
	id   []byte
	json []byte
	txn  string
}

func newEvent(n int64) event {
	id := make([]byte, 32)
	rand.Read(id)
	return event{id: id, json: []byte(`{"content":{"body":"` + strings.Repeat("words ", 100) + `"}}`), txn: fmt.Sprint("m", n)}
}

const (
	insertEvent = `INSERT INTO event (pos, room, event_id, type, sender, hidden, json) VALUES ($1, $2, $3, $4, $5, 0, $6)`
	insertTxn   = `INSERT INTO txn (user_nid, device, hash, txn, event, ts) VALUES ($1, $2, $3, $4, $5, $6)`
	upsertState = `INSERT INTO state (room, type, state_key, event, changed, membership) VALUES ($1, $2, $3, $4, $4, 1)
		ON CONFLICT (room, type, state_key) DO UPDATE SET event = excluded.event, changed = excluded.changed`
	insertChange = `INSERT INTO state_change (room, pos, type, state_key, event, prev) VALUES ($1, $2, $3, $4, $2, NULL)`
	upsertMember = `INSERT INTO membership (user_nid, room, membership, prev, event, pos, sender) VALUES ($1, $2, 1, 0, $3, $3, $4)
		ON CONFLICT (user_nid, room) DO UPDATE SET event = excluded.event, pos = excluded.pos`
)

// appendMessage writes a message: two statements.
func appendMessage(ctx context.Context, tx *storage.Tx, n int64, ev event) error {
	pos, sender := tx.Position(), n%1000
	if err := tx.Exec(ctx, insertEvent, pos, n%200, ev.id, 1, sender, ev.json); err != nil {
		return err
	}
	return tx.Exec(ctx, insertTxn, sender, "DEVICE", ev.id[:16], ev.txn, pos, n)
}

// appendJoin writes a join: five statements.
func appendJoin(ctx context.Context, tx *storage.Tx, n int64, ev event) error {
	if err := appendMessage(ctx, tx, n, ev); err != nil {
		return err
	}
	pos, room, user := tx.Position(), n%200, n
	if err := tx.Exec(ctx, upsertState, room, 2, user, pos); err != nil {
		return err
	}
	if err := tx.Exec(ctx, insertChange, room, pos, 2, user); err != nil {
		return err
	}
	return tx.Exec(ctx, upsertMember, user, room, pos, user)
}

func BenchmarkAppendMessage(b *testing.B) { benchmarkAppend(b, appendMessage) }

func BenchmarkAppendJoin(b *testing.B) { benchmarkAppend(b, appendJoin) }

// benchmarkAppend measures durable writes by several writers at once.
func benchmarkAppend(b *testing.B, write func(context.Context, *storage.Tx, int64, event) error) {
	for _, e := range storagetest.Engines {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/writers=%d", e, writers), func(b *testing.B) {
				db := storagetest.Open(b, e)
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range writers {
					wg.Go(func() {
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							ev := newEvent(n)
							err := db.Write(b.Context(), func(tx *storage.Tx) error { return write(b.Context(), tx, n, ev) })
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				s := db.Stats()
				b.ReportMetric(float64(s.Writes)/float64(s.Groups), "writes/commit")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}

// BenchmarkRead measures one row by its key, which is what a cold cache costs.
func BenchmarkRead(b *testing.B) {
	for _, e := range storagetest.Engines {
		for _, readers := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/readers=%d", e, readers), func(b *testing.B) {
				db := storagetest.Open(b, e)
				ctx := b.Context()
				err := db.Write(ctx, func(tx *storage.Tx) error {
					for n := range int64(1000) {
						if err := tx.Exec(ctx, insertEvent, n, 1, newEvent(n).id, 1, 1, newEvent(n).json); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range readers {
					wg.Go(func() {
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							err := db.Read(ctx, func(tx *storage.Tx) error {
								_, _, err := storage.One[[]byte](ctx, tx, `SELECT json FROM event WHERE pos = $1`, n%1000)
								return err
							})
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}
