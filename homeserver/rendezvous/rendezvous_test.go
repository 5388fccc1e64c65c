package rendezvous_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plenum/homeserver/rendezvous"
	"plenum/internal/matrix"
)

func TestNotesArePassedToAndFro(t *testing.T) {
	t.Parallel()
	p := rendezvous.New(rendezvous.Options{})
	first, err := p.Open("from A")
	if err != nil {
		t.Fatal(err)
	}
	seen, err := p.Look(first.ID)
	if err != nil || seen.Data != "from A" || seen.Token != first.Token {
		t.Fatalf("looked at %+v, %v", seen, err)
	}
	second, err := p.Leave(first.ID, seen.Token, "from A") // the same words are another note
	if err != nil || second.Token == first.Token {
		t.Fatalf("left %+v, %v", second, err)
	}
	late, err := p.Leave(first.ID, first.Token, "late")
	if !errors.Is(err, rendezvous.ErrChanged) || late.Token != second.Token {
		t.Errorf("a note over one that was not seen: %+v, %v", late, err)
	}
	if seen, _ := p.Look(first.ID); seen.Data != "from A" {
		t.Errorf("now there is %q", seen.Data)
	}
}

func TestPlacesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := rendezvous.New(rendezvous.Options{Life: time.Minute})
		gone := func(id, why string) {
			t.Helper()
			_, looked := p.Look(id)
			_, left := p.Leave(id, "", "x")
			if !matrix.IsCode(looked, matrix.NotFound) || !matrix.IsCode(left, matrix.NotFound) || !matrix.IsCode(p.Close(id), matrix.NotFound) {
				t.Errorf("%s: %v, %v", why, looked, left)
			}
		}
		cancelled, _ := p.Open("a")
		if err := p.Close(cancelled.ID); err != nil {
			t.Fatal(err)
		}
		gone(cancelled.ID, "cancelled")
		old, _ := p.Open("b")
		time.Sleep(30 * time.Second)
		young, _ := p.Open("c")
		if _, err := p.Leave(old.ID, old.Token, "d"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second) // a note does not make a place last longer
		gone(old.ID, "old")
		if _, err := p.Look(young.ID); err != nil || p.Left(young) != 30*time.Second {
			t.Errorf("young: %v, %v left", err, p.Left(young))
		}
		gone("", "none")
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := rendezvous.New(rendezvous.Options{Max: 2, Life: time.Minute})
		long := strings.Repeat("x", rendezvous.MaxData+1)
		if _, err := p.Open(long); !matrix.IsCode(err, matrix.TooLarge) {
			t.Errorf("a long note: %v", err)
		}
		first, err := p.Open(long[1:])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Leave(first.ID, first.Token, long); !matrix.IsCode(err, matrix.TooLarge) {
			t.Errorf("a long note later: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := p.Open(""); err != nil {
			t.Fatal(err)
		}
		_, err = p.Open("")
		var full *matrix.Error
		if !errors.As(err, &full) || full.Code != matrix.LimitExceeded || full.RetryAfter != 59*time.Second {
			t.Errorf("one too many: %v", err)
		}
		time.Sleep(59 * time.Second)
		if _, err := p.Open(""); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	})
}
