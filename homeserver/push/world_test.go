package push_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
	eve  = id.UserID("@eve:one.example")
)

// profiles call everybody by the first part of their id, with Lady before it.
type profiles struct{}

func (profiles) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return "Lady " + user.Localpart(), "", nil
}

// world is a server's rooms and push, and words for what is done there.
type world struct {
	testing.TB
	*push.Push
	db    *storage.DB
	rooms *rooms.Rooms
	data  *userdata.Data
	opt   push.Options
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(open(t, db, push.Options{})) })
}

func open(t testing.TB, db *storage.DB, opt push.Options) *world {
	t.Helper()
	w := &world{TB: t, db: db, opt: opt}
	w.restart()
	return w
}

// restart throws away what is in memory.
func (w *world) restart() {
	w.Helper()
	log, err := eventlog.New()
	w.must(err)
	quiet := slog.New(slog.DiscardHandler)
	w.rooms, err = rooms.New(w.db, log, profiles{}, rooms.Options{
		ServerName: here, DefaultVersion: "12",
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet)
	w.must(err)
	w.data, err = userdata.New(w.db, w.rooms, userdata.Options{PushRules: push.DefaultContent, UsersInMemory: w.opt.UsersInMemory}, quiet)
	w.must(err)
	w.Push, err = push.New(w.db, w.rooms, w.data, w.opt, quiet)
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) refused(err error, code matrix.Code) {
	w.Helper()
	if !matrix.IsCode(err, code) {
		w.Errorf("got %v, want %s", err, code)
	}
}

func as(user id.UserID) matrix.Principal { return matrix.Principal{User: user, Device: "PHONE"} }

// room makes a public room of those named, the first of whom creates it.
func (w *world) room(people ...id.UserID) id.RoomID {
	w.Helper()
	room, err := w.rooms.Create(w.Context(), as(people[0]), rooms.CreateRequest{Preset: "public_chat"})
	w.must(err)
	for _, user := range people[1:] {
		w.join(user, room)
	}
	return room
}

func (w *world) join(user id.UserID, room id.RoomID) {
	w.Helper()
	w.must(w.rooms.Join(w.Context(), as(user), rooms.MemberChange{Room: room}))
}

func (w *world) leave(user id.UserID, room id.RoomID) {
	w.Helper()
	w.must(w.rooms.Leave(w.Context(), as(user), rooms.MemberChange{Room: room}))
}

// send sends an event of typ; where content is not JSON, it is the text of a message.
func (w *world) send(user id.UserID, room id.RoomID, typ, content string) id.EventID {
	w.Helper()
	if content == "" || content[0] != '{' {
		content = fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, content)
	}
	ev, err := w.rooms.Send(w.Context(), as(user), rooms.Draft{Room: room, Type: typ, Content: json.RawMessage(content)})
	w.must(err)
	return ev
}

func (w *world) say(user id.UserID, room id.RoomID, content string) id.EventID {
	w.Helper()
	return w.send(user, room, "m.room.message", content)
}

// relate sends a message that relates to another one.
func (w *world) relate(user id.UserID, room id.RoomID, relType string, to id.EventID) id.EventID {
	w.Helper()
	return w.say(user, room, fmt.Sprintf(`{"body":"x","m.relates_to":{"rel_type":%q,"event_id":%q,"key":"k"}}`, relType, to))
}

func (w *world) read(user id.UserID, room id.RoomID, ev, thread id.EventID) {
	w.Helper()
	w.must(w.data.SetReceipt(w.Context(), as(user), room, userdata.Read, ev, thread))
}

func (w *world) in(room id.RoomID) *rooms.Room {
	w.Helper()
	rm, err := w.rooms.Room(w.Context(), room)
	w.must(err)
	return rm
}

func (w *world) counts(user id.UserID, room id.RoomID) push.Counts {
	w.Helper()
	c, err := w.Counts(w.Context(), user, w.in(room), w.db.Committed())
	w.must(err)
	return c
}

// unread returns "notifications/highlights" of the main timeline, and of each thread.
func (w *world) unread(user id.UserID, room id.RoomID) string {
	w.Helper()
	c := w.counts(user, room)
	s := fmt.Sprintf("%d/%d", c.Notifications, c.Highlights)
	for _, t := range c.Threads {
		s += fmt.Sprintf(" +%d/%d", t.Notifications, t.Highlights)
	}
	return s
}

// want checks the counts as they are, and as they are after a restart.
func (w *world) want(what string, user id.UserID, room id.RoomID, counts string) {
	w.Helper()
	if got := w.unread(user, room); got != counts {
		w.Errorf("%s: unread %s, want %s", what, got, counts)
	}
	w.restart()
	if got := w.unread(user, room); got != counts {
		w.Errorf("%s, after a restart: unread %s, want %s", what, got, counts)
	}
}

// rule makes a rule of a user.
func (w *world) rule(user id.UserID, kind push.Kind, name, rule string) {
	w.Helper()
	w.must(w.SetRule(w.Context(), user, kind, name, newRule(rule), push.Place{}))
}

func newRule(rule string) (n push.NewRule) {
	if err := json.Unmarshal([]byte(rule), &n); err != nil {
		panic(err)
	}
	return n
}
