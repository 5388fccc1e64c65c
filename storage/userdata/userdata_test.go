package userdata_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
	"plenum/storage/userdata"
)

const (
	ada = id.UserID("@ada:one.example")
	bob = id.UserID("@bob:one.example")
)

// write runs fn in a transaction of its own.
func write(t *testing.T, db *storage.DB, fn func(tx *storage.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestReceiptsStayWhenTheyWouldMoveBackwards(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for i, event := range []matrix.Position{5, 3, 5, 9} {
			write(t, db, func(tx *storage.Tx) error {
				return userdata.PutReceipt(t.Context(), tx, "!r", &userdata.Receipt{
					User: ada, Event: id.EventID(fmt.Sprintf("$%d-%d", event, i)), EventPos: event, TS: int64(i), Pos: tx.Position(),
				})
			})
		}
		write(t, db, func(tx *storage.Tx) error {
			return userdata.PutReceipt(t.Context(), tx, "!r", &userdata.Receipt{User: ada, Thread: "main", Private: true, Event: "$main", EventPos: 1, Pos: tx.Position()})
		})
		err := db.Read(t.Context(), func(tx *storage.Tx) error {
			list, err := userdata.Receipts(t.Context(), tx, "!r")
			var got []id.EventID
			for _, r := range list {
				got = append(got, r.Event)
			}
			if !slices.Equal(got, []id.EventID{"$9-3", "$main"}) || !list[1].Private || list[0].TS != 3 {
				t.Errorf("receipts %v", got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestReads(t *testing.T) {
	t.Parallel()
	var none *userdata.Reads
	some := none.With(&userdata.Receipt{Thread: "main", EventPos: 5, Pos: 10}, &userdata.Receipt{Thread: "$a", EventPos: 8, Pos: 11})
	all := some.With(&userdata.Receipt{EventPos: 6, Pos: 12}, &userdata.Receipt{EventPos: 2, Pos: 9})
	for _, c := range []struct {
		what   string
		reads  *userdata.Reads
		thread id.EventID
		want   matrix.Position
	}{
		{"nothing", none, "main", 0},
		{"main", some, "main", 5},
		{"a thread", some, "$a", 8},
		{"another thread", some, "$b", 0},
		{"main, with all", all, "main", 6},
		{"a thread, which is further", all, "$a", 8},
		{"another thread, with all", all, "$b", 6},
	} {
		if got := c.reads.Of(c.thread); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	if some.All != 0 || all.Changed != 12 || len(all.Threads) != 1 {
		t.Errorf("%+v, then %+v", some, all)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		add := func(user id.UserID, hash string) (number int64) {
			write(t, db, func(tx *storage.Tx) (err error) {
				number, err = userdata.AddFilter(t.Context(), tx, user, []byte(hash), json.RawMessage(`{}`), 2)
				return err
			})
			return number
		}
		got := []int64{add(ada, "a"), add(ada, "b"), add(ada, "a"), add(bob, "a"), add(ada, "c"), add(ada, "a")}
		if !slices.Equal(got, []int64{1, 2, 1, 1, 3, 4}) {
			t.Errorf("numbers %v", got)
		}
	})
}

func TestPushes(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		to := &userdata.Pusher{User: ada, AppID: "app", Key: "key", Kind: "http", Data: json.RawMessage(`{}`)}
		other := &userdata.Pusher{User: ada, AppID: "app", Key: "other", Kind: "http", Data: json.RawMessage(`{}`)}
		write(t, db, func(tx *storage.Tx) error {
			for _, p := range []*userdata.Pusher{to, other} {
				if err := userdata.PutPusher(t.Context(), tx, p); err != nil {
					return err
				}
				for _, pos := range []matrix.Position{7, 5, 7, 9} { // the same again is one
					if err := userdata.AddPush(t.Context(), tx, p, userdata.Push{Event: pos, Sound: "default", Highlight: true}); err != nil {
						return err
					}
				}
			}
			return userdata.DropPushes(t.Context(), tx, to, 5)
		})
		waiting := func(p *userdata.Pusher) (events []matrix.Position) {
			err := db.Read(t.Context(), func(tx *storage.Tx) error {
				list, err := userdata.Pushes(t.Context(), tx, p, 10)
				for _, one := range list {
					events = append(events, one.Event)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return events
		}
		if got := waiting(to); !slices.Equal(got, []matrix.Position{7, 9}) {
			t.Errorf("waiting: %v", got)
		}
		write(t, db, func(tx *storage.Tx) error { return userdata.DeletePusher(t.Context(), tx, ada, "app", "key") })
		if got := waiting(to); got != nil {
			t.Errorf("waiting for nobody: %v", got)
		}
		if got := waiting(other); len(got) != 3 {
			t.Errorf("waiting for the other one: %v", got)
		}
	})
}
