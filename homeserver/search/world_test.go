package search_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search"
	"plenum/internal/filter"
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

// world is a server's rooms with the search in them, and words for what is done
// there.
type world struct {
	testing.TB
	*search.Search
	db    *storage.DB
	rooms *rooms.Rooms
	opt   search.Options
	stop  func() // ends Run

	errors chan string // that are logged
}

// Write notes what is logged.
func (w *world) Write(line []byte) (int, error) {
	select {
	case w.errors <- string(line):
	default:
	}
	return len(line), nil
}

// each runs fn on every engine, in a world in which the index is kept.
func each(t *testing.T, opt search.Options, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := open(t, db, opt)
		w.run()
		fn(w)
	})
}

func open(t testing.TB, db *storage.DB, opt search.Options) *world {
	t.Helper()
	w := &world{TB: t, db: db, opt: opt, stop: func() {}, errors: make(chan string, 1)}
	w.reopen()
	t.Cleanup(func() { w.stop() })
	return w
}

// reopen throws away what is in memory.
func (w *world) reopen() {
	w.Helper()
	log, err := eventlog.New()
	w.must(err)
	quiet := slog.New(slog.DiscardHandler)
	w.rooms, err = rooms.New(w.db, log, profiles{}, rooms.Options{
		ServerName: here, DefaultVersion: "12",
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet)
	w.must(err)
	w.Search = search.New(w.db, w.rooms, w.opt, slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError})))
}

// run keeps the index from now on.
func (w *world) run() { w.stop = w.running(w.Search.Run) }

// running runs fn until the function that is returned is called.
func (w *world) running(fn func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- fn(ctx) }()
	return func() {
		w.Helper()
		w.stop = func() {}
		cancel()
		if err := <-ended; err != nil && ctx.Err() == nil {
			w.Errorf("run: %v", err)
		}
	}
}

// restart stops everything in good order and starts it again.
func (w *world) restart() {
	w.Helper()
	w.stop()
	w.reopen()
	w.run()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func as(user id.UserID) matrix.Principal { return matrix.Principal{User: user, Device: "PHONE"} }

// create makes a public room of those named, the first of whom creates it.
func (w *world) create(people ...id.UserID) id.RoomID {
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

func (w *world) invite(by id.UserID, room id.RoomID, user id.UserID) {
	w.Helper()
	w.must(w.rooms.Invite(w.Context(), as(by), rooms.MemberChange{Room: room, User: user}))
}

func (w *world) ban(by id.UserID, room id.RoomID, user id.UserID) {
	w.Helper()
	w.must(w.rooms.Ban(w.Context(), as(by), rooms.MemberChange{Room: room, User: user}))
}

func (w *world) send(user id.UserID, room id.RoomID, typ, content string) id.EventID {
	w.Helper()
	ev, err := w.rooms.Send(w.Context(), as(user), rooms.Draft{Room: room, Type: typ, Content: json.RawMessage(content)})
	w.must(err)
	return ev
}

func (w *world) say(user id.UserID, room id.RoomID, text string) id.EventID {
	w.Helper()
	return w.send(user, room, "m.room.message", fmt.Sprintf(`{"msgtype":"m.text","body":%s}`, quote(text)))
}

func (w *world) edit(user id.UserID, room id.RoomID, ev id.EventID, text string) id.EventID {
	w.Helper()
	return w.send(user, room, "m.room.message", fmt.Sprintf(
		`{"msgtype":"m.text","body":%s,"m.new_content":{"msgtype":"m.text","body":%s},"m.relates_to":{"rel_type":"m.replace","event_id":%s}}`,
		quote("* "+text), quote(text), quote(string(ev))))
}

func (w *world) set(user id.UserID, room id.RoomID, typ, content string) id.EventID {
	w.Helper()
	key := ""
	ev, err := w.rooms.Send(w.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: json.RawMessage(content)})
	w.must(err)
	return ev
}

func (w *world) redact(user id.UserID, room id.RoomID, ev id.EventID) {
	w.Helper()
	_, err := w.rooms.Redact(w.Context(), as(user), rooms.Redaction{Room: room, Event: ev})
	w.must(err)
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// newest is a query for words anywhere, the newest first.
func newest(term string) search.Query {
	return search.Query{Term: term, Fields: search.Fields{Body: true, Name: true, Topic: true}, Recent: true}
}

// with returns q with a filter.
func with(t testing.TB, q search.Query, f string) search.Query {
	t.Helper()
	var err error
	if q.Filter, err = filter.ParseEvents([]byte(f)); err != nil {
		t.Fatal(err)
	}
	return q
}

func (w *world) ask(user id.UserID, q search.Query) search.Answer {
	w.Helper()
	a, err := w.Search.Search(w.Context(), as(user), q)
	w.must(err)
	return a
}

// texts are what the results of an answer say, as they were sent.
func texts(a search.Answer) string {
	var out []string
	for _, r := range a.Results {
		c := r.Event.Content()
		for _, field := range []gjson.Result{c.Get("body"), c.Get("name"), c.Get("topic")} {
			if field.Exists() {
				out = append(out, field.Str)
			}
		}
	}
	return strings.Join(out, " | ")
}

// finds checks what user finds, in any order.
func (w *world) finds(user id.UserID, term string, want ...string) {
	w.Helper()
	a := w.ask(user, newest(term))
	var got []string
	if text := texts(a); text != "" {
		got = strings.Split(text, " | ")
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want)) // callers share theirs
	if !slices.Equal(got, want) {
		w.Errorf("%s finds %q by %q, want %q", user, got, term, want)
	}
	if a.Count != len(want) {
		w.Errorf("%s finds %d by %q, want %d", user, a.Count, term, len(want))
	}
}
