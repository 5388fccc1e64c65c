package accounts

import (
	"context"
	"slices"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestTokens(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.open(ada, "a")
		w.open(bob, "b")
		for range 2 { // from the database, from memory
			if a, b, c := w.speaks("a"), w.speaks("b"), w.speaks("c"); a != "@ada:one.example/D" || b != "@bob:one.example/D" || c != "" {
				t.Errorf("got %q, %q, %q", a, b, c)
			}
		}
		if w.Cached(HashOf("a")) == nil {
			t.Error("a token that was used is not in memory")
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			return w.SignIn(ctx, tx, ada, "D", "other name", Pair{Access: HashOf("a2"), ExpiresMS: 9})
		})
		if old, now := w.speaks("a"), w.speaks("a2"); old != "" || now != "@ada:one.example/D" {
			t.Errorf("after signing in again: %q, %q", old, now)
		}
		if tok := w.Cached(HashOf("a2")); tok.ExpiresMS != 9 {
			t.Errorf("expires %d", tok.ExpiresMS)
		}
		if d, ok, _ := w.Device(t.Context(), ada, "D"); !ok || d.Name != "first" {
			t.Errorf("device %+v, %v; want its old name", d, ok)
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			gone, err := w.SignOut(ctx, tx, ada, []id.DeviceID{"D", "unknown"})
			if !slices.Equal(gone, []id.DeviceID{"D"}) {
				t.Errorf("signed out %v", gone)
			}
			return err
		})
		if a, b := w.speaks("a2"), w.speaks("b"); a != "" || b == "" {
			t.Errorf("after signing out: %q, %q", a, b)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{InMemory: 2})
	users := []id.UserID{ada, bob, "@cy:one.example"}
	for _, u := range users {
		w.open(u, string(u))
	}
	for _, u := range users {
		w.pass(time.Second)
		w.speaks(string(u))
	}
	if n := len(w.hot.accounts); n != 2 || len(w.hot.tokens) != 2 || w.hot.accounts[ada] != nil {
		t.Errorf("%d accounts and %d tokens in memory; want the two used last", n, len(w.hot.tokens))
	}
	if got := w.speaks(string(ada)); got != "@ada:one.example/D" {
		t.Errorf("got %q", got)
	}
}

// A reading that began before a commit must not stay in memory after it.
func TestOutdatedReadingIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	w.open(ada, "a")
	ctx := t.Context()
	moment := w.hot.moment()
	var e *entry
	err := w.db.Read(ctx, func(tx *storage.Tx) (err error) {
		e, err = w.read(ctx, tx, ada)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx *storage.Tx) error {
		_, err := w.SignOutAll(ctx, tx, ada, "")
		return err
	})
	w.hot.put(e, moment)
	if got := w.speaks("a"); got != "" {
		t.Errorf("a token that has ended speaks for %s", got)
	}
}

// rotation is a session with refresh tokens named r0, r1, … and access tokens
// a0, a1, …
type rotation struct {
	*world
	family Hash
}

func newRotation(t *testing.T, db *storage.DB) rotation {
	w := newWorld(t, db, Options{})
	r := rotation{w, HashOf("family")}
	w.write(func(ctx context.Context, tx *storage.Tx) error {
		if err := w.Create(ctx, tx, Account{User: ada}); err != nil {
			return err
		}
		return w.SignIn(ctx, tx, ada, "D", "", r.pair("0"))
	})
	return r
}

func (r rotation) pair(n string) Pair {
	return Pair{Access: HashOf("a" + n), Family: r.family, Refresh: HashOf("r" + n)}
}

// rotate shows refresh token r<old> for pair next.
func (r rotation) rotate(old, next string) (ok bool) {
	r.t.Helper()
	r.write(func(ctx context.Context, tx *storage.Tx) error {
		h, found, err := r.Holder(ctx, tx, r.family)
		if err != nil || !found {
			r.t.Fatal("no session", err)
		}
		ok, err = r.Rotate(ctx, tx, h, HashOf("r"+old), r.pair(next))
		return err
	})
	return ok
}

// use shows access token a<n> as a request does, and reports whether it is good.
func (r rotation) use(n string) bool {
	r.t.Helper()
	tok, err := r.Token(r.t.Context(), HashOf("a"+n))
	if err != nil {
		r.t.Fatal(err)
	}
	if tok == nil {
		return false
	}
	r.Used(tok, r.now())
	r.settle()
	return true
}

func TestRotation(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		r := newRotation(t, db)
		if !r.rotate("0", "1") || !r.use("1") {
			t.Fatal("the first rotation failed")
		}
		if r.rotate("0", "x") {
			t.Error("a refresh token is good after the one that followed was shown to have arrived")
		}
		if !r.use("0") {
			t.Error("requests with the access token before are refused at once")
		}
		if !r.rotate("1", "2") || !r.use("2") || r.use("0") {
			t.Error("the access token before the last is still good")
		}
		if !r.rotate("2", "3") || !r.rotate("3", "4") || r.rotate("2", "x") {
			t.Error("using the new refresh token does not end the old one")
		}
	})
}

func TestRotationWithLostAnswers(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		r := newRotation(t, db)
		for _, n := range []string{"1", "2", "3", "4"} {
			if !r.rotate("0", n) {
				t.Fatalf("asking again for the answer %s failed", n)
			}
		}
		if tokens := count(t, db, `SELECT COUNT(*) FROM refresh_token`); tokens > maxUnproven+1 {
			t.Errorf("%d refresh tokens", tokens)
		}
		if !r.use("4") || r.rotate("0", "x") || !r.rotate("4", "5") {
			t.Error("the last answer does not count")
		}
	})
}

