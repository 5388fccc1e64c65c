package storage_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// A follower that reads everything after its cursor must never miss what is
// committed later: so positions come into sight in their own order.
func TestPositionsFollowCommits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		const writers, writes = 8, 40
		var wg sync.WaitGroup
		var done atomic.Bool
		for w := range writers {
			wg.Go(func() {
				for n := range writes {
					var pos matrix.Position
					err := db.Write(t.Context(), func(tx *storage.Tx) error {
						pos = tx.Position()
						if n%7 == 3 {
							return errOwn // a gap among the positions
						}
						return tx.Exec(t.Context(), `INSERT INTO thing (pos, name) VALUES ($1, $2)`, pos, fmt.Sprint(w, " ", n))
					})
					if n%7 == 3 {
						if !errors.Is(err, errOwn) {
							t.Errorf("want the function's own error, got %v", err)
						}
						continue
					}
					if err != nil || db.Committed() < pos {
						t.Errorf("error %v, committed %d, own position %d", err, db.Committed(), pos)
					}
				}
			})
		}
		go func() { wg.Wait(); done.Store(true) }()
		var cursor matrix.Position
		found := 0
		for last := false; !last; {
			last = done.Load()
			news := query[matrix.Position](t, db, `SELECT pos FROM thing WHERE pos > $1 ORDER BY pos`, cursor)
			if found += len(news); len(news) > 0 {
				cursor = news[len(news)-1]
			}
		}
		if want := writers * (writes - 6); found != want {
			t.Errorf("the follower saw %d of %d", found, want)
		}
	})
}

func TestPositionsGoOnAfterReopening(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			var last matrix.Position
			for range 3 {
				db := storagetest.Reopen(t, cfg)
				if db.Committed() != last {
					t.Errorf("opened at %d, closed at %d", db.Committed(), last)
				}
				write(t, db, func(_ context.Context, tx *storage.Tx) error {
					last = tx.Position()
					return nil
				})
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if last != 3 {
				t.Errorf("want position 3, got %d", last)
			}
		})
	}
}

func TestErrorUndoesOnlyItsOwnWrites(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx, before := t.Context(), db.Stats()
		errs := together(t, db,
			adding(ctx, "first"),
			func(tx *storage.Tx) error { return errors.Join(add(ctx, tx, "never"), errOwn) },
			adding(ctx, "second"))
		if errs[0] != nil || !errors.Is(errs[1], errOwn) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
		if got := things(t, db); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("got %q", got)
		}
		if after := db.Stats(); after.Groups != before.Groups+2 || after.Writes != before.Writes+3 || after.Failures != before.Failures+1 {
			t.Errorf("before %+v, after %+v: want one more group for the writes, and one that held them", before, after)
		}
	})
}

// What nobody has seen yet need not run again.
func TestErrorBeforeWritingDisturbsNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx, runs := t.Context(), 0
		errs := together(t, db,
			func(tx *storage.Tx) error { runs++; return add(ctx, tx, "first") },
			func(tx *storage.Tx) error {
				if _, found, err := storage.One[int64](ctx, tx, `SELECT pos FROM thing WHERE name = $1`, "first"); err != nil || !found {
					t.Errorf("the second member does not see the first: %v, %v", found, err)
				}
				return errOwn
			},
			adding(ctx, "second"))
		if errs[0] != nil || !errors.Is(errs[1], errOwn) || errs[2] != nil || runs != 1 {
			t.Errorf("got %v, the first ran %d times", errs, runs)
		}
		if got := things(t, db); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("got %q", got)
		}
	})
}

// Then what it wrote has reached the engine already.
func TestErrorAfterReadingOwnWrites(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		errs := together(t, db, adding(ctx, "first"), func(tx *storage.Tx) error {
			if err := add(ctx, tx, "never"); err != nil {
				return err
			}
			if _, found, err := storage.One[int64](ctx, tx, `SELECT pos FROM thing WHERE name = $1`, "never"); err != nil || !found {
				t.Errorf("a write is not seen by its own function: %v, %v", found, err)
			}
			return errors.Join(add(ctx, tx, "never either"), errOwn)
		}, func(tx *storage.Tx) error {
			_, err := storage.Select[int64](ctx, tx, `INSERT INTO thing (pos, name) VALUES ($1, $2) RETURNING pos`, tx.Position(), "nor this")
			return errors.Join(err, errOwn)
		}, adding(ctx, "second"))
		if errs[0] != nil || !errors.Is(errs[1], errOwn) || !errors.Is(errs[2], errOwn) || errs[3] != nil {
			t.Errorf("got %v", errs)
		}
		if got := things(t, db); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("got %q", got)
		}
	})
}

