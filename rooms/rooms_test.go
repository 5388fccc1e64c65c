package rooms_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

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

// profiles gives everybody the local part of their id as display name.
type profiles struct {
	mu    sync.Mutex
	names map[id.UserID]string
}

func (p *profiles) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, ok := p.names[user]; ok {
		return name, "", nil
	}
	return user.Localpart(), "", nil
}

// house is the rooms of one database, and words for what is done in them.
type house struct {
	*testing.T
	*rooms.Rooms
	db       *storage.DB
	profiles *profiles
	erased   rooms.Erasures
}

func each(t *testing.T, fn func(h *house)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(open(t, db)) })
}

func open(t *testing.T, db *storage.DB) *house {
	t.Helper()
	h := &house{T: t, db: db, profiles: &profiles{names: map[id.UserID]string{}}}
	h.reopen()
	return h
}

// reopen throws away what is in memory, as a restart does.
func (h *house) reopen() {
	h.Helper()
	log, err := eventlog.New()
	if err != nil {
		h.Fatal(err)
	}
	opt := rooms.Options{
		ServerName: here, DefaultVersion: "12", Erased: h.erased,
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}
	if h.Rooms, err = rooms.New(h.db, log, h.profiles, opt, slog.New(slog.DiscardHandler)); err != nil {
		h.Fatal(err)
	}
}

func as(user id.UserID) matrix.Principal { return matrix.Principal{User: user, Device: "PHONE"} }

func (h *house) create(user id.UserID, q rooms.CreateRequest) id.RoomID {
	h.Helper()
	room, err := h.Create(h.Context(), as(user), q)
	if err != nil {
		h.Fatal(err)
	}
	return room
}

func (h *house) say(user id.UserID, room id.RoomID, text string) id.EventID {
	h.Helper()
	content, err := json.Marshal(map[string]string{"msgtype": "m.text", "body": text})
	if err != nil {
		h.Fatal(err)
	}
	ev, err := h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: "m.room.message", Content: content})
	if err != nil {
		h.Fatal(err)
	}
	return ev
}

func (h *house) join(user id.UserID, room id.RoomID) {
	h.Helper()
	h.must(h.Join(h.Context(), as(user), rooms.MemberChange{Room: room}))
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) refused(err error, code matrix.Code) {
	h.Helper()
	if !matrix.IsCode(err, code) {
		h.Errorf("got %v, want %s", err, code)
	}
}

func (h *house) room(room id.RoomID) *rooms.Room {
	h.Helper()
	rm, err := h.Room(h.Context(), room)
	if err != nil {
		h.Fatal(err)
	}
	return rm
}

func (h *house) state(room id.RoomID, typ, key string) gjson.Result {
	h.Helper()
	e, err := h.room(room).Current(h.Context(), typ, key)
	if err != nil {
		h.Fatal(err)
	}
	if e == nil {
		return gjson.Result{}
	}
	return e.Content()
}

// words are the bodies of the newest messages of a room, oldest first.
func (h *house) words(room id.RoomID) []string {
	h.Helper()
	rm := h.room(room)
	evs, _, err := rm.Timeline(h.Context(), 0, rm.LastPos(), 1000)
	if err != nil {
		h.Fatal(err)
	}
	var out []string
	for _, e := range evs {
		if e.Type == "m.room.message" {
			out = append(out, e.Content().Get("body").Str)
		}
	}
	return out
}

func (h *house) wantWords(room id.RoomID, want ...string) {
	h.Helper()
	if got := h.words(room); fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("said %q, want %q", got, want)
	}
}
