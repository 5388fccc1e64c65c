package accounts

import (
	"context"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestProfile(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.open(ada, "a")
		set := func(name, value string) {
			w.write(func(ctx context.Context, tx *storage.Tx) error {
				if value == "" {
					return w.SetProfileField(ctx, tx, ada, name, nil)
				}
				return w.SetProfileField(ctx, tx, ada, name, []byte(value))
			})
		}
		member := func() string {
			name, avatar, err := w.MemberProfile(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			return name + "|" + avatar
		}
		if got := member(); got != "|" {
			t.Errorf("new account: %q", got)
		}
		set(DisplayName, `"Ada"`)
		set(AvatarURL, `"mxc://one.example/a"`)
		set("org.example.x", `{"a":1}`)
		if got := member(); got != "Ada|mxc://one.example/a" {
			t.Errorf("got %q", got)
		}
		set(DisplayName, `"Countess"`)
		set(AvatarURL, "")
		if got := member(); got != "Countess|" {
			t.Errorf("got %q", got)
		}
		p, ok, err := w.Profile(ctx, ada)
		if err != nil || !ok || len(p) != 2 || string(p["org.example.x"]) != `{"a":1}` {
			t.Errorf("got %s, %v, %v", p, ok, err)
		}
		if want := len(`{"displayname":"Countess","org.example.x":{"a":1}}`); p.Size() != want+1 {
			t.Errorf("size %d, want %d", p.Size(), want+1) // a comma more than there is
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.ClearProfile(ctx, tx, ada) })
		if p, _, _ := w.Profile(ctx, ada); len(p) != 0 {
			t.Errorf("cleared: %s", p)
		}
		for _, user := range []id.UserID{bob, "@ada:two.example", "ada", "", "@:one.example"} {
			name, _, err := w.MemberProfile(ctx, user)
			if _, ok, _ := w.Profile(ctx, user); ok || name != "" || err != nil {
				t.Errorf("%s has a profile: %q, %v", user, name, err)
			}
		}
	})
}

func TestShortTokens(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		add := func(p Purpose, token string) {
			w.write(func(ctx context.Context, tx *storage.Tx) error {
				return w.AddShort(ctx, tx, p, HashOf(token), ada, w.in(time.Minute))
			})
		}
		take := func(p Purpose, token string) (user id.UserID, ok bool) {
			w.write(func(ctx context.Context, tx *storage.Tx) (err error) {
				user, ok, err = w.TakeShort(ctx, tx, p, HashOf(token))
				return err
			})
			return user, ok
		}
		add(ForOpenID, "o")
		for range 2 {
			if user, ok, err := w.Short(ctx, ForOpenID, HashOf("o")); user != ada || !ok || err != nil {
				t.Errorf("got %s, %v, %v", user, ok, err)
			}
		}
		if _, ok, _ := w.Short(ctx, ForLogin, HashOf("o")); ok {
			t.Error("a token is good for another purpose")
		}
		add(ForLogin, "l")
		if user, ok := take(ForLogin, "l"); user != ada || !ok {
			t.Errorf("got %s, %v", user, ok)
		}
		if _, ok := take(ForLogin, "l"); ok {
			t.Error("a login token is good twice")
		}
		add(ForLogin, "late")
		w.pass(time.Minute)
		if _, ok := take(ForLogin, "late"); ok {
			t.Error("an expired token is good")
		}
		if _, ok, _ := w.Short(ctx, ForOpenID, HashOf("o")); ok {
			t.Error("an expired token is good")
		}
		add(ForLogin, "fresh")
		if err := w.Tidy(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, `SELECT COUNT(*) FROM short_token`); n != 1 {
			t.Errorf("%d tokens after tidying, want the fresh one", n)
		}
	})
}

