package sync_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/push"
	"plenum/homeserver/sync"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

// passing is what changes in an answer with time.
var passing = regexp.MustCompile(`"age":\d+,|_\d+"`)

const (
	here  = "one.example"
	phone = id.DeviceID("PHONE")

	ada = id.UserID("@ada:one.example")
	bob = id.UserID("@bob:one.example")
	eve = id.UserID("@eve:one.example")
)

// people are users with one device each, who show the local part of their id.
type people struct{}

func (people) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return user.Localpart(), "", nil
}

func (people) DeviceIDs(context.Context, id.UserID) ([]id.DeviceID, error) {
	return []id.DeviceID{phone}, nil
}

func (people) DeviceNames(context.Context, id.UserID) (map[id.DeviceID]string, error) {
	return map[id.DeviceID]string{phone: "phone"}, nil
}

// house is a server's rooms and users, with words for what is done there.
type house struct {
	testing.TB
	*rooms.Rooms
	db     *storage.DB
	data   *userdata.Data
	keys   *e2ee.Keys
	mail   *todevice.Sender
	syncer *sync.Syncer
	stop   context.CancelFunc
}

// each runs fn on every engine.
func each(t *testing.T, fn func(h *house)) {
	t.Helper()
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(open(t, db)) })
}

func open(t testing.TB, db *storage.DB) *house {
	t.Helper()
	h := &house{TB: t, db: db, stop: func() {}}
	h.reopen()
	t.Cleanup(func() { h.stop() })
	return h
}

// reopen throws away what is in memory, as a restart does.
func (h *house) reopen() {
	h.Helper()
	h.stop()
	log, quiet := must(eventlog.New())(h), slog.New(slog.DiscardHandler)
	h.Rooms = must(rooms.New(h.db, log, people{}, rooms.Options{
		ServerName: here, DefaultVersion: "12",
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet))(h)
	h.data = must(userdata.New(h.db, h.Rooms, userdata.Options{Presence: true, PushRules: push.DefaultContent}, quiet))(h)
	h.keys = must(e2ee.New(context.Background(), h.db, h.Rooms, people{}, e2ee.Options{ServerName: here}, quiet))(h)
	h.mail = must(todevice.New(h.db, people{}, todevice.Options{ServerName: here}, quiet))(h)
	h.syncer = must(sync.New(sync.Sources{
		DB: h.db, Rooms: h.Rooms, Data: h.data, Keys: h.keys, ToDevice: h.mail,
		Push: must(push.New(h.db, h.Rooms, h.data, push.Options{}, quiet))(h),
	}))(h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	for _, run := range []func(context.Context) error{h.data.Run, h.syncer.Run} {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := run(ctx); err != nil {
				h.Errorf("a part ended: %v", err)
			}
		}()
	}
	h.stop = func() {
		cancel()
		<-done
		<-done
		h.stop = func() {}
	}
}

// must is for functions that return an error beside their result.
func must[T any](v T, err error) func(*house) T {
	return func(h *house) T {
		h.Helper()
		h.must(err)
		return v
	}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func as(user id.UserID) matrix.Principal { return matrix.Principal{User: user, Device: phone} }

func (h *house) create(user id.UserID, q rooms.CreateRequest) id.RoomID {
	h.Helper()
	return must(h.Create(h.Context(), as(user), q))(h)
}

// public makes a room that everybody may join.
func (h *house) public(user id.UserID) id.RoomID {
	h.Helper()
	return h.create(user, rooms.CreateRequest{Preset: "public_chat"})
}

func (h *house) say(user id.UserID, room id.RoomID, text string) id.EventID {
	h.Helper()
	return h.send(user, room, "m.room.message", map[string]any{"msgtype": "m.text", "body": text})
}

func (h *house) send(user id.UserID, room id.RoomID, typ string, content map[string]any) id.EventID {
	h.Helper()
	return must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, Content: must(json.Marshal(content))(h)}))(h)
}

func (h *house) set(user id.UserID, room id.RoomID, typ, key string, content map[string]any) id.EventID {
	h.Helper()
	return must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: must(json.Marshal(content))(h)}))(h)
}

func (h *house) name(user id.UserID, room id.RoomID, name string) id.EventID {
	h.Helper()
	return h.set(user, room, "m.room.name", "", map[string]any{"name": name})
}

func (h *house) join(user id.UserID, room id.RoomID) {
	h.Helper()
	h.must(h.Join(h.Context(), as(user), rooms.MemberChange{Room: room}))
}

func (h *house) leave(user id.UserID, room id.RoomID) {
	h.Helper()
	h.must(h.Leave(h.Context(), as(user), rooms.MemberChange{Room: room}))
}

func (h *house) invite(user id.UserID, room id.RoomID, whom id.UserID) {
	h.Helper()
	h.must(h.Invite(h.Context(), as(user), rooms.MemberChange{Room: room, User: whom}))
}