// On PostgreSQL the statement of the second member fails only with the commit
// of all, and has to be told from those of the others.
func TestConflictFailsWhoeverMadeIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		errs := together(t, db, adding(ctx, "a"), adding(ctx, "b"), adding(ctx, "a"), adding(ctx, "c"), adding(ctx, "b"))
		for i, conflict := range []bool{false, false, true, false, true} {
			if errors.Is(errs[i], storage.ErrConflict) != conflict || !conflict && errs[i] != nil {
				t.Errorf("member %d: %v", i, errs[i])
			}
		}
		if got := things(t, db); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("got %q", got)
		}
	})
}

// The failure of a queued statement comes up in a query of somebody else.
func TestConflictBeforeAnothersQuery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		errs := together(t, db, adding(ctx, "a"), adding(ctx, "a"), func(tx *storage.Tx) error {
			n, _, err := storage.One[int64](ctx, tx, `SELECT count(*) FROM thing`)
			if err != nil {
				return err
			}
			return add(ctx, tx, fmt.Sprint("after ", n))
		})
		if errs[0] != nil || !errors.Is(errs[1], storage.ErrConflict) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
		if got := things(t, db); !slices.Equal(got, []string{"a", "after 1"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestGroupFullOfFailures(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		var fns []func(*storage.Tx) error
		for n := range 40 { // every fourth name comes twice
			fns = append(fns, adding(ctx, fmt.Sprint("name ", n)))
			if n%4 == 0 {
				fns = append(fns, adding(ctx, fmt.Sprint("name ", n)))
			}
		}
		conflicts := 0
		for _, err := range together(t, db, fns...) {
			if errors.Is(err, storage.ErrConflict) {
				conflicts++
			} else if err != nil {
				t.Error(err)
			}
		}
		if got := things(t, db); conflicts != 10 || len(got) != 40 {
			t.Errorf("%d conflicts, %d things", conflicts, len(got))
		}
	})
}

func TestConflictWithoutGroup(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "a") })
		if err := db.Write(t.Context(), adding(t.Context(), "a")); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("got %v", err)
		}
	})
}

// A statement that failed fails the function, whatever that makes of it.
func TestFailureCannotBeSwallowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		err := db.Write(t.Context(), func(tx *storage.Tx) error {
			if err := add(t.Context(), tx, "before"); err != nil {
				return err
			}
			_ = tx.Exec(t.Context(), `INSERT INTO nowhere VALUES (1)`)
			return nil
		})
		if err == nil || len(things(t, db)) != 0 {
			t.Errorf("error %v, things %q", err, things(t, db))
		}
	})
}

func TestPanicFailsOnlyItsFunction(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		errs := together(t, db, adding(ctx, "a"), func(tx *storage.Tx) error {
			return storage.Each(ctx, tx, func(string) error { panic("in the middle of rows") }, `SELECT name FROM thing`)
		}, adding(ctx, "b"))
		if errs[0] != nil || errs[1] == nil || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
		if got := things(t, db); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("got %q", got)
		}
	})
}

// A test that fails inside of Write ends the writer's goroutine.
func TestWriterOutlivesItsGoroutine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		errs := together(t, db, func(tx *storage.Tx) error {
			_ = add(t.Context(), tx, "never")
			runtime.Goexit()
			return nil
		})
		if errs[0] == nil {
			t.Error("the write was acknowledged")
		}
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "afterwards") })
		if got := things(t, db); !slices.Equal(got, []string{"afterwards"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestManyStatementsInOneWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		const n = 5000 // more than is queued on PostgreSQL before it is sent
		insert := func(tx *storage.Tx, name func(int) string) error {
			for i := range n {
				if err := add(t.Context(), tx, name(i)); err != nil {
					return err
				}
			}
			return nil
		}
		long := strings.Repeat("x", 500)
		write(t, db, func(_ context.Context, tx *storage.Tx) error {
			return insert(tx, func(i int) string { return fmt.Sprint(i, long) })
		})
		err := db.Write(t.Context(), func(tx *storage.Tx) error {
			return insert(tx, func(i int) string { return fmt.Sprint("again", i%(n-1), long) })
		})
		if !errors.Is(err, storage.ErrConflict) {
			t.Errorf("got %v", err)
		}
		if got := query[int64](t, db, `SELECT count(*) FROM thing`); got[0] != n {
			t.Errorf("%d things", got[0])
		}
	})
}

