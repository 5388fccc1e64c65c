package userdata_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"testing"

	"maunium.net/go/mautrix/id"

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

type profiles struct{}

func (profiles) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return user.Localpart(), "", nil
}

// world is a server's rooms and user data, and words for what is done there.
type world struct {
	*testing.T
	*userdata.Data
	db    *storage.DB
	rooms *rooms.Rooms
	opt   userdata.Options
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(open(t, db, userdata.Options{})) })
}

func open(t *testing.T, db *storage.DB, opt userdata.Options) *world {
	t.Helper()
	w := &world{T: t, db: db, opt: opt}
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
	w.Data, err = userdata.New(w.db, w.rooms, w.opt, quiet)
	w.must(err)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) refused(err error, code matrix.Code, status int) {
	w.Helper()
	if !matrix.IsCode(err, code) {
		w.Errorf("got %v, want %s", err, code)
		return
	}
	if got := err.(*matrix.Error).HTTPStatus(); got != status {
		w.Errorf("status %d, want %d", got, status)
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

func (w *world) say(user id.UserID, room id.RoomID, content string) id.EventID {
	w.Helper()
	ev, err := w.rooms.Send(w.Context(), as(user), rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(content)})
	w.must(err)
	return ev
}

// inThread says something in the thread of root.
func (w *world) inThread(user id.UserID, room id.RoomID, root id.EventID) id.EventID {
	w.Helper()
	return w.say(user, room, `{"body":"x","m.relates_to":{"rel_type":"m.thread","event_id":"`+string(root)+`"}}`)
}

func (w *world) set(user id.UserID, room id.RoomID, typ, content string) {
	w.Helper()
	w.must(w.SetAccountData(w.Context(), user, room, typ, json.RawMessage(content)))
}

// datum returns account data, "" when there is none.
func (w *world) datum(user id.UserID, room id.RoomID, typ string) string {
	w.Helper()
	content, err := w.AccountData(w.Context(), user, room, typ)
	if matrix.IsCode(err, matrix.NotFound) {
		return ""
	}
	w.must(err)
	return string(content)
}

// changes returns "room/type content" of what changed after a position.
func (w *world) changes(user id.UserID, after matrix.Position) []string {
	w.Helper()
	data, err := w.AccountDataChanges(w.Context(), user, after, w.db.Committed())
	w.must(err)
	var out []string
	for _, d := range data {
		out = append(out, string(d.Room)+"/"+d.Type+" "+string(d.Content))
	}
	return out
}

// run follows what happens, until the returned function is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Data.Run(ctx) }()
	return func() {
		cancel()
		w.must(<-ended)
	}
}

// receipts returns "@user kind [thread] event" of what user sees changed.
func (w *world) receipts(user id.UserID, room id.RoomID, after matrix.Position) []string {
	w.Helper()
	list, err := w.ReceiptChanges(w.Context(), user, room, after, w.db.Committed())
	w.must(err)
	var out []string
	for _, r := range list {
		s := "@" + r.User.Localpart() + " m.read"
		if r.Private {
			s += ".private"
		}
		if r.Thread != "" {
			s += " [" + string(r.Thread) + "]"
		}
		out = append(out, s+" "+string(r.Event))
	}
	return out
}
