package rooms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

func message(room id.RoomID, text, txn string) rooms.Draft {
	return rooms.Draft{Room: room, Type: "m.room.message", Txn: txn, Content: json.RawMessage(fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, text))}
}

func TestTransactionIDs(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{})
		first, err := h.Send(h.Context(), as(ada), message(room, "once", "t1"))
		h.must(err)
		again, err := h.Send(h.Context(), as(ada), message(room, "once", "t1"))
		h.must(err)
		h.reopen()
		after, err := h.Send(h.Context(), as(ada), message(room, "once", "t1"))
		h.must(err)
		if first != again || first != after {
			t.Errorf("%s, then %s, after a restart %s", first, again, after)
		}
		laptop := matrix.Principal{User: ada, Device: "LAPTOP"}
		if _, err := h.Send(h.Context(), laptop, message(room, "twice", "t1")); err != nil {
			t.Fatal(err)
		}
		h.wantWords(room, "once", "twice")
	})
}

func TestTheSameTransactionAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{})
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := h.Send(context.Background(), as(ada), message(room, "once", "t")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		h.wantWords(room, "once")
	})
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat", InitialState: []rooms.InitialState{{Type: "m.room.encryption", Content: json.RawMessage(`{"algorithm":"m.megolm.v1.aes-sha2"}`)}}})
		h.join(bob, room)
		empty, other := "", string(ada)
		for _, c := range []struct {
			who  id.UserID
			d    rooms.Draft
			code matrix.Code
		}{
			{eve, message(room, "x", ""), matrix.Forbidden},
			{eve, message("!none:one.example", "x", ""), matrix.Forbidden},
			{ada, rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(`[]`)}, matrix.BadJSON},
			{ada, rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(`{"a":1.5}`)}, matrix.BadJSON},
			{ada, message(room, strings.Repeat("x", 66_000), ""), matrix.TooLarge},
			{ada, rooms.Draft{Room: room, Type: strings.Repeat("x", 256), Content: json.RawMessage(`{}`)}, matrix.TooLarge},
			{ada, rooms.Draft{Room: room, Type: "m.room.member", Content: json.RawMessage(`{}`)}, matrix.BadJSON},
			{ada, rooms.Draft{Room: room, Type: "m.room.create", StateKey: &empty, Content: json.RawMessage(`{}`)}, matrix.BadJSON},
			{ada, rooms.Draft{Room: room, Type: "m.room.encryption", StateKey: &empty, Content: json.RawMessage(`{}`)}, matrix.Forbidden},
			{ada, rooms.Draft{Room: room, Type: "m.room.encryption", StateKey: &empty, Content: json.RawMessage(`{"algorithm":"none"}`)}, matrix.Forbidden},
			{ada, rooms.Draft{Room: room, Type: "m.room.canonical_alias", StateKey: &empty, Content: json.RawMessage(`{"alias":"#none:one.example"}`)}, matrix.BadAlias},
			{bob, rooms.Draft{Room: room, Type: "m.room.name", StateKey: &empty, Content: json.RawMessage(`{"name":"mine"}`)}, matrix.Forbidden},
			{bob, rooms.Draft{Room: room, Type: "org.example.x", StateKey: &other, Content: json.RawMessage(`{}`)}, matrix.Forbidden},
		} {
			_, err := h.Send(h.Context(), as(c.who), c.d)
			h.refused(err, c.code)
		}
		rm, err := h.Room(h.Context(), room)
		h.must(err)
		encryption, err := rm.Current(h.Context(), "m.room.encryption", "")
		h.must(err)
		_, err = h.Redact(h.Context(), as(ada), rooms.Redaction{Room: room, Event: encryption.ID})
		h.refused(err, matrix.Forbidden)
		h.say(bob, room, "still works")
	})
}

func TestSameStateIsOneEvent(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room, key := h.create(ada, rooms.CreateRequest{}), ""
		d := rooms.Draft{Room: room, Type: "m.room.topic", StateKey: &key, Content: json.RawMessage(`{"topic":"a", "x":1}`)}
		first, err := h.Send(h.Context(), as(ada), d)
		h.must(err)
		d.Content = json.RawMessage(`{"x":1,"topic":"a"}`)
		again, err := h.Send(h.Context(), as(ada), d)
		if h.must(err); first != again {
			t.Errorf("%s and %s", first, again)
		}
	})
}

