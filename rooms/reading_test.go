package rooms_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

// Readers and writers at the same time: whoever reads after an edit was
// acknowledged finds it, or a newer one.
func TestReadingWhileOthersEdit(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.join(bob, room)
		h.reopen() // nothing is known of the event's relations
		ev := h.say(ada, room, "v0")
		h.reopen()
		var wg sync.WaitGroup
		defer wg.Wait()
		stop := make(chan struct{})
		defer close(stop)
		for range 3 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						h.show(bob, room, ev)
						h.page(bob, room, rooms.Page{Backwards: true, Limit: 5})
					}
				}
			})
		}
		for i := range 30 {
			content := fmt.Sprintf(`{"m.relates_to":{"rel_type":"m.replace","event_id":%q},"m.new_content":{"n":%d}}`, ev, i)
			edit, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", TS: int64(i + 1), Content: json.RawMessage(content)})
			h.must(err)
			h.want(h.show(bob, room, ev), map[string]string{`unsigned.m\.relations.m\.replace.event_id`: string(edit)})
			if i%7 == 6 {
				h.setState(ada, room, "m.room.topic", "", fmt.Sprintf(`{"topic":"%d"}`, i))
				h.redact(ada, room, edit)
			}
		}
	})
}

// crowd makes a room with n members.
func crowd(b *testing.B, n int) (*rooms.Rooms, id.RoomID) {
	b.Helper()
	log, err := eventlog.New()
	if err != nil {
		b.Fatal(err)
	}
	r, err := rooms.New(storagetest.Open(b, storage.SQLite), log, &profiles{names: map[id.UserID]string{}}, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	room, err := r.Create(b.Context(), as(ada), rooms.CreateRequest{Preset: "public_chat"})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := worker; i < n; i += 32 {
				if err := r.Join(b.Context(), as(id.NewUserID(fmt.Sprint("u", i), here)), rooms.MemberChange{Room: room}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return r, room
}

// What a sync asks for, in a room with many members: it costs what changed.
func BenchmarkReading(b *testing.B) {
	const members = 10_000
	r, room := crowd(b, members)
	rm, err := r.Room(b.Context(), room)
	if err != nil {
		b.Fatal(err)
	}
	last := rm.LastPos()
	user := id.NewUserID("u5", here)
	for i := range 20 {
		_, err := r.Send(b.Context(), as(user), rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(fmt.Sprintf(`{"body":"message %d","msgtype":"m.text"}`, i))})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("state at", func(b *testing.B) {
		for b.Loop() {
			s, err := rm.StateAt(b.Context(), last)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok := s.Get("m.room.member", string(user)); !ok {
				b.Fatal("no such member")
			}
		}
	})
	b.Run("state changes", func(b *testing.B) {
		for b.Loop() {
			if _, err := rm.StateChanges(b.Context(), last-3, rm.LastPos()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("20 events", func(b *testing.B) {
		enc := rooms.Encoding{Principal: as(id.NewUserID("u7", here)), Bundle: true}
		var buf []byte
		for b.Loop() {
			evs, _, err := rm.Timeline(b.Context(), last, rm.LastPos(), 20)
			if err != nil {
				b.Fatal(err)
			}
			if evs, err = rm.Visible(b.Context(), enc.Principal.User, evs); err != nil {
				b.Fatal(err)
			}
			if buf, err = r.AppendEventList(b.Context(), buf[:0], enc, rm, evs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("page of 100", func(b *testing.B) {
		enc := rooms.Encoding{Principal: as(id.NewUserID("u7", here)), Bundle: true}
		for b.Loop() {
			c, err := r.Messages(b.Context(), enc.Principal, room, rooms.Page{Backwards: true, Limit: 100})
			if err != nil {
				b.Fatal(err)
			}
			if _, err = r.AppendEventList(b.Context(), nil, enc, rm, c.Events); err != nil {
				b.Fatal(err)
			}
		}
	})
}
