package account

import (
	"log/slog"
	"testing"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/storagetest"
)

func TestForeignTokensNeedNoDatabase(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.SQLite)
	w := newWorld(t, db, Options{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), "syt_YWRh_of_another_server", nil); !matrix.IsCode(err, matrix.UnknownToken) {
		t.Errorf("got %v", err)
	}
	if _, err := w.Authenticate(t.Context(), newToken(accessToken, nil), nil); err == nil || isRefusal(err) {
		t.Errorf("a token that could be ours, without a database: %v", err)
	}
}

// The work of finding out who asks, which every request needs: at most 1 µs.
func BenchmarkAuthenticate(b *testing.B) {
	store, err := accounts.New(b.Context(), storagetest.Open(b, storage.SQLite), accounts.Options{ServerName: here, LastSeen: true})
	if err != nil {
		b.Fatal(err)
	}
	a := New(store, &notes{}, Hooks{}, Options{ServerName: here, Passwords: CheapPasswords()}, slog.New(slog.DiscardHandler))
	if _, err := a.Create(b.Context(), NewAccount{Name: "ada", Password: "secret"}); err != nil {
		b.Fatal(err)
	}
	s, err := a.LoginByPassword(b.Context(), "ada", "secret", NewDevice{Renewable: true})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if p, err := a.Authenticate(b.Context(), s.Access, nil); err != nil || p.User != ada {
			b.Fatal(p, err)
		}
	}
}
