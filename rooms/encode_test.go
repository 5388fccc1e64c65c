package rooms_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// show is an event as user sees it.
func (h *house) show(user id.UserID, room id.RoomID, ev id.EventID) gjson.Result {
	h.Helper()
	return h.showAs(rooms.Encoding{Principal: as(user), RoomID: true, Bundle: true}, room, ev)
}

func (h *house) showAs(enc rooms.Encoding, room id.RoomID, ev id.EventID) gjson.Result {
	h.Helper()
	rm, e, err := h.EventIn(h.Context(), enc.Principal, room, ev)
	if err != nil {
		h.Fatal(err)
	}
	raw, err := h.AppendEvents(h.Context(), nil, enc, rm, []*rooms.Event{e})
	if err != nil {
		h.Fatal(err)
	}
	if !json.Valid(raw) {
		h.Fatalf("not JSON: %s", raw)
	}
	return gjson.ParseBytes(raw)
}

// want compares members of an event with what they have to be; "-" is nothing.
func (h *house) want(ev gjson.Result, members map[string]string) {
	h.Helper()
	for path, want := range members {
		got := ev.Get(path)
		text := got.String()
		if !got.Exists() {
			text = "-"
		}
		if text != want {
			h.Errorf("%s is %s, want %s\nin %s", path, text, want, ev)
		}
	}
}

func (h *house) setState(user id.UserID, room id.RoomID, typ, key, content string) id.EventID {
	h.Helper()
	ev, err := h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: json.RawMessage(content)})
	h.must(err)
	return ev
}

// relate sends an event that relates to parent.
func (h *house) relate(user id.UserID, room id.RoomID, rel string, parent id.EventID, content string) id.EventID {
	h.Helper()
	return h.relateAs(user, room, "m.room.message", rel, parent, content)
}

func (h *house) relateAs(user id.UserID, room id.RoomID, typ, rel string, parent id.EventID, content string) id.EventID {
	h.Helper()
	raw := fmt.Sprintf(`{"m.relates_to":{"rel_type":%q,"event_id":%q},%s}`, rel, parent, content)
	ev, err := h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, Content: json.RawMessage(raw)})
	h.must(err)
	return ev
}

func TestEventsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		ev, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(`{"body":"hi","msgtype":"m.text"}`), Txn: "t1"})
		h.must(err)
		h.join(bob, room)
		shown := h.show(ada, room, ev)
		h.want(shown, map[string]string{
			"type": "m.room.message", "sender": string(ada), "event_id": string(ev), "room_id": string(room), "state_key": "-", "content.body": "hi",
			"unsigned.transaction_id": "t1", "unsigned.membership": "join", "unsigned.prev_content": "-", "unsigned.redacted_because": "-", "unsigned.m\\.relations": "-",
		})
		if age := shown.Get("unsigned.age"); age.Type != gjson.Number || age.Int() < 0 || age.Int() > 60_000 {
			h.Errorf("age is %s", age.Raw)
		}
		// The transaction id is for the device that sent it, and nobody else.
		other := rooms.Encoding{Principal: matrix.Principal{User: ada, Device: "LAPTOP"}}
		h.want(h.showAs(other, room, ev), map[string]string{"unsigned.transaction_id": "-", "room_id": "-"})
		h.want(h.show(bob, room, ev), map[string]string{"unsigned.transaction_id": "-", "unsigned.membership": "leave"})
		h.reopen()
		h.want(h.show(ada, room, ev), map[string]string{"unsigned.transaction_id": "t1", "unsigned.membership": "join"})
		h.want(h.show(bob, room, ev), map[string]string{"unsigned.membership": "leave"})
	})
}

func TestMembershipOnEvents(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		evs := map[string]id.EventID{"leave": h.say(ada, room, "before")}
		h.invite(ada, bob, room)
		evs["invite"] = h.say(ada, room, "invited")
		h.join(bob, room)
		evs["join"] = h.say(ada, room, "joined")
		check := func() {
			for want, ev := range evs {
				h.want(h.show(bob, room, ev), map[string]string{"unsigned.membership": want})
			}
		}
		check()
		h.setState(bob, room, "m.room.member", string(bob), `{"membership":"join","displayname":"Robert"}`)
		check()
		h.reopen()
		check()
		h.leave(bob, room)
		check()
	})
}

func TestWhatAStateEventReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		first := h.setState(ada, room, "m.room.topic", "", `{"topic":"tea"}`)
		h.join(bob, room)
		second := h.setState(ada, room, "m.room.topic", "", `{"topic":"coffee"}`)
		for range 2 {
			h.want(h.show(ada, room, first), map[string]string{"unsigned.replaces_state": "-", "unsigned.prev_content": "-"})
			h.want(h.show(ada, room, second), map[string]string{
				"unsigned.replaces_state": string(first), "unsigned.prev_content.topic": "tea", "unsigned.prev_sender": string(ada),
			})
			// bob was not there yet, and may not see what it was.
			h.want(h.show(bob, room, second), map[string]string{
				"unsigned.replaces_state": string(first), "unsigned.prev_content": "-", "unsigned.prev_sender": "-",
			})
			h.reopen()
		}
	})
}

