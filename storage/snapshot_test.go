package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"plenum/storage"
)

func TestSnapshotIsOneMomentHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "before") })
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *storage.Tx) error {
			for n := range 3 {
				seen := 0
				err := storage.EachRow(ctx, tx, func(storage.Row) error {
					seen++
					return nil
				}, `SELECT name FROM thing`)
				if err != nil || seen != 1 {
					t.Errorf("it sees %d things, %v", seen, err)
				}
				write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, fmt.Sprint(n)) })
				if got := things(t, db); len(got) != n+2 {
					t.Errorf("others see %q", got)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSnapshotRefusesToWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *storage.Tx) error {
			_ = tx.Exec(ctx, `DELETE FROM thing`)
			return nil
		})
		if err == nil {
			t.Error("it wrote")
		}
	})
}

func TestCloseEndsASnapshot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		begun, ended := make(chan struct{}), make(chan error)
		go func() {
			ended <- db.Snapshot(t.Context(), func(ctx context.Context, tx *storage.Tx) error {
				close(begun)
				<-ctx.Done()
				return ctx.Err()
			})
		}()
		<-begun
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		if err := db.Snapshot(t.Context(), nil); !errors.Is(err, storage.ErrClosed) {
			t.Errorf("after closing: %v", err)
		}
	})
}

func TestRowsOfAnyShape(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(
				tx.Exec(ctx, `CREATE TABLE anything (a BIGINT, b TEXT, c {bytes}, d DOUBLE PRECISION)`),
				tx.Exec(ctx, `INSERT INTO anything VALUES ($1, $2, $3, $4)`, int64(-7), "tëxt", []byte{0, 255}, 1.5),
				tx.Exec(ctx, `INSERT INTO anything VALUES ($1, $2, $3, $4)`, nil, "", []byte{}, nil))
		})
		var got []string
		read := func(ctx context.Context, tx *storage.Tx) error {
			return storage.EachRow(ctx, tx, func(r storage.Row) error {
				s := ""
				for i := range r.Len() {
					switch r.Kind(i) {
					case storage.Integer:
						s += fmt.Sprint("i", r.Int(i), " ")
					case storage.Float:
						s += fmt.Sprint("f", r.Float(i), " ")
					case storage.Text, storage.Bytes:
						s += fmt.Sprintf("%d:%x(%d) ", r.Kind(i), r.Append(nil, i), r.Size(i))
					case storage.Null:
						s += "- "
					}
				}
				got = append(got, s)
				return nil
			}, `SELECT a, b, c, d FROM anything ORDER BY a IS NULL`)
		}
		if err := db.Snapshot(ctx, read); err != nil {
			t.Fatal(err)
		}
		want := []string{
			fmt.Sprintf("i-7 %d:74c3ab7874(5) %d:00ff(2) f1.5 ", storage.Text, storage.Bytes),
			fmt.Sprintf("- %d:(0) %d:(0) - ", storage.Text, storage.Bytes),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A function that wants no more of a large answer is not made to wait for it.
func TestSnapshotGivesUpInTheMiddle(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *storage.Tx) error {
			return storage.EachRow(ctx, tx, func(storage.Row) error { return errOwn }, `WITH RECURSIVE many(n) AS
				(SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 1000000000) SELECT n FROM many`)
		})
		if !errors.Is(err, errOwn) {
			t.Errorf("got %v", err)
		}
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "after") })
	})
}
