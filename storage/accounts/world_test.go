package accounts

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
)

// world is a Store with a clock that stands still unless told otherwise.
type world struct {
	*Store
	t     *testing.T
	clock *atomic.Int64 // ms
}

func newWorld(t *testing.T, db *storage.DB, opt Options) *world {
	t.Helper()
	w := &world{t: t, clock: new(atomic.Int64)}
	w.clock.Store(1_700_000_000_000)
	opt.ServerName = here
	opt.Now = w.now
	s, err := New(t.Context(), db, opt)
	if err != nil {
		t.Fatal(err)
	}
	w.Store = s
	return w
}

func (w *world) now() time.Time           { return time.UnixMilli(w.clock.Load()) }
func (w *world) pass(d time.Duration)     { w.clock.Add(d.Milliseconds()) }
func (w *world) in(d time.Duration) int64 { return w.now().Add(d).UnixMilli() }

// write runs fn in a transaction that must succeed.
func (w *world) write(fn func(ctx context.Context, tx *storage.Tx) error) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.Write(ctx, func(tx *storage.Tx) error { return fn(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// open opens an account with a session on a device called "D" whose access
// token is token.
func (w *world) open(user id.UserID, token string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *storage.Tx) error {
		if err := w.Create(ctx, tx, Account{User: user, CreatedMS: 1}); err != nil {
			return err
		}
		return w.SignIn(ctx, tx, user, "D", "first", Pair{Access: HashOf(token)})
	})
}

// speaks returns whom a token speaks for, "" for nobody.
func (w *world) speaks(token string) string {
	w.t.Helper()
	t, err := w.Token(w.t.Context(), HashOf(token))
	if err != nil {
		w.t.Fatal(err)
	}
	if t == nil {
		return ""
	}
	return fmt.Sprint(t.Account().User, "/", t.Device)
}

// settle waits until writes that nobody waits for are done.
func (w *world) settle() {
	w.write(func(context.Context, *storage.Tx) error { return nil })
}