func (h *house) ignore(user, whom id.UserID) {
	h.Helper()
	content := fmt.Appendf(nil, `{"ignored_users":{%q:{}}}`, whom)
	h.must(h.data.SetAccountData(h.Context(), user, "", "m.ignored_user_list", content))
}

// client is a device that syncs.
type client struct {
	*house
	who   matrix.Principal
	since string
	query sync.Query // how it asks; Since and Timeout aside
}

// client returns a new device of user, which has not synced yet.
func (h *house) client(user id.UserID, filter string) *client {
	return &client{house: h, who: as(user), query: sync.Query{Filter: filter, SetPresence: "offline"}}
}

// synced returns a device that knows everything so far.
func (h *house) synced(user id.UserID, filter string) *client {
	h.Helper()
	c := h.client(user, filter)
	c.sync()
	return c
}

// sync syncs without waiting and moves on.
func (c *client) sync() answer {
	c.Helper()
	a := c.peek()
	c.since = a.Get("next_batch").Str
	return a
}

// peek syncs without moving on.
func (c *client) peek() answer {
	c.Helper()
	a, err := c.ask(c.Context(), 0)
	if err != nil {
		c.Fatal(err)
	}
	return a
}

func (c *client) ask(ctx context.Context, timeout time.Duration) (answer, error) {
	q := c.query
	q.Since, q.Timeout = c.since, timeout
	raw, err := c.syncer.Sync(ctx, c.who, q)
	if err != nil {
		return answer{}, err
	}
	if !json.Valid(raw) {
		c.Fatalf("not JSON: %s", raw)
	}
	return answer{c, gjson.ParseBytes(raw)}, nil
}

// answer is what a sync was told.
type answer struct {
	c *client
	gjson.Result
}

// at returns what an answer has under a path of plain names.
func (a answer) at(path ...string) gjson.Result {
	r := a.Result
	for _, name := range path {
		r = r.Get(gjson.Escape(name))
	}
	return r
}

// joined returns the entry of a joined room.
func (a answer) joined(room id.RoomID) entry { return entry{a, a.at("rooms", "join", string(room))} }

func (a answer) left(room id.RoomID) entry { return entry{a, a.at("rooms", "leave", string(room))} }

func (a answer) invited(room id.RoomID) entry {
	return entry{a, a.at("rooms", "invite", string(room))}
}

// hasNews reports whether there is more than what goes with every answer.
func (a answer) hasNews() bool {
	for name := range a.Map() {
		switch name {
		case "next_batch", "device_one_time_keys_count", "device_unused_fallback_key_types":
		default:
			return true
		}
	}
	return false
}

// wantNothing checks that there is no news.
func (a answer) wantNothing() {
	a.c.Helper()
	if a.hasNews() {
		a.c.Errorf("there is news: %s", a.Raw)
	}
}

// entry is what a sync was told of one room.
type entry struct {
	a answer
	gjson.Result
}

// words are the events of a part of an entry: bodies of messages, and for
// others the type and what they say.
func (e entry) words(part string) []string {
	out := []string{}
	for _, ev := range e.Get(gjson.Escape(part) + ".events").Array() {
		switch typ := ev.Get("type").Str; typ {
		case "m.room.message":
			out = append(out, ev.Get("content.body").Str)
		case "m.room.member":
			out = append(out, id.UserID(ev.Get("state_key").Str).Localpart()+" "+ev.Get("content.membership").Str)
		case "m.room.name":
			out = append(out, "name "+ev.Get("content.name").Str)
		default:
			out = append(out, typ)
		}
	}
	return out
}

// want checks the events of a part of an entry.
func (e entry) want(part string, words ...string) {
	e.a.c.Helper()
	if got := e.words(part); !slices.Equal(got, words) {
		e.a.c.Errorf("%s is %q, want %q\nin %s", part, got, words, e.Raw)
	}
}

// wantIn checks that a part of an entry has words among others.
func (e entry) wantIn(part string, words ...string) {
	e.a.c.Helper()
	got := e.words(part)
	for _, w := range words {
		if !slices.Contains(got, w) {
			e.a.c.Errorf("%s is %q, want %q among them", part, got, w)
		}
	}
}

// wantNotIn checks that a part of an entry has none of words.
func (e entry) wantNotIn(part string, words ...string) {
	e.a.c.Helper()
	got := e.words(part)
	for _, w := range words {
		if slices.Contains(got, w) {
			e.a.c.Errorf("%s is %q, want no %q", part, got, w)
		}
	}
}

// wantEntry checks whether there is an entry.
func (e entry) wantEntry(want bool) {
	e.a.c.Helper()
	if e.Exists() != want {
		e.a.c.Errorf("there is an entry: %v, want %v\nin %s", e.Exists(), want, e.a.Raw)
	}
}

// wantLimited checks whether the timeline is limited.
func (e entry) wantLimited(want bool) {
	e.a.c.Helper()
	if got := e.Get("timeline.limited").Bool(); got != want {
		e.a.c.Errorf("limited is %v, want %v", got, want)
	}
}
