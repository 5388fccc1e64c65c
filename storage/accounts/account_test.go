package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestAccounts(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		hash := "hash"
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			if any, err := w.Any(ctx, tx); any || err != nil {
				t.Errorf("an empty server has accounts: %v, %v", any, err)
			}
			return w.Create(ctx, tx, Account{User: ada, Password: &hash, Admin: true, CreatedMS: 7})
		})
		err := w.Write(ctx, func(tx *storage.Tx) error { return w.Create(ctx, tx, Account{User: ada}) })
		if !errors.Is(err, ErrTaken) {
			t.Errorf("a taken name: %v", err)
		}
		w.open(bob, "b")
		acc, ok, err := w.Read(ctx, ada)
		if !ok || err != nil || acc.Password == nil || *acc.Password != "hash" || !acc.Admin || acc.CreatedMS != 7 {
			t.Errorf("got %+v, %v, %v", acc, ok, err)
		}
		if acc, ok, _ := w.Known(ctx, ada); !ok || acc.Password != nil {
			t.Errorf("in memory: %+v, %v; want no password", acc, ok)
		}
		all, err := w.List(ctx, "", 10)
		if err != nil || len(all) != 2 || all[0].User != ada || all[1].User != bob {
			t.Errorf("list: %+v, %v", all, err)
		}
		if page, _ := w.List(ctx, ada, 1); len(page) != 1 || page[0].User != bob {
			t.Errorf("second page: %+v", page)
		}
	})
}

func TestFlagsAreSeenAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.open(ada, "a")
		flags := func() string {
			tok, err := w.Token(t.Context(), HashOf("a"))
			if err != nil || tok == nil {
				t.Fatal(tok, err)
			}
			acc := tok.Account()
			return fmt.Sprint(acc.Admin, acc.Locked, acc.Suspended)
		}
		for _, step := range []struct {
			set  func(context.Context, *storage.Tx, id.UserID, bool) error
			want string
		}{
			{w.SetAdmin, "true false false"},
			{w.SetLocked, "true true false"},
			{w.SetSuspended, "true true true"},
		} {
			w.write(func(ctx context.Context, tx *storage.Tx) error { return step.set(ctx, tx, ada, true) })
			if got := flags(); got != step.want {
				t.Errorf("got %s, want %s", got, step.want)
			}
		}
	})
}

func TestPasswordIsReplacedOnlyWhileItIsTheSame(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.open(ada, "a")
		first, second := "first", "second"
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.SetPassword(ctx, tx, ada, &first) })
		before, _, _ := w.Read(t.Context(), ada)
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			return w.ReplacePassword(ctx, tx, ada, "first", "first, dearer")
		})
		after, _, _ := w.Read(t.Context(), ada)
		if *after.Password != "first, dearer" || after.PasswordPos != before.PasswordPos {
			t.Errorf("got %s at %d, want the same password at %d", *after.Password, after.PasswordPos, before.PasswordPos)
		}
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.SetPassword(ctx, tx, ada, &second) })
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			return w.ReplacePassword(ctx, tx, ada, "first, dearer", "first again")
		})
		after, _, _ = w.Read(t.Context(), ada)
		if *after.Password != "second" || after.PasswordPos <= before.PasswordPos {
			t.Errorf("got %s at %d", *after.Password, after.PasswordPos)
		}
	})
}

func TestCloseAndErase(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.open(ada, "a")
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			if err := w.SetProfileField(ctx, tx, ada, DisplayName, []byte(`"Ada"`)); err != nil {
				return err
			}
			if err := w.AcceptTerms(ctx, tx, ada, "terms", "1"); err != nil {
				return err
			}
			return w.AddShort(ctx, tx, ForLogin, HashOf("short"), ada, w.in(1000))
		})
		w.write(func(ctx context.Context, tx *storage.Tx) error {
			gone, err := w.SignOutAll(ctx, tx, ada, "")
			if !slices.Equal(gone, []id.DeviceID{"D"}) {
				t.Errorf("signed out %v", gone)
			}
			if err != nil {
				return err
			}
			return w.Close(ctx, tx, ada)
		})
		late := "hash"
		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.SetPassword(ctx, tx, ada, &late) })
		if acc, _, _ := w.Read(ctx, ada); acc.Password != nil {
			t.Error("a closed account got a password")
		}
		if acc, ok, _ := w.Known(ctx, ada); !ok || !acc.Deactivated {
			t.Errorf("closed: %+v, %v", acc, ok)
		}
		if got := w.speaks("a"); got != "" {
			t.Errorf("a token of a closed account speaks for %s", got)
		}
		if _, ok, _ := w.Short(ctx, ForLogin, HashOf("short")); ok {
			t.Error("a login token outlives the account")
		}
		create := func() error {
			return w.Write(ctx, func(tx *storage.Tx) error { return w.Create(ctx, tx, Account{User: ada}) })
		}
		if err := create(); !errors.Is(err, ErrTaken) {
			t.Errorf("the name of a closed account: %v", err)
		}

		w.write(func(ctx context.Context, tx *storage.Tx) error { return w.Erase(ctx, tx, ada) })
		if _, ok, _ := w.Read(ctx, ada); ok || !w.IsErased(ada) || w.IsErased(bob) {
			t.Errorf("erased: account there %v, %v %v", ok, w.IsErased(ada), w.IsErased(bob))
		}
		if err := create(); !errors.Is(err, ErrTaken) {
			t.Errorf("the name of an erased account: %v", err)
		}
		again := newWorld(t, db, Options{})
		if !again.IsErased(ada) {
			t.Error("an erased account is forgotten over a restart")
		}
		again.write(func(ctx context.Context, tx *storage.Tx) error {
			if any, err := again.Any(ctx, tx); !any || err != nil {
				t.Errorf("a server whose only account was erased passes for new: %v, %v", any, err)
			}
			return nil
		})
		if left := count(t, db, `SELECT (SELECT COUNT(*) FROM profile_field) + (SELECT COUNT(*) FROM account_terms) + (SELECT COUNT(*) FROM access_token)`); left != 0 {
			t.Errorf("%d rows are left", left)
		}
	})
}

func count(t *testing.T, db *storage.DB, sql string) (n int64) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *storage.Tx) (err error) {
		n, _, err = storage.One[int64](t.Context(), tx, sql)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
