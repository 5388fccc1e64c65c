package account

import (
	"errors"
	"testing"
	"time"

	"plenum/internal/matrix"
)

func TestGuesses(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	g := newGuesses(3, func() time.Time { return now })
	const ada, bob = "@ada:one.example", "@bob:one.example"
	for i := range 3 {
		if err := g.take(ada); err != nil {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	err := g.take(ada)
	var e *matrix.Error
	if !errors.As(err, &e) || e.Code != matrix.LimitExceeded || e.RetryAfter != guessEvery {
		t.Errorf("one too many: %v, wait %v", err, e.RetryAfter)
	}
	if err := g.take(bob); err != nil {
		t.Errorf("another account: %v", err)
	}
	now = now.Add(guessEvery)
	if err := g.take(ada); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	g.right(ada)
	if err := g.take(ada); err != nil {
		t.Errorf("a right password counts: %v", err)
	}
	if err := g.take(ada); err == nil {
		t.Error("there is no end of guessing")
	}
	off := newGuesses(-1, func() time.Time { return now })
	for range 1000 {
		if err := off.take(ada); err != nil {
			t.Fatal(err)
		}
	}
	off.right(ada)
}