func TestRegistrationTokens(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		twice, hour := int64(2), w.in(time.Hour)
		for _, tok := range []RegistrationToken{
			{Token: "twice", Note: "for two", UsesAllowed: &twice, CreatedMS: 1},
			{Token: "hour", ExpiresMS: &hour, CreatedMS: 2},
			{Token: "always", CreatedMS: 3},
		} {
			if ok, err := w.AddRegistrationToken(ctx, tok); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		if ok, err := w.AddRegistrationToken(ctx, RegistrationToken{Token: "twice"}); ok || err != nil {
			t.Errorf("added twice: %v, %v", ok, err)
		}
		use := func(token string) (ok bool) {
			w.write(func(ctx context.Context, tx *storage.Tx) (err error) {
				ok, err = w.UseRegistrationToken(ctx, tx, token)
				return err
			})
			if usable, err := w.IsUsable(ctx, token); err != nil || !ok && usable {
				t.Errorf("%s cannot be used but seems usable: %v", token, err)
			}
			return ok
		}
		for n, want := range []bool{true, true, false} {
			if use("twice") != want {
				t.Errorf("use %d is not counted right", n+1)
			}
		}
		if use("unknown") {
			t.Error("an unknown token can be used")
		}
		if !use("hour") || !use("always") {
			t.Error("a valid token cannot be used")
		}
		w.pass(time.Hour)
		if use("hour") || !use("always") {
			t.Error("expiry is not looked at")
		}
		all, err := w.RegistrationTokens(ctx)
		if err != nil || len(all) != 3 || all[0].Used != 2 || all[0].Note != "for two" || *all[0].UsesAllowed != 2 || *all[1].ExpiresMS != hour || all[2].ExpiresMS != nil {
			t.Errorf("got %+v, %v", all, err)
		}
		if ok, _ := w.RemoveRegistrationToken(ctx, "always"); !ok || use("always") {
			t.Error("a removed token can be used")
		}
		if ok, _ := w.RemoveRegistrationToken(ctx, "always"); ok {
			t.Error("removed twice")
		}
	})
}

func TestTasks(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		news := w.TaskNews()
		defer news.Close()
		add := func(user id.UserID, kind TaskKind) {
			w.write(func(ctx context.Context, tx *storage.Tx) error { return w.AddTask(ctx, tx, user, kind) })
		}
		tasks := func() []Task {
			all, err := w.Tasks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		add(ada, ShowProfile)
		select {
		case <-news.C():
		default:
			t.Error("nobody was told of the task")
		}
		add(bob, Depart)
		seen := tasks()
		if len(seen) != 2 || seen[0].User != ada || seen[0].Kind != ShowProfile || seen[1].Pos <= seen[0].Pos {
			t.Fatalf("got %+v", seen)
		}
		add(ada, ShowProfile) // another change, while the first is worked on
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.Finish(ctx, tx, seen[0]) })
		again := tasks()
		if len(again) != 2 || again[1].User != ada || again[1].Pos <= seen[1].Pos {
			t.Errorf("the second change is lost: %+v", again)
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.Finish(ctx, tx, again[1]) })
		if left := tasks(); len(left) != 1 || left[0].User != bob {
			t.Errorf("left: %+v", left)
		}
	})
}

func TestBadText(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		_, _, err := w.Device(t.Context(), ada, "\xff")
		if !matrix.IsCode(err, matrix.InvalidParam) {
			t.Errorf("got %v", err)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	db := storagetest.Open(b, storage.SQLite)
	s, err := New(b.Context(), db, Options{ServerName: here})
	if err != nil {
		b.Fatal(err)
	}
	err = s.Write(b.Context(), func(tx *storage.Tx) error {
		if err := s.Create(b.Context(), tx, Account{User: ada}); err != nil {
			return err
		}
		return s.SignIn(b.Context(), tx, ada, "D", "", Pair{Access: HashOf("a")})
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Token(b.Context(), HashOf("a")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			t := s.Cached(HashOf("a"))
			s.Used(t, time.Now())
		}
	})
}
