package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestReadSeesOneMoment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		count := func(tx *storage.Tx) int64 {
			n, _, err := storage.One[int64](ctx, tx, `SELECT count(*) FROM thing`)
			if err != nil {
				t.Error(err)
			}
			return n
		}
		err := db.Read(ctx, func(tx *storage.Tx) error {
			before := count(tx)
			write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "a") })
			if after := count(tx); before != 0 || after != 0 {
				t.Errorf("%d things, and %d after a write of somebody else", before, after)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if got := things(t, db); len(got) != 1 {
			t.Errorf("the next transaction sees %q", got)
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		for name, fn := range map[string]func(*storage.Tx) error{
			"exec":   func(tx *storage.Tx) error { return tx.Exec(t.Context(), `DELETE FROM thing`) },
			"ignore": func(tx *storage.Tx) error { _ = tx.Exec(t.Context(), `DELETE FROM thing`); return nil },
			"query": func(tx *storage.Tx) error {
				_, err := storage.Select[int64](t.Context(), tx, `INSERT INTO thing VALUES (1, 'a') RETURNING pos`)
				return err
			},
			"position": func(tx *storage.Tx) error { tx.Position(); return nil },
		} {
			if err := db.Read(t.Context(), fn); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func TestNoStatementBetweenRows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "a") })
		nested := func(tx *storage.Tx) error {
			return storage.Each(t.Context(), tx, func(string) error {
				_, _, _ = storage.One[int64](t.Context(), tx, `SELECT 1`)
				return nil
			}, `SELECT name FROM thing`)
		}
		if err := db.Read(t.Context(), nested); err == nil {
			t.Error("Read: no error")
		}
		if err := db.Write(t.Context(), nested); err == nil {
			t.Error("Write: no error")
		}
		if got := things(t, db); len(got) != 1 {
			t.Errorf("afterwards: %q", got)
		}
	})
}

func TestRowsEndWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i := range 3000 {
				if err := add(ctx, tx, fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		err := db.Read(ctx, func(tx *storage.Tx) error {
			first, found, err := storage.One[string](ctx, tx, `SELECT name FROM thing ORDER BY pos`)
			if err != nil || !found || first != "0" {
				t.Errorf("One: %q, %v, %v", first, found, err)
			}
			_, found, err = storage.One[string](ctx, tx, `SELECT name FROM thing WHERE pos < 0`)
			if err != nil || found {
				t.Errorf("One without rows: %v, %v", found, err)
			}
			n := 0
			err = storage.Each(ctx, tx, func(string) error {
				if n++; n == 5 {
					return errOwn
				}
				return nil
			}, `SELECT name FROM thing ORDER BY pos`)
			if !errors.Is(err, errOwn) || n != 5 {
				t.Errorf("Each: %v after %d rows", err, n)
			}
			all, err := storage.Select[string](ctx, tx, `SELECT name FROM thing`)
			if err != nil || len(all) != 3000 {
				t.Errorf("Select: %d rows, %v", len(all), err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// What a function does with an error of its own is its affair.
func TestFailedStatementEndsARead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		err := db.Read(t.Context(), func(tx *storage.Tx) error {
			_, _ = storage.Select[int64](t.Context(), tx, `SELECT pos FROM nowhere`)
			return nil
		})
		if err == nil {
			t.Error("no error")
		}
		for range 8 { // every connection is sound afterwards
			if got := things(t, db); len(got) != 0 {
				t.Errorf("got %q", got)
			}
		}
	})
}

func TestReadsShareFewConnections(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			cfg.MaxConns = 2
			db := storagetest.Reopen(t, cfg)
			var wg sync.WaitGroup
			free := make(chan struct{})
			inside := make(chan struct{}, 2)
			for range 2 {
				wg.Go(func() {
					if err := db.Read(t.Context(), func(*storage.Tx) error { inside <- struct{}{}; <-free; return nil }); err != nil {
						t.Error(err)
					}
				})
			}
			<-inside
			<-inside
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			err := db.Read(ctx, func(*storage.Tx) error { t.Error("a third one reads"); return nil })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			close(free)
			wg.Wait()
			if got := query[int64](t, db, `SELECT 1`); !slices.Equal(got, []int64{1}) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestEndedContextEndsARead(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(add(ctx, tx, "a"), add(ctx, tx, "b"))
		})
		ctx, cancel := context.WithCancel(t.Context())
		rows := 0
		err := db.Read(ctx, func(tx *storage.Tx) error {
			return storage.Each(ctx, tx, func(string) error { rows++; cancel(); return nil }, `SELECT name FROM thing`)
		})
		if !errors.Is(err, context.Canceled) || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		if got := things(t, db); len(got) != 2 {
			t.Errorf("afterwards: %q", got)
		}
	})
}

// More statements than an engine keeps prepared, in one transaction and in
// many.
func TestMoreStatementsThanAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		numbers := func(tx *storage.Tx) error {
			for i := range 2100 {
				n, _, err := storage.One[int64](t.Context(), tx, fmt.Sprintf(`SELECT %d`, i))
				if err != nil || n != int64(i) {
					return fmt.Errorf("%d: %w", n, err)
				}
			}
			return nil
		}
		if err := db.Write(t.Context(), numbers); err != nil {
			t.Error(err)
		}
		if err := db.Write(t.Context(), func(tx *storage.Tx) error { return errors.Join(add(t.Context(), tx, "a"), numbers(tx)) }); err != nil {
			t.Error(err)
		}
		if got := things(t, db); len(got) != 1 {
			t.Errorf("got %q", got)
		}
	})
}
