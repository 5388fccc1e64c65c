package oauth

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/storagetest"
)

const ada = id.UserID("@ada:one.example")

// world is a Store with a clock that stands still unless told otherwise.
type world struct {
	*Store
	t     *testing.T
	clock atomic.Int64 // ms
}

func newWorld(t *testing.T, db *storage.DB) *world {
	w := &world{t: t}
	w.clock.Store(1_700_000_000_000)
	w.Store = New(db, func() time.Time { return time.UnixMilli(w.clock.Load()) })
	return w
}

func (w *world) in(d time.Duration) int64 { return w.nowMS() + d.Milliseconds() }

func (w *world) write(fn func(ctx context.Context, tx *storage.Tx) error) {
	w.t.Helper()
	if err := w.Write(w.t.Context(), func(tx *storage.Tx) error { return fn(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) knows(client string) bool {
	w.t.Helper()
	_, ok, err := w.Client(w.t.Context(), client)
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

func (w *world) register(client string, most int64) bool {
	w.t.Helper()
	ok, err := w.AddClient(w.t.Context(), client, []byte("{}"), most)
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

func TestUnusedProgramsAreForgotten(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db)
		if !w.register("signed-in", 3) || !w.register("waiting", 3) || !w.register("unused", 3) || w.register("more", 3) {
			t.Fatal("the bound is not kept")
		}
		if !w.register("unused", 3) {
			t.Error("who is there already has no place")
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			return tx.Exec(ctx, `INSERT INTO device (user_id, device_id, client) VALUES ($1, 'D', 'signed-in')`, ada)
		})
		c := DeviceCode{Client: "waiting", Scope: "s", Device: "D", ExpiresMS: w.in(time.Hour)}
		if ok, err := w.AddDeviceCode(t.Context(), HashOf("c"), HashOf("u"), c, 9); !ok || err != nil {
			t.Fatal(ok, err)
		}
		w.clock.Add(int64(time.Minute / time.Millisecond))
		if err := w.Tidy(t.Context(), w.nowMS()); err != nil {
			t.Fatal(err)
		}
		if !w.knows("signed-in") || !w.knows("waiting") || w.knows("unused") {
			t.Error("the wrong programs are forgotten")
		}
		// When there are too many, those make place that nobody uses.
		if !w.register("unused", 3) || w.register("more", 3) {
			t.Error("who has just come has lost the place")
		}
		w.clock.Add(int64((freshFor + time.Minute) / time.Millisecond))
		if !w.register("more", 3) || w.knows("unused") || !w.knows("signed-in") {
			t.Error("there is no place")
		}
	})
}

func TestDeviceCodes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ctx := newWorld(t, db), t.Context()
		c := DeviceCode{Client: "p", Scope: "s", Device: "D", ExpiresMS: w.in(time.Minute)}
		for i, want := range []bool{true, false, true, false} { // the second has the same code to type, the fourth no place
			hash, user := HashOf(string(rune('a'+i))), HashOf([]string{"one", "one", "two", "three"}[i])
			if ok, err := w.AddDeviceCode(ctx, hash, user, c, 2); ok != want || err != nil {
				t.Errorf("code %d: %v, %v", i, ok, err)
			}
		}
		if _, ok, err := w.WaitingFor(ctx, HashOf("one")); !ok || err != nil {
			t.Errorf("nobody waits: %v", err)
		}
		if ok, err := w.Decide(ctx, HashOf("one"), Allowed, ada); !ok || err != nil {
			t.Errorf("not decided: %v", err)
		}
		if ok, err := w.Decide(ctx, HashOf("one"), Denied, ada); ok || err != nil {
			t.Errorf("decided twice: %v", err)
		}
		if got, ok, err := w.ReadDeviceCode(ctx, HashOf("a")); !ok || err != nil || got.State != Allowed || got.User != ada {
			t.Errorf("code %+v, %v", got, err)
		}
		w.clock.Store(c.ExpiresMS)
		if _, ok, _ := w.WaitingFor(ctx, HashOf("two")); ok {
			t.Error("a code can be typed after its time")
		}
		if ok, _ := w.Decide(ctx, HashOf("two"), Allowed, ada); ok {
			t.Error("a code is decided about after its time")
		}
		if err := w.Tidy(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := w.ReadDeviceCode(ctx, HashOf("a")); ok {
			t.Error("an expired code is left")
		}
	})
}

func TestCodesAndBrowsersEnd(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ctx := newWorld(t, db), t.Context()
		code := Code{Client: "p", RedirectURI: "r", Challenge: "c", Scope: "s", Device: "D", User: ada}
		for _, name := range []string{"short", "long"} {
			life := map[string]time.Duration{"short": time.Minute, "long": time.Hour}[name]
			if err := w.AddCode(ctx, HashOf(name), code, w.in(life)); err != nil {
				t.Fatal(err)
			}
			w.write(func(ctx context.Context, tx *storage.Tx) error {
				return w.AddBrowser(ctx, tx, HashOf(name), Browser{User: ada, PasswordPos: 7}, w.in(life))
			})
		}
		there := func(name string) (isCode, isBrowser bool) {
			t.Helper()
			w.write(func(ctx context.Context, tx *storage.Tx) error {
				got, ok, err := w.Code(ctx, tx, HashOf(name))
				isCode = ok && got == code
				return err
			})
			b, ok, err := w.Browser(ctx, HashOf(name))
			if err != nil {
				t.Fatal(err)
			}
			return isCode, ok && b == Browser{ada, 7}
		}
		if c, b := there("short"); !c || !b {
			t.Errorf("code %v, browser %v", c, b)
		}
		w.clock.Add(int64(time.Minute / time.Millisecond))
		if c, b := there("short"); c || b {
			t.Errorf("after its time: code %v, browser %v", c, b)
		}
		if c, b := there("long"); !c || !b {
			t.Errorf("code %v, browser %v", c, b)
		}
		if err := w.Gone(ctx, ada); err != nil {
			t.Fatal(err)
		}
		if c, b := there("long"); c || b {
			t.Errorf("of a closed account: code %v, browser %v", c, b)
		}
	})
}
