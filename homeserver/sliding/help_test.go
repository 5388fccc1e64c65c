package sliding_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/push"
	"plenum/homeserver/sliding"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

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
	return user.Localpart(), "mxc://one.example/" + user.Localpart(), nil
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
	engine *sliding.Engine
	posts  int // messages from device to device
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
		ServerName: here, DefaultVersion: "12", RoomsInMemory: 3000,
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet))(h)
	h.data = must(userdata.New(h.db, h.Rooms, userdata.Options{PushRules: push.DefaultContent}, quiet))(h)
	h.keys = must(e2ee.New(context.Background(), h.db, h.Rooms, people{}, e2ee.Options{ServerName: here}, quiet))(h)
	h.mail = must(todevice.New(h.db, people{}, todevice.Options{ServerName: here}, quiet))(h)
	h.engine = must(sliding.New(sliding.Sources{
		DB: h.db, Rooms: h.Rooms, Data: h.data, Keys: h.keys, ToDevice: h.mail,
		Push: must(push.New(h.db, h.Rooms, h.data, push.Options{}, quiet))(h),
	}))(h)
	ctx, cancel := context.WithCancel(context.Background())
	parts := []func(context.Context) error{h.data.Run, h.engine.Run}
	done := make(chan struct{}, len(parts))
	for _, run := range parts {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := run(ctx); err != nil {
				h.Errorf("a part ended: %v", err)
			}
		}()
	}
	h.stop = func() {
		cancel()
		for range parts {
			<-done
		}
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

// public makes a room that everybody may join, with a name or without.
func (h *house) public(user id.UserID, name string) id.RoomID {
	h.Helper()
	return h.create(user, rooms.CreateRequest{Preset: "public_chat", Name: name})
}

func (h *house) say(user id.UserID, room id.RoomID, text string) id.EventID {
	h.Helper()
	return h.send(user, room, "m.room.message", fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, text))
}

func (h *house) send(user id.UserID, room id.RoomID, typ, content string) id.EventID {
	h.Helper()
	return must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, Content: json.RawMessage(content)}))(h)
}

func (h *house) set(user id.UserID, room id.RoomID, typ, key, content string) id.EventID {
	h.Helper()
	return must(h.Send(h.Context(), as(user), rooms.Draft{Room: room, Type: typ, StateKey: &key, Content: json.RawMessage(content)}))(h)
}

