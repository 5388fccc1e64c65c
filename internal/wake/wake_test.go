package wake_test

import (
	"fmt"
	"sync"
	"testing"

	"plenum/internal/wake"
)

// woken reports whether s was told since the last time it was asked.
func woken(s *wake.Sub) bool {
	select {
	case <-s.C():
		return true
	default:
		return false
	}
}

func TestOnlySubscribersOfATopicAreWoken(t *testing.T) {
	t.Parallel()
	bus := wake.NewBus()
	both, one := bus.Subscribe("a", "b"), bus.Subscribe("a")
	bus.Tell("b")
	if !woken(both) || woken(one) {
		t.Error("b woke the wrong ones")
	}
	bus.Tell("a")
	if !woken(both) || !woken(one) {
		t.Error("a did not wake both")
	}
	bus.Tell("nobody")
	if woken(both) || woken(one) {
		t.Error("woken by a topic of nobody")
	}
}

func TestWakeUpsMerge(t *testing.T) {
	t.Parallel()
	bus := wake.NewBus()
	s := bus.Subscribe("a", "b", "a")
	for range 10 {
		bus.Tell("a")
		bus.Tell("b")
	}
	if !woken(s) || woken(s) {
		t.Error("want exactly one wake-up")
	}
}

func TestWakeUpIsKeptForWhoIsBusy(t *testing.T) {
	t.Parallel()
	bus := wake.NewBus()
	s := bus.Subscribe("a")
	bus.Tell("a") // nobody receives yet
	if !woken(s) {
		t.Error("a wake-up between subscribing and waiting was lost")
	}
}

// Subscriptions end in any order: the first, the last and one in the middle of
// a topic's list, also one that listens to the topic twice.
func TestClosedSubscriptionsHearNothing(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}} {
		bus := wake.NewBus()
		subs := make([]*wake.Sub, 4)
		for i := range subs {
			subs[i] = bus.Subscribe("a", fmt.Sprint("own", i), "a")
		}
		open := map[int]bool{0: true, 1: true, 2: true, 3: true}
		for _, i := range order {
			subs[i].Close()
			subs[i].Close()
			delete(open, i)
			bus.Tell("a")
			bus.Tell(fmt.Sprint("own", i))
			for j, s := range subs {
				if woken(s) != open[j] {
					t.Errorf("order %v: after closing %d, subscription %d: woken %v", order, i, j, !open[j])
				}
			}
		}
	}
}

func TestComingAndGoingAtOnce(t *testing.T) {
	t.Parallel()
	bus := wake.NewBus()
	steady := bus.Subscribe("a")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				s := bus.Subscribe("a", fmt.Sprint(i), "b")
				bus.Tell(fmt.Sprint(i))
				if !woken(s) {
					t.Error("own topic not heard")
				}
				s.Close()
			}
		})
	}
	wg.Wait()
	if woken(steady) {
		t.Error("woken by topics of others")
	}
	bus.Tell("a")
	if !woken(steady) {
		t.Error("lost while others came and went")
	}
}

func topics(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("room !%030d", i)
	}
	return all
}

// One waiter in 500 rooms comes and goes, without and with 1,000 others there.
func BenchmarkSubscribe(b *testing.B) {
	for _, others := range []int{0, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			bus, rooms := wake.NewBus(), topics(500)
			for range others {
				bus.Subscribe(rooms...)
			}
			b.ReportAllocs()
			for b.Loop() {
				bus.Subscribe(rooms...).Close()
			}
		})
	}
}

func BenchmarkTell(b *testing.B) {
	for _, waiters := range []int{0, 1, 1000} {
		b.Run(fmt.Sprintf("waiters=%d", waiters), func(b *testing.B) {
			bus := wake.NewBus()
			for range waiters {
				bus.Subscribe("room")
			}
			b.ReportAllocs()
			for b.Loop() {
				bus.Tell("room")
			}
		})
	}
}