func TestExpireLeavesTheDevice(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		r := newRotation(t, db)
		r.write(func(ctx context.Context, tx *storage.Tx) error { return r.Expire(ctx, tx, ada, "D") })
		if r.use("0") {
			t.Error("the access token is still good")
		}
		r.write(func(ctx context.Context, tx *storage.Tx) error {
			if _, ok, err := r.Holder(ctx, tx, r.family); ok || err != nil {
				t.Errorf("the family is still there: %v", err)
			}
			return nil
		})
		if _, ok, _ := r.Device(t.Context(), ada, "D"); !ok {
			t.Error("the device is gone")
		}
	})
}

// A note that comes late must not touch the session that has followed.
func TestLateNoteOfAnEndedSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		r := newRotation(t, db)
		r.rotate("0", "1")
		late, err := r.Token(t.Context(), HashOf("a1"))
		if err != nil || late == nil {
			t.Fatal(late, err)
		}
		r.write(func(ctx context.Context, tx *storage.Tx) error {
			return r.SignIn(ctx, tx, ada, "D", "", r.pair("new"))
		})
		r.Used(late, r.now())
		r.settle()
		if !r.rotate("new", "next") {
			t.Error("the new session lost its refresh token")
		}
	})
}

func TestLastSeenIsADay(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{LastSeen: true})
		w.open(ada, "a")
		seen := func() int64 {
			tok, err := w.Token(t.Context(), HashOf("a"))
			if err != nil {
				t.Fatal(err)
			}
			w.Used(tok, w.now())
			w.settle()
			d, _, err := w.Device(t.Context(), ada, "D")
			if err != nil || d.LastSeenMS == nil {
				t.Fatal(d, err)
			}
			return *d.LastSeenMS
		}
		first := seen()
		if first%day != 0 || w.now().UnixMilli()-first >= day {
			t.Errorf("seen at %d", first)
		}
		w.pass(24 * time.Hour)
		if again := seen(); again != first+day {
			t.Errorf("a day later: %d", again)
		}

		off := newWorld(t, db, Options{})
		off.open(bob, "b")
		tok, _ := off.Token(t.Context(), HashOf("b"))
		off.Used(tok, off.now())
		off.settle()
		if d, _, _ := off.Device(t.Context(), bob, "D"); d.LastSeenMS != nil {
			t.Errorf("noted although it is off: %d", *d.LastSeenMS)
		}
	})
}

func TestDevices(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.open(ada, "a")
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			if ok, err := w.Rename(ctx, tx, ada, "none", "x"); ok || err != nil {
				t.Errorf("renamed nothing: %v, %v", ok, err)
			}
			if ok, err := w.Rename(ctx, tx, ada, "D", "pocket"); !ok || err != nil {
				t.Errorf("not renamed: %v", err)
			}
			return w.SignIn(ctx, tx, ada, "C", "", Pair{Access: HashOf("c")})
		})
		for name, read := range map[string]func(context.Context, id.UserID) ([]Device, error){"read": w.Devices, "known": w.KnownDevices} {
			all, err := read(t.Context(), ada)
			if err != nil || len(all) != 2 || all[0].ID != "C" || all[1].Name != "pocket" {
				t.Errorf("%s: got %+v, %v", name, all, err)
			}
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			gone, err := w.SignOutAll(ctx, tx, ada, "C")
			if !slices.Equal(gone, []id.DeviceID{"D"}) {
				t.Errorf("signed out %v", gone)
			}
			return err
		})
		if w.speaks("a") != "" || w.speaks("c") == "" {
			t.Error("the wrong device was signed out")
		}
		if all, err := w.KnownDevices(t.Context(), ada); err != nil || len(all) != 1 || all[0].ID != "C" {
			t.Errorf("still known: %+v, %v", all, err)
		}
	})
}

func TestADehydratedDeviceOutlivesSessions(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.open(ada, "a")
		dry := Dehydrated{ID: "DRY", Data: []byte(`{"algorithm":"x"}`)}
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			if ok, err := w.Dehydrate(ctx, tx, ada, Dehydrated{ID: "D", Data: dry.Data}, ""); ok || err != nil {
				t.Errorf("a device with a session was dehydrated: %v, %v", ok, err)
			}
			ok, err := w.Dehydrate(ctx, tx, ada, dry, "dry")
			if !ok {
				t.Error("not dehydrated")
			}
			return err
		})
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			gone, err := w.SignOutAll(ctx, tx, ada, "")
			if !slices.Equal(gone, []id.DeviceID{"D"}) {
				t.Errorf("signed out %v", gone)
			}
			return err
		})
		if d, ok, err := w.ReadDehydrated(t.Context(), ada); err != nil || !ok || d.ID != "DRY" || string(d.Data) != string(dry.Data) {
			t.Errorf("dehydrated: %+v, %v, %v", d, ok, err)
		}
		if all, _ := w.KnownDevices(t.Context(), ada); len(all) != 1 || all[0].Name != "dry" {
			t.Errorf("devices %+v", all)
		}
		// Whoever signs in on it has brought it to life in another way.
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			return w.SignIn(ctx, tx, ada, "DRY", "", Pair{Access: HashOf("c")})
		})
		if _, ok, _ := w.ReadDehydrated(t.Context(), ada); ok {
			t.Error("it is dehydrated still")
		}
	})
}
