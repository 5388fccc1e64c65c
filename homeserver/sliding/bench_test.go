package sliding_test

import (
	"fmt"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/sliding"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// elementX is the state that Element X asks for.
var elementX = []string{
	"m.room.name", "", "m.room.encryption", "", "m.room.member", "$LAZY", "m.room.member", "$ME", "m.room.topic", "",
	"m.room.avatar", "", "m.room.canonical_alias", "", "m.room.power_levels", "", "org.matrix.msc3401.call.member", "*",
	"m.room.join_rules", "", "m.room.tombstone", "", "m.room.create", "", "m.room.history_visibility", "",
	"io.element.functional_members", "", "m.space.parent", "*", "m.space.child", "*", "org.matrix.msc3672.beacon_info", "*",
}

// live makes n rooms in which ada and a few others talk.
func live(b *testing.B, n int) (*house, []id.RoomID) {
	b.Helper()
	h := open(b, storagetest.Open(b, storage.SQLite))
	list := make([]id.RoomID, n)
	var made sync.WaitGroup
	for part := range 16 {
		made.Go(func() {
			for i := part; i < n; i += 16 {
				room := h.public(ada, fmt.Sprintf("Room %d", i))
				for who := range 4 {
					user := id.UserID(fmt.Sprintf("@user%d:%s", who, here))
					h.join(user, room)
					h.read(user, room, h.say(user, room, fmt.Sprintf("message %d", who)))
				}
				list[i] = room
			}
		})
	}
	made.Wait()
	return h, list
}

// scrolling is the connection on which Element X looks at its list of rooms.
func (h *house) scrolling(last int) *client {
	c := h.client(ada)
	c.list("all_rooms", 1, elementX...)
	delete(c.q.Lists, "all")
	c.window("all_rooms", 0, last)
	c.q.Conn = "room-list"
	c.q.Extensions = sliding.Extensions{
		AccountData: &sliding.Scope{}, Receipts: &sliding.Scope{Rooms: []string{"*"}}, Typing: &sliding.Scope{}, TypingName: "typing",
	}
	return c
}

// bare is a request that does not wait. It returns the size of the answer.
func (c *client) bare(b *testing.B) int {
	raw, err := c.engine.Sync(b.Context(), c.who, c.q)
	if err != nil {
		b.Fatal(err)
	}
	return len(raw)
}

// BenchmarkFirst asks for the first rooms of an account, as Element X does
// after signing in.
func BenchmarkFirst(b *testing.B) {
	for _, n := range []int{50, 500, 2000} {
		h, _ := live(b, n)
		for _, size := range []int{20, 100} {
			b.Run(fmt.Sprintf("rooms=%d/window=%d", n, min(size, n)), func(b *testing.B) {
				c := h.scrolling(size - 1)
				b.ReportMetric(float64(c.bare(b)), "bytes/answer")
				b.ReportAllocs()
				for b.Loop() {
					c.bare(b)
				}
			})
		}
		b.Run(fmt.Sprintf("rooms=%d/not-spaces", n), func(b *testing.B) {
			c := h.scrolling(19)
			c.filter("all_rooms", sliding.Filters{NotTypes: []string{"m.space"}})
			c.bare(b)
			for b.Loop() {
				c.bare(b)
			}
		})
		b.Run(fmt.Sprintf("rooms=%d/restarted", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				h.reopen()
				c := h.scrolling(19)
				b.StartTimer()
				c.bare(b)
			}
		})
	}
}

// BenchmarkNext asks for what is new, of a client that knows every room:
// mostly nothing, or one message.
func BenchmarkNext(b *testing.B) {
	for _, n := range []int{50, 500, 2000} {
		h, list := live(b, n)
		c := h.scrolling(n - 1)
		c.sync()
		c.sync()
		b.Run(fmt.Sprintf("rooms=%d/idle", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.sync()
			}
		})
		b.Run(fmt.Sprintf("rooms=%d/message", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				h.say("@user1:"+here, list[i%len(list)], "news")
				b.StartTimer()
				c.sync()
			}
		})
		b.Run(fmt.Sprintf("rooms=%d/mail-only", n), func(b *testing.B) {
			c := h.client(ada)
			c.q.Lists, c.q.Conn = nil, "encryption"
			c.q.Extensions = sliding.Extensions{E2EE: true, ToDevice: &sliding.ToDevice{}}
			c.sync()
			for b.Loop() {
				c.sync()
			}
		})
	}
}