func TestWakeUpsComeAfterTheCommit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		sub, other := db.Bus().Subscribe("topic"), db.Bus().Subscribe("failed")
		defer sub.Close()
		defer other.Close()
		seen := make(chan []string)
		go func() {
			<-sub.C()
			seen <- things(t, db)
		}()
		errs := together(t, db, func(tx *storage.Tx) error {
			tx.Wake("topic")
			return add(ctx, tx, "a")
		}, func(tx *storage.Tx) error {
			tx.Wake("failed")
			return errors.Join(add(ctx, tx, "b"), errOwn)
		})
		if errs[0] != nil || errs[1] == nil {
			t.Fatal(errs)
		}
		if got := <-seen; !slices.Equal(got, []string{"a"}) {
			t.Errorf("whoever was woken saw %q", got)
		}
		select {
		case <-other.C():
			t.Error("a write that failed woke somebody")
		default:
		}
	})
}

func TestOnCommitRunsInOrderBeforeAnybodyIsTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		var ran []string
		sub := db.Bus().Subscribe("topic")
		defer sub.Close()
		member := func(name string, err error) func(*storage.Tx) error {
			return func(tx *storage.Tx) error {
				pos := tx.Position()
				tx.Wake("topic")
				tx.OnCommit(func() {
					ran = append(ran, name)
					select {
					case <-sub.C():
						t.Errorf("%s: the topic was told first", name)
					default:
					}
					if db.Committed() >= pos {
						t.Errorf("%s: committed before memory is in step", name)
					}
				})
				return errors.Join(tx.Exec(ctx, `INSERT INTO thing (pos, name) VALUES ($1, $2)`, pos, name), err)
			}
		}
		together(t, db, member("a", nil), member("b", errOwn), member("c", nil), func(tx *storage.Tx) error {
			tx.OnCommit(func() { panic("in a hook") })
			tx.OnCommit(func() { ran = append(ran, "d") })
			return nil
		})
		if !slices.Equal(ran, []string{"a", "c", "d"}) {
			t.Errorf("ran %q", ran)
		}
	})
}

func TestEndedContextStopsAWriteThatHasNotBegun(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		var waiting error
		together(t, db, func(*storage.Tx) error {
			// The writer is busy with this one.
			go cancel()
			waiting = db.Write(ctx, adding(ctx, "never"))
			return nil
		})
		if !errors.Is(waiting, context.Canceled) {
			t.Errorf("got %v", waiting)
		}
		if err := db.Write(ctx, adding(ctx, "never")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := things(t, db); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
}

func TestCloseFinishesWhatWasSubmitted(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			db := storagetest.Reopen(t, cfg)
			makeThings(t, db)
			var wg sync.WaitGroup
			var acknowledged, refused atomic.Int64
			busy := make(chan struct{})
			begun := sync.OnceFunc(func() { close(busy) })
			for w := range 8 {
				wg.Go(func() {
					for n := 0; ; n++ {
						err := db.Write(context.Background(), adding(context.Background(), fmt.Sprint(w, " ", n)))
						if errors.Is(err, storage.ErrClosed) {
							refused.Add(1)
							return
						}
						if err != nil {
							t.Error(err)
							return
						}
						if acknowledged.Add(1) == 20 {
							begun()
						}
					}
				})
			}
			<-busy
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			wg.Wait()
			if err := db.Read(context.Background(), func(*storage.Tx) error { return nil }); !errors.Is(err, storage.ErrClosed) {
				t.Errorf("read after Close: %v", err)
			}
			got := things(t, storagetest.Reopen(t, cfg))
			if int64(len(got)) != acknowledged.Load() || refused.Load() != 8 {
				t.Errorf("%d writes acknowledged, %d there, %d writers refused", acknowledged.Load(), len(got), refused.Load())
			}
		})
	}
}