func TestRedactedEvents(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		ev := h.say(ada, room, "oops")
		by, err := h.Redact(h.Context(), as(ada), rooms.Redaction{Room: room, Event: ev, Content: json.RawMessage(`{"reason":"typo"}`)})
		h.must(err)
		for range 2 {
			h.want(h.show(ada, room, ev), map[string]string{
				"content": "{}", "unsigned.redacted_because.event_id": string(by), "unsigned.redacted_because.content.reason": "typo",
				"unsigned.redacted_because.redacts": string(ev), "unsigned.redacted_because.unsigned.membership": "join",
			})
			h.reopen()
		}
	})
}

func TestEditsAreSummedUp(t *testing.T) {
	t.Parallel()
	const fresh = `"body":"* new","m.new_content":{"body":"new"}`
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		ev := h.say(ada, room, "old")
		edit := `unsigned.m\.relations.m\.replace.event_id`
		h.want(h.show(ada, room, ev), map[string]string{edit: "-"})
		first := h.relate(ada, room, "m.replace", ev, fresh)
		h.want(h.show(bob, room, ev), map[string]string{edit: string(first), "content.body": "old"})
		h.relate(bob, room, "m.replace", ev, fresh)                                    // not his
		h.relate(ada, room, "m.replace", ev, `"body":"* no content"`)                  // says nothing new
		h.relateAs(ada, room, "m.sticker", "m.replace", ev, fresh)                     // another type
		h.relate(ada, room, "m.replace", first, fresh)                                 // an edit of an edit
		h.relate(ada, h.create(ada, withVisibility("shared")), "m.replace", ev, fresh) // from another room
		h.want(h.show(bob, room, ev), map[string]string{edit: string(first)})
		h.want(h.show(bob, room, first), map[string]string{edit: "-"})
		h.reopen()
		h.want(h.show(bob, room, ev), map[string]string{edit: string(first)})

		// The newest by its own clock counts, not by its place in the room.
		late, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.message", TS: 1, Content: json.RawMessage(
			fmt.Sprintf(`{"m.relates_to":{"rel_type":"m.replace","event_id":%q},%s}`, ev, fresh))})
		h.must(err)
		h.want(h.show(bob, room, ev), map[string]string{edit: string(first)})
		second := h.relate(ada, room, "m.replace", ev, fresh)
		h.want(h.show(bob, room, ev), map[string]string{edit: string(second), `unsigned.m\.relations.m\.replace.unsigned.membership`: "join"})

		// Without the newest, the one before it stands; without the event, none.
		h.redact(ada, room, second)
		h.want(h.show(bob, room, ev), map[string]string{edit: string(first)})
		h.redact(ada, room, first)
		h.want(h.show(bob, room, ev), map[string]string{edit: string(late)})
		h.redact(ada, room, ev)
		h.want(h.show(bob, room, ev), map[string]string{edit: "-"})
		h.reopen()
		h.want(h.show(bob, room, ev), map[string]string{edit: "-"})
	})
}

func (h *house) redact(user id.UserID, room id.RoomID, ev id.EventID) {
	h.Helper()
	_, err := h.Redact(h.Context(), as(user), rooms.Redaction{Room: room, Event: ev})
	h.must(err)
}

func TestEncryptedEditsAreTakenOnTrust(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		ev, err := h.Send(h.Context(), as(ada), rooms.Draft{Room: room, Type: "m.room.encrypted", Content: json.RawMessage(`{"ciphertext":"a"}`)})
		h.must(err)
		edit := h.relateAs(ada, room, "m.room.encrypted", "m.replace", ev, `"ciphertext":"b"`)
		h.want(h.show(ada, room, ev), map[string]string{`unsigned.m\.relations.m\.replace.event_id`: string(edit)})
	})
}

