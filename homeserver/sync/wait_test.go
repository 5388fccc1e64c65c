package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"plenum/rooms"
)

// long is more than any wait in a test that works.
const long = time.Minute

// waiting starts a sync that waits for news and returns what it is told.
func (c *client) waiting(ctx context.Context) func() (answer, error) {
	type result struct {
		a   answer
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := c.ask(ctx, long)
		done <- result{a, err}
	}()
	return func() (answer, error) {
		r := <-done
		if r.err == nil {
			c.since = r.a.Get("next_batch").Str
		}
		return r.a, r.err
	}
}

func TestASyncWaitsForNews(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		c := h.synced(ada, "")
		for name, act := range map[string]func(){
			"a message":    func() { h.say(bob, room, "hello") },
			"an invite":    func() { h.invite(bob, h.create(bob, rooms.CreateRequest{}), ada) },
			"account data": func() { h.ignore(ada, eve) },
			"typing":       func() { h.must(h.data.SetTyping(h.Context(), as(bob), room, long)) },
		} {
			wait := c.waiting(h.Context())
			act()
			a, err := wait()
			if err != nil || !a.hasNews() {
				t.Errorf("%s: %v, %v", name, a, err)
			}
		}
	})
}

func TestWhatIsNoNewsDoesNotEndTheWait(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada)
		h.join(bob, room)
		h.ignore(ada, bob)
		c := h.synced(ada, "")
		wait := c.waiting(h.Context())
		for range 20 {
			h.say(bob, room, "boo")
		}
		h.say(ada, room, "end")
		a, err := wait()
		h.must(err)
		a.joined(room).want("timeline", "end")
	})
}

func TestAWaitEnds(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada)
		c := h.synced(ada, "")
		a, err := c.ask(h.Context(), time.Millisecond)
		h.must(err)
		a.wantNothing()

		ctx, cancel := context.WithCancel(h.Context())
		wait := c.waiting(ctx)
		cancel()
		if _, err := wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("nobody waits any more: %v", err)
		}
	})
}

func TestAStoppingServerLetsEverybodyGo(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada)
		c := h.synced(ada, "")
		wait := c.waiting(h.Context())
		h.stop()
		a, err := wait()
		h.must(err)
		a.wantNothing()
		h.reopen()
		c.sync().wantNothing() // the token is good
	})
}
