package rooms_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// forger builds events of a user of another server by hand, on whatever it
// likes.
type forger struct {
	*house // where the events go
	room   id.RoomID
	signer *event.Signer
	rules  *event.Rules
	ts     int64
}

// forge lets cleo of two.example join room, and returns what builds her events.
func (n *town) forge(room id.RoomID) *forger {
	n.Helper()
	one, two := n.houses[here], n.houses[away]
	two.must(two.Join(n.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}}))
	return &forger{
		house: one, room: room, rules: one.room(room).Rules(), ts: 1 << 40,
		signer: event.NewSigner(away, "ed25519:1", n.key(away)),
	}
}

// build makes an event on prev, authorised by the state as it is now.
func (f *forger) build(d event.Draft, prev ...id.EventID) *event.PDU {
	f.Helper()
	rm := f.house.room(f.room)
	d.Room, d.Prev, d.Sender = f.room, prev, cleo
	for _, ev := range prev {
		if e, err := f.Event(f.Context(), ev); err == nil {
			d.Depth = max(d.Depth, e.Depth+1)
		}
	}
	d.Depth = max(d.Depth, 1)
	f.ts++
	d.TS = f.ts
	if d.Auth == nil {
		for _, k := range auth.Needed(&event.PDU{Room: f.room, Sender: cleo, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Rules: f.rules}) {
			e, err := rm.Current(f.Context(), k.Type, k.Key)
			f.must(err)
			if e != nil {
				d.Auth = append(d.Auth, e.ID)
			}
		}
	}
	p, err := event.Build(f.rules, d, f.signer)
	f.must(err)
	return p
}

func (f *forger) message(text string, prev ...id.EventID) *event.PDU {
	f.Helper()
	content, _ := json.Marshal(map[string]string{"msgtype": "m.text", "body": text})
	return f.build(event.Draft{Type: "m.room.message", Content: content}, prev...)
}

func (f *forger) receive(p *event.PDU) error {
	_, err := f.Receive(f.Context(), away, p.JSON)
	return err
}

func (f *forger) heads() []id.EventID { return f.house.room(f.room).Heads() }

func TestEventsBuiltOnRejectedOnes(t *testing.T) {
	t.Parallel()
	n := newTown(t, here, away)
	room := n.houses[here].create(ada, rooms.CreateRequest{Preset: "public_chat"})
	f := n.forge(room)
	key := ""
	bad := f.build(event.Draft{Type: "m.room.name", StateKey: &key, Content: []byte(`{"name":"mine"}`)}, f.heads()...)
	f.refused(f.receive(bad), matrix.Forbidden)
	f.refused(f.receive(bad), matrix.Forbidden) // once more
	if err := f.receive(f.message("after", bad.ID)); err != nil {
		t.Fatal(err)
	}
	if name := f.state(room, "m.room.name", "").Get("name"); name.Exists() {
		t.Errorf("the room is called %s", name)
	}
	f.say(ada, room, "well")
	if heads := f.heads(); len(heads) != 1 || slices.Contains(heads, bad.ID) {
		t.Errorf("heads: %v", heads)
	}
	if texts := f.texts(room); !slices.Equal(texts, []string{"after", "well"}) {
		t.Errorf("messages: %v", texts)
	}
}

func TestSoftFailedEventsAreNotShown(t *testing.T) {
	t.Parallel()
	n := newTown(t, here, away)
	room := n.houses[here].create(ada, rooms.CreateRequest{Preset: "public_chat"})
	f := n.forge(room)
	before := f.heads()
	old := f.message("before the ban, heard later", before...)
	f.must(f.Ban(t.Context(), as(ada), rooms.MemberChange{Room: room, User: cleo}))
	f.refused(f.receive(old), matrix.Forbidden)
	if err := f.receive(f.message("on top of it", old.ID)); err == nil {
		t.Error("somebody who is banned was heard")
	}
	if texts := f.texts(room); len(texts) > 0 {
		t.Errorf("messages: %v", texts)
	}
	if heads := f.heads(); len(heads) != 1 || slices.Contains(heads, old.ID) {
		t.Errorf("heads: %v", heads)
	}
}

func TestRedactionsThatComeFirst(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"6", "11"} {
		n := newTown(t, here, away)
		room := n.houses[here].create(ada, rooms.CreateRequest{Preset: "public_chat", RoomVersion: version})
		f := n.forge(room)
		heads := f.heads()
		target := f.message("regretted", heads...)
		redaction := f.build(event.Draft{Type: "m.room.redaction", Redacts: target.ID, Content: []byte(`{}`)}, heads...)
		f.must(f.receive(redaction))
		f.must(f.receive(target))
		e, err := f.Event(t.Context(), target.ID)
		f.must(err)
		if e.Content().Get("body").Exists() || e.RedactedBy == 0 {
			t.Errorf("v%s: the message is still there: %s", version, e.PDU)
		}
	}
}

func TestForkOutlivesRestart(t *testing.T) {
	t.Parallel()
	n := newTown(t, here, away)
	one := n.houses[here]
	room := one.create(ada, rooms.CreateRequest{Preset: "public_chat"})
	f := n.forge(room)
	base := f.heads()
	for i := range 3 {
		if err := f.receive(f.message(fmt.Sprint(i), base...)); err != nil {
			t.Fatal(err)
		}
	}
	one.set(ada, room, "m.room.topic", "", `{"topic":"x"}`)
	if err := f.receive(f.message("late", base...)); err != nil {
		t.Fatal(err)
	}
	heads, state := f.heads(), one.stateOf(room)
	if len(heads) != 2 {
		t.Fatalf("heads: %v", heads)
	}
	n.reopen(here)
	if got := f.heads(); !slices.Equal(got, heads) {
		t.Errorf("heads: %v, were %v", got, heads)
	}
	if !maps.Equal(one.stateOf(room), state) {
		t.Error("the state is another one")
	}
	one.say(ada, room, "joined up")
	n.reopen(here)
	if got := f.heads(); len(got) != 1 {
		t.Errorf("heads: %v", got)
	}
}

func TestStrangeEventsAreRefused(t *testing.T) {
	t.Parallel()
	n := newTown(t, here, away)
	room := n.houses[here].create(ada, rooms.CreateRequest{Preset: "public_chat"})
	f := n.forge(room)
	good := f.message("x", f.heads()...)
	forged := f.signer
	f.signer = event.NewSigner(away, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32)))
	unsigned := f.message("y", f.heads()...)
	f.signer = forged
	nowhere := f.message("z", "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	unknown := f.build(event.Draft{Type: "m.room.message", Content: []byte(`{}`), Auth: []id.EventID{"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}, f.heads()...)
	for name, raw := range map[string]string{
		"signed with another key":      string(unsigned.JSON),
		"built on nothing known":       string(nowhere.JSON),
		"authorised by nothing known":  string(unknown.JSON),
		"of no room":                   `{"type":"m.room.message"}`,
		"of an unknown room":           `{"room_id":"!x:y"}`,
		"not an object":                `[1]`,
		"without what every event has": fmt.Sprintf(`{"room_id":%q}`, room),
	} {
		if _, err := f.Receive(t.Context(), away, json.RawMessage(raw)); err == nil {
			t.Errorf("taken: %s", name)
		}
	}
	f.must(f.receive(good))
	f.must(f.receive(good)) // duplicates are no mistake
	if texts := f.texts(room); !slices.Equal(texts, []string{"x"}) {
		t.Errorf("messages: %v", texts)
	}
}