func TestThreadsAreSummedUp(t *testing.T) {
	t.Parallel()
	const (
		count  = `unsigned.m\.relations.m\.thread.count`
		latest = `unsigned.m\.relations.m\.thread.latest_event`
		took   = `unsigned.m\.relations.m\.thread.current_user_participated`
	)
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		root := h.say(ada, room, "root")
		h.want(h.show(ada, room, root), map[string]string{count: "-"})
		h.relate(ada, room, "m.thread", root, `"body":"one"`)
		two := h.relate(ada, room, "m.thread", root, `"body":"two"`)
		edit := h.relate(ada, room, "m.replace", two, `"body":"* zwei","m.new_content":{"body":"zwei"}`)
		h.want(h.show(ada, room, root), map[string]string{count: "2", latest + ".event_id": string(two), latest + ".room_id": string(room), took: "true"})
		for range 2 {
			h.want(h.show(bob, room, root), map[string]string{
				count: "2", took: "false", latest + `.unsigned.m\.relations.m\.replace.event_id`: string(edit),
			})
			h.reopen()
		}
		three := h.relate(bob, room, "m.thread", root, `"body":"three"`)
		h.want(h.show(bob, room, root), map[string]string{count: "3", latest + ".event_id": string(three), took: "true"})

		// For whoever ignores bob he said nothing.
		enc := rooms.Encoding{Principal: as(ada), Bundle: true, Ignored: func(u id.UserID) bool { return u == bob }}
		h.want(h.showAs(enc, room, root), map[string]string{count: "2", latest + ".event_id": string(two)})
		h.redact(bob, room, three)
		h.want(h.show(bob, room, root), map[string]string{count: "2", latest + ".event_id": string(two), took: "false"})

		// A root that is redacted still has its thread.
		h.redact(ada, room, root)
		h.want(h.show(bob, room, root), map[string]string{count: "2", "content": "{}"})
	})
}

// Sums tell nothing of events that somebody cannot see.
func TestSumsKeepToWhatIsVisible(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("joined"))
		h.join(bob, room)
		root := h.say(ada, room, "root")
		one := h.relate(ada, room, "m.thread", root, `"body":"one"`)
		h.leave(bob, room)
		h.relate(ada, room, "m.thread", root, `"body":"two"`)
		h.relate(ada, room, "m.replace", root, `"body":"* r","m.new_content":{"body":"r"}`)
		for range 2 {
			h.want(h.show(bob, room, root), map[string]string{
				`unsigned.m\.relations.m\.thread.count`:                 "1",
				`unsigned.m\.relations.m\.thread.latest_event.event_id`: string(one),
				`unsigned.m\.relations.m\.replace`:                      "-",
			})
			h.reopen()
		}
	})
}

func TestReferencesAreListedAndReactionsAreNot(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		poll := h.say(ada, room, "poll")
		a, b := h.relate(ada, room, "m.reference", poll, `"v":1`), h.relate(ada, room, "m.reference", poll, `"v":2`)
		h.relateAs(ada, room, "m.reaction", "m.annotation", poll, `"x":1`)
		h.want(h.show(ada, room, poll), map[string]string{
			`unsigned.m\.relations.m\.reference.chunk`: fmt.Sprintf(`[{"event_id":%q},{"event_id":%q}]`, a, b),
			`unsigned.m\.relations.m\.annotation`:      "-",
		})
		// State events have no sums.
		state := h.setState(ada, room, "m.room.name", "", `{"name":"x"}`)
		h.relate(ada, room, "m.reference", state, `"v":3`)
		h.want(h.show(ada, room, state), map[string]string{`unsigned.m\.relations`: "-"})
	})
}

func TestOtherFormsOfEvents(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		ev := h.say(ada, room, "hi")
		h.want(h.showAs(rooms.Encoding{Principal: as(ada), Federation: true}, room, ev), map[string]string{
			"room_id": string(room), "event_id": "-", "depth": "6", "unsigned.membership": "join",
		})
		f, err := filter.Parse([]byte(`{"event_fields":["content.body","unsigned.membership"]}`))
		h.must(err)
		if got := h.showAs(rooms.Encoding{Principal: as(ada), Fields: f.Fields}, room, ev).Raw; got != `{"content":{"body":"hi"},"unsigned":{"membership":"join"}}` {
			h.Errorf("fields: %s", got)
		}
		h.want(h.showAs(rooms.Encoding{Principal: matrix.Principal{User: ada}}, room, ev), map[string]string{"unsigned.membership": "join"})
	})
}

// Nothing is asked of the database for what a member of a room reads of its
// newest events.
func TestReadingTheNewestNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, withVisibility("shared"))
		h.join(bob, room)
		root := h.say(ada, room, "root")
		h.relate(ada, room, "m.thread", root, `"body":"one"`)
		h.relate(ada, room, "m.replace", root, `"body":"* r","m.new_content":{"body":"r"}`)
		h.setState(ada, room, "m.room.topic", "", `{"topic":"tea"}`)
		h.setState(ada, room, "m.room.topic", "", `{"topic":"coffee"}`)
		rm := h.room(room)
		read := func() {
			evs, _, err := rm.Timeline(h.Context(), 0, rm.LastPos(), 5)
			h.must(err)
			evs, err = rm.Visible(h.Context(), bob, evs)
			h.must(err)
			raw, err := h.AppendEventList(h.Context(), nil, rooms.Encoding{Principal: as(bob), Bundle: true}, rm, evs)
			h.must(err)
			if n := len(gjson.ParseBytes(raw).Array()); n != 5 {
				h.Errorf("read %d events", n)
			}
		}
		read() // the past of the room's visibility is read once
		h.must(h.db.Close())
		read()
	})
}