func (h *house) name(user id.UserID, room id.RoomID, name string) {
	h.Helper()
	h.set(user, room, "m.room.name", "", fmt.Sprintf(`{"name":%q}`, name))
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

func (h *house) kick(user id.UserID, room id.RoomID, whom id.UserID) {
	h.Helper()
	h.must(h.Kick(h.Context(), as(user), rooms.MemberChange{Room: room, User: whom}))
}

func (h *house) ban(user id.UserID, room id.RoomID, whom id.UserID) {
	h.Helper()
	h.must(h.Ban(h.Context(), as(user), rooms.MemberChange{Room: room, User: whom}))
}

// note sets account data.
func (h *house) note(user id.UserID, room id.RoomID, typ, content string) {
	h.Helper()
	h.must(h.data.SetAccountData(h.Context(), user, room, typ, json.RawMessage(content)))
}

func (h *house) ignore(user, whom id.UserID) {
	h.Helper()
	h.note(user, "", "m.ignored_user_list", fmt.Sprintf(`{"ignored_users":{%q:{}}}`, whom))
}

func (h *house) read(user id.UserID, room id.RoomID, ev id.EventID) {
	h.Helper()
	h.must(h.data.SetReceipt(h.Context(), as(user), room, userdata.Read, ev, ""))
}

// client is a connection of a device.
type client struct {
	*house
	who matrix.Principal
	q   sliding.Request // how it asks; Pos is of the last answer
}

// client returns a new connection of a device of user. It looks at all rooms,
// ten events of each and no state, unless it is told otherwise.
func (h *house) client(user id.UserID) *client {
	c := &client{house: h, who: as(user), q: sliding.Request{SetPresence: "offline", Rooms: map[id.RoomID]sliding.Wish{}}}
	c.list("all", 10)
	return c
}

// list makes the client look at a list with these pairs of types and state
// keys, in the words of the unstable form.
func (c *client) list(name string, timeline int, state ...string) *sliding.List {
	if c.q.Lists == nil {
		c.q.Lists = map[string]sliding.List{}
	}
	l := sliding.List{Wish: wish(c.who.User, timeline, state...)}
	c.q.Lists[name] = l
	return &l
}

// window makes the client look at a part of a list.
func (c *client) window(name string, ranges ...int) {
	l := c.q.Lists[name]
	l.Ranges = nil
	for i := 0; i+1 < len(ranges); i += 2 {
		l.Ranges = append(l.Ranges, sliding.Range{First: ranges[i], Last: ranges[i+1]})
	}
	c.q.Lists[name] = l
}

// filter sets the filters of a list.
func (c *client) filter(name string, f sliding.Filters) {
	l := c.q.Lists[name]
	l.Filters = f
	c.q.Lists[name] = l
}

// subscribe makes the client follow a room.
func (c *client) subscribe(room id.RoomID, timeline int, state ...string) {
	c.q.Rooms[room] = wish(c.who.User, timeline, state...)
}

// wish is what pairs of types and state keys mean.
func wish(user id.UserID, timeline int, state ...string) sliding.Wish {
	w := sliding.Wish{Timeline: timeline}
	for i := 0; i+1 < len(state); i += 2 {
		typ, key := &state[i], &state[i+1]
		if *key == "$LAZY" {
			w.State.LazyMembers = true
			continue
		}
		if *key == "$ME" {
			me := string(user)
			key = &me
		}
		e := sliding.Entry{Type: typ, Key: key}
		if *typ == "*" {
			e.Type = nil
		}
		if *key == "*" {
			e.Key = nil
		}
		w.State.Include = append(w.State.Include, e)
	}
	return w
}

// sync asks without waiting and moves on.
func (c *client) sync() answer {
	c.Helper()
	a := c.peek()
	c.q.Pos = a.Get("pos").Str
	return a
}

// peek asks without moving on.
func (c *client) peek() answer {
	c.Helper()
	a, err := c.ask(c.Context(), 0)
	if err != nil {
		c.Fatal(err)
	}
	return a
}

func (c *client) ask(ctx context.Context, timeout time.Duration) (answer, error) {
	q := c.q
	q.Timeout = timeout
	raw, err := c.engine.Sync(ctx, c.who, q)
	if err != nil {
		return answer{}, err
	}
	if !json.Valid(raw) {
		c.Fatalf("not JSON: %s", raw)
	}
	return answer{c, gjson.ParseBytes(raw)}, nil
}

// refused checks that the client is told of a mistake.
func (c *client) refused(code matrix.Code) {
	c.Helper()
	if a, err := c.ask(c.Context(), 0); !matrix.IsCode(err, code) {
		c.Errorf("answered %s, %v, want %s", a.Raw, err, code)
	}
}

// answer is what a client was told.
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

// room returns the entry of a room.
func (a answer) room(room id.RoomID) entry { return entry{a, a.at("rooms", string(room))} }

// wantRooms checks which rooms there are, the liveliest first.
func (a answer) wantRooms(want ...id.RoomID) {
	a.c.Helper()
	got := []id.RoomID{}
	a.Get("rooms").ForEach(func(room, _ gjson.Result) bool {
		got = append(got, id.RoomID(room.Str))
		return true
	})
	if !slices.Equal(got, want) {
		a.c.Errorf("there are the rooms %v, want %v\nin %s", got, want, a.Raw)
	}
}

// wantCount checks how long a list is.
func (a answer) wantCount(list string, want int64) {
	a.c.Helper()
	if got := a.at("lists", list, "count"); !got.Exists() || got.Int() != want {
		a.c.Errorf("list %s has %s rooms, want %d", list, got.Raw, want)
	}
}

// entry is what a client was told of one room.
type entry struct {
	a answer
	gjson.Result
}

// words are the events of a part of an entry: bodies of messages, and for
// others the type and what they say.
func (e entry) words(part string) []string {
	out := []string{}
	for _, ev := range e.Get(part).Array() {
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

// want checks the events of the timeline.
func (e entry) want(words ...string) {
	e.a.c.Helper()
	if got := e.words("timeline"); !slices.Equal(got, words) {
		e.a.c.Errorf("the timeline is %q, want %q\nin %s", got, words, e.Raw)
	}
}

// wantState checks the state, in whatever order.
func (e entry) wantState(words ...string) {
	e.a.c.Helper()
	got := e.words("required_state")
	slices.Sort(got)
	slices.Sort(words)
	if !slices.Equal(got, words) {
		e.a.c.Errorf("the state is %q, want %q\nin %s", got, words, e.Raw)
	}
}

// wantThat checks a value of the entry, written as JSON; empty: not there.
func (e entry) wantThat(path, want string) {
	e.a.c.Helper()
	if got := e.Get(path).Raw; got != want {
		e.a.c.Errorf("%s is %q, want %q\nin %s", path, got, want, e.Raw)
	}
}
