package account

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"plenum/internal/matrix"
)

func cheap() Passwords {
	p := CheapPasswords()
	return Options{Passwords: p}.withDefaults().Passwords
}

func TestHash(t *testing.T) {
	t.Parallel()
	h, ctx := newHasher(cheap()), t.Context()
	stored, err := h.hash(ctx, "correct horse, \u00fcber") // ü as one character
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatal(stored, err)
	}
	if other, _ := h.hash(ctx, "correct horse, über"); other == stored {
		t.Error("the same password has the same hash twice")
	}
	for password, want := range map[string]bool{
		"correct horse, \u00fcber":  true,
		"correct horse, u\u0308ber": true, // as two
		"correct horse, uber":       false,
		"":                          false,
	} {
		if ok, outdated, err := h.check(ctx, stored, password); ok != want || outdated || err != nil {
			t.Errorf("%q: %v, %v, %v", password, ok, outdated, err)
		}
	}
	if ok, _, err := h.check(ctx, "", ""); ok || err != nil {
		t.Errorf("no password at all: %v, %v", ok, err)
	}
	dearer := cheap()
	dearer.Passes = 2
	if ok, outdated, err := newHasher(dearer).check(ctx, stored, "correct horse, über"); !ok || !outdated || err != nil {
		t.Errorf("with another cost: %v, %v, %v", ok, outdated, err)
	}
}

// RFC 9106, appendix "Argon2id test vectors", is with a secret that the
// library does not take; this is of the reference implementation.
func TestHashOfTheReference(t *testing.T) {
	t.Parallel()
	const stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, _, err := newHasher(cheap()).check(t.Context(), stored, "password"); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestHashesAtOnce(t *testing.T) {
	t.Parallel()
	opt := cheap()
	opt.AtOnce, opt.Waiting = 1, 1
	h := newHasher(opt)
	if err := h.slots.Acquire(t.Context(), 1); err != nil { // somebody's hash is being made
		t.Fatal(err)
	}
	h.busy.Add(1)
	waiting, done := make(chan struct{}), make(chan error)
	go func() {
		close(waiting)
		_, err := h.hash(t.Context(), "x")
		done <- err
	}()
	<-waiting
	for h.busy.Load() < 2 { // the goroutine is about to wait
		runtime.Gosched()
	}
	if _, err := h.hash(t.Context(), "x"); !matrix.IsCode(err, matrix.LimitExceeded) {
		t.Errorf("one too many: %v", err)
	}
	h.busy.Add(-1)
	h.slots.Release(1)
	if err := <-done; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	h.slots.Acquire(t.Context(), 1)
	if _, err := h.hash(gone, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("waits for nobody: %v", err)
	}
}

func FuzzStoredHash(f *testing.F) {
	h := newHasher(cheap())
	stored, err := h.hash(f.Context(), "x")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{stored, "", "$", "$argon2id$v=19$m=8,t=1,p=1$$", "$argon2id$v=19$m=8,t=0,p=1$c2FsdA$c3Vt", "$argon2id$v=19$m=-1,t=1,p=300$c2FsdA$c3Vt", "$2a$10$x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		again, err := parseHash(h.String())
		if err != nil || again.String() != h.String() {
			t.Errorf("%q becomes %q, then %q, %v", s, h, again, err)
		}
	})
}

// What signing in costs with the default settings.
func BenchmarkHash(b *testing.B) {
	h := newHasher(Options{}.withDefaults().Passwords)
	for b.Loop() {
		if _, err := h.hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}