func TestReactingTwice(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{})
		said := h.say(ada, room, "x")
		react := func(key string) error {
			_, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.reaction",
				Content: json.RawMessage(fmt.Sprintf(`{"m.relates_to":{"rel_type":"m.annotation","event_id":%q,"key":%q}}`, said, key))})
			return err
		}
		h.must(react("+1"))
		h.must(react("-1"))
		h.refused(react("+1"), matrix.DuplicateAnnotation)
	})
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := h.Context()
		room := h.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		h.join(bob, room)
		h.join(eve, room)
		said := h.say(bob, room, "secret")
		_, err := h.Redact(ctx, as(eve), rooms.Redaction{Room: room, Event: said})
		h.refused(err, matrix.Forbidden)
		_, err = h.Redact(ctx, as(ada), rooms.Redaction{Room: room, Event: "$none"})
		h.refused(err, matrix.NotFound)
		by, err := h.Redact(ctx, as(ada), rooms.Redaction{Room: room, Event: said, Content: json.RawMessage(`{"reason":"spam"}`), Txn: "r"})
		h.must(err)
		again, err := h.Redact(ctx, as(ada), rooms.Redaction{Room: room, Event: said, Txn: "r"})
		if h.must(err); by != again {
			t.Errorf("%s and %s", by, again)
		}
		for range 2 {
			e, err := h.Event(ctx, said)
			if h.must(err); strings.Contains(string(e.PDU), "secret") || strings.Contains(string(e.Client), "secret") || e.RedactedBy == 0 {
				t.Errorf("after redaction: %s, by %d", e.PDU, e.RedactedBy)
			}
			h.reopen()
		}
		// Power levels that are redacted hold no longer, for the very next event too.
		key := ""
		levels, err := h.Send(ctx, as(ada), rooms.Draft{Room: room, Type: "m.room.power_levels", StateKey: &key,
			Content: json.RawMessage(`{"events":{"m.room.topic":0},"notifications":{"room":1}}`)})
		h.must(err)
		topic := rooms.Draft{Room: room, Type: "org.example.x", StateKey: &key, Content: json.RawMessage(`{}`)}
		_, err = h.Send(ctx, as(bob), topic)
		h.refused(err, matrix.Forbidden)
		_, err = h.Redact(ctx, as(ada), rooms.Redaction{Room: room, Event: levels})
		h.must(err)
		if h.state(room, "m.room.power_levels", "").Get("notifications").Exists() {
			t.Error("redacted levels are still in force")
		}
	})
}

// Many send at once; the log has every acknowledged message once and each
// sender's in order, in memory and on disk.
func TestConcurrentSenders(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		const senders, each = 8, 25
		var list []id.RoomID
		for range 3 {
			list = append(list, h.create(ada, rooms.CreateRequest{Preset: "public_chat"}))
		}
		var all sync.WaitGroup
		for n := range senders {
			user := id.UserID(fmt.Sprintf("@u%d:one.example", n))
			for _, room := range list {
				h.join(user, room)
			}
			all.Go(func() {
				for i := range each {
					_, err := h.Send(context.Background(), as(user), message(list[i%len(list)], fmt.Sprintf("%d/%d", n, i), fmt.Sprint(i)))
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		for range 2 {
			count := 0
			for _, room := range list {
				last := map[int]int{}
				for _, w := range h.words(room) {
					var n, i int
					if _, err := fmt.Sscanf(w, "%d/%d", &n, &i); err != nil {
						t.Fatal(err)
					}
					if old, ok := last[n]; ok && i <= old {
						t.Errorf("%s after %d/%d", w, n, old)
					}
					last[n] = i
					count++
				}
			}
			if count != senders*each {
				t.Errorf("%d messages, want %d", count, senders*each)
			}
			h.reopen()
		}
	})
}

func TestFollowSeesEverythingInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{})
		for i := range 300 {
			h.say(ada, room, fmt.Sprint(i))
		}
		h.reopen() // nothing of it is in memory
		h.say(ada, room, "300")
		enough := errors.New("enough")
		next, last := 0, matrix.Position(0)
		err := h.Follow(h.Context(), 0, func(evs []*rooms.Event) error {
			for _, e := range evs {
				if e.Pos <= last {
					t.Errorf("position %d after %d", e.Pos, last)
				}
				last = e.Pos
				if e.Type != "m.room.message" {
					continue
				}
				if got := e.Content().Get("body").Str; got != fmt.Sprint(next) {
					t.Errorf("got %s, want %d", got, next)
				}
				if next++; next == 301 {
					return enough
				}
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	})
}
