package sliding_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

func TestTheSameRequestHasTheSameAnswer(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.sync()
		h.say(ada, room, "one")
		first := c.peek()
		h.say(ada, room, "two")
		if again := c.peek(); again.Raw != first.Raw {
			t.Errorf("answered\n%s, then\n%s", first.Raw, again.Raw)
		}
		c.sync()
		c.sync().room(room).want("two")
	})
}

func TestAnotherQuestionAtTheSamePositionIsAnsweredAsIfTheLostAnswerHadNeverBeen(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.list("all", 1, "m.room.name", "")
		c.sync()
		h.say(ada, room, "one")
		h.name(ada, room, "Park")
		lost := c.peek()
		lost.room(room).want("name Park")
		c.list("all", 2, "m.room.name", "")
		a := c.sync()
		a.room(room).want("one", "name Park")
		a.room(room).wantState("name Park")
		c.sync().wantRooms()
		c.q.Pos = lost.Get("pos").Str
		c.refused(matrix.UnknownPos)
	})
}

func TestForeignPositions(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.join(bob, room)
		c := h.client(ada)
		first := c.sync().Get("pos").Str
		c.sync()
		c.sync()
		good := c.q
		for what, change := range map[string]func(*client){
			"of an older answer":   func(c *client) { c.q.Pos = first },
			"of another user":      func(c *client) { c.who.User = bob },
			"of another device":    func(c *client) { c.who.Device = "LAPTOP" },
			"of another name":      func(c *client) { c.q.Conn = "other" },
			"of the long poll":     func(c *client) { c.q.Pos = "s1_1" },
			"of no server at all":  func(c *client) { c.q.Pos = "rubbish" },
			"of a connection lost": func(c *client) { c.q.Pos = "c1_0123456789abcdef_1" },
			"to come":              func(c *client) { c.q.Pos += "0" },
			"that never was":       func(c *client) { c.q.Pos = c.q.Pos[:strings.LastIndex(c.q.Pos, "_")] + "_0" },
		} {
			o := &client{house: h, who: as(ada), q: good}
			change(o)
			t.Log(what)
			o.refused(matrix.UnknownPos)
		}
		c.sync().wantRooms() // the connection has not suffered
		h.reopen()
		c.house = h
		c.refused(matrix.UnknownPos)
		c.q.Pos = ""
		c.sync().wantRooms(room)
	})
}

func TestAPositionIsATokenForHistory(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		h.say(ada, room, "one")
		pos := must(rooms.ParseToken(h.client(ada).sync().Get("pos").Str))(h)
		h.say(ada, room, "two")
		page := must(h.Messages(h.Context(), as(ada), room, rooms.Page{From: &pos, Backwards: true, Limit: 1}))(h)
		if got := page.Events[0].Content().Get("body").Str; got != "one" {
			t.Errorf("before the position there is %q", got)
		}
	})
}

func TestConnectionsDoNotMeet(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		one, two, laptop := h.client(ada), h.client(ada), h.client(ada)
		two.q.Conn, laptop.who.Device = "two", "LAPTOP"
		for _, c := range []*client{one, two, laptop} {
			c.sync().wantRooms(room)
		}
		h.say(ada, room, "hello")
		for _, c := range []*client{one, two, laptop} {
			c.sync().room(room).want("hello")
		}
		again := h.client(ada) // the same connection begins anew
		again.sync().room(room).wantThat("initial", "true")
		one.refused(matrix.UnknownPos)
		two.sync().wantRooms()
	})
}

func TestSupersededRequestsAnswerWithTheirOwnPosition(t *testing.T) {
	each(t, func(h *house) {
		room := h.public(ada, "Garden")
		c := h.client(ada)
		c.sync()
		older := make(chan answer)
		started := make(chan struct{})
		go func() {
			close(started)
			a, err := c.ask(h.Context(), long)
			if err != nil {
				t.Errorf("the older request: %v", err)
			}
			older <- a
		}()
		<-started
		newer := *c
		newer.q.Lists = map[string]sliding.List{"one": {Wish: sliding.Wish{Timeline: 1}}}
		for { // until the older one was there first
			a, err := newer.ask(h.Context(), time.Millisecond)
			h.must(err)
			select {
			case b := <-older:
				if b.Get("pos").Str != c.q.Pos || b.room(room).Exists() {
					t.Errorf("the older one was told %s", b.Raw)
				}
				newer.q.Pos = a.Get("pos").Str
				newer.sync().wantRooms()
				return
			default:
			}
		}
	})
}

func TestSignedOutDevicesAreForgotten(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada, "Garden")
		c, laptop := h.client(ada), h.client(ada)
		laptop.who.Device = "LAPTOP"
		c.sync()
		laptop.sync()
		h.must(h.db.Write(h.Context(), func(tx *storage.Tx) error {
			return h.engine.DevicesGone(h.Context(), tx, ada, []id.DeviceID{"LAPTOP"})
		}))
		laptop.refused(matrix.UnknownPos)
		c.sync().wantRooms()
	})
}

func TestADeviceHasSomeConnectionsOnly(t *testing.T) {
	each(t, func(h *house) {
		h.public(ada, "Garden")
		var all []*client
		for i := range 20 {
			c := h.client(ada)
			c.q.Conn = string(rune('a' + i))
			c.sync()
			all = append(all, c)
			if i == 3 {
				all[0].sync()
			}
		}
		all[0].refused(matrix.UnknownPos)
		all[3].refused(matrix.UnknownPos)
		for _, c := range all[4:] {
			c.sync().wantRooms()
		}
	})
}

// long is more than any wait in a test that works.
const long = time.Minute

// waiting starts a request that waits for news and returns what it is told.
func (c *client) waiting(ctx context.Context) func() (answer, error) {
	type result struct {
		a   answer
		err error
	}
	done := make(chan result, 1)
	asks := *c
	go func() {
		a, err := asks.ask(ctx, long)
		done <- result{a, err}
	}()
	return func() (answer, error) {
		r := <-done
		if r.err == nil {
			c.q.Pos = r.a.Get("pos").Str
		}
		return r.a, r.err
	}
}
