package e2ee_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/remotedevices"
)

const (
	away = "two.example"
	cleo = id.UserID("@cleo:two.example")
)

// abroad is another server with the devices of its users.
type abroad struct {
	mu      sync.Mutex
	devices map[id.UserID]map[id.DeviceID]json.RawMessage
	stream  int64
	down    bool
	queries int // questions about keys
}

func keysIn(user id.UserID, device id.DeviceID, key string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"algorithms":["a"],"device_id":%q,"keys":{"curve25519:%s":%q},"signatures":{},"user_id":%q}`, device, device, key, user))
}

func (a *abroad) set(user id.UserID, device id.DeviceID, key string) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.devices[user] == nil {
		a.devices[user] = map[id.DeviceID]json.RawMessage{}
	}
	a.devices[user][device] = keysIn(user, device, key)
	a.stream++
	return a.stream
}

func (a *abroad) UserDevices(_ context.Context, user id.UserID) (*e2ee.UserDevices, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := &e2ee.UserDevices{User: user, Stream: a.stream}
	for d, keys := range a.devices[user] {
		out.Devices = append(out.Devices, e2ee.ServedDevice{ID: d, Keys: keys})
	}
	return out, nil
}

func (a *abroad) QueryKeys(_ context.Context, _ string, users map[id.UserID][]id.DeviceID) (*e2ee.ServedKeys, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries++
	if a.down {
		return nil, errors.New("down")
	}
	out := &e2ee.ServedKeys{Devices: map[id.UserID]map[id.DeviceID]json.RawMessage{}}
	for user := range users {
		out.Devices[user] = map[id.DeviceID]json.RawMessage{}
		for d, keys := range a.devices[user] {
			out.Devices[user][d] = keys
		}
	}
	return out, nil
}

func (a *abroad) ClaimKeys(context.Context, string, e2ee.Claims) (e2ee.Claimed, error) {
	return nil, errors.New("down")
}

type sameKeys struct{}

func (sameKeys) Key(context.Context, string, string, int64, bool) (ed25519.PublicKey, error) {
	return ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey), nil
}

type noPeers struct{ rooms.Peers }

// federate opens everything anew as a server that speaks to others.
func (h *house) federate(a *abroad) {
	h.Helper()
	log, err := eventlog.New()
	h.must(err)
	quiet := slog.New(slog.DiscardHandler)
	h.rooms, err = rooms.New(h.db, log, h.who, rooms.Options{
		ServerName: here, DefaultVersion: "12", Peers: noPeers{}, Keys: sameKeys{},
		Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet)
	h.must(err)
	h.opt.Peers = a
	h.Keys, err = e2ee.New(h.Context(), h.db, h.rooms, h.who, h.opt, quiet)
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	h.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			h.Error(err)
		}
	})
}

// arrive lets cleo into a room.
func (h *house) arrive(room id.RoomID) {
	h.Helper()
	user := cleo
	template, err := h.rooms.MakeJoin(h.Context(), away, room, user, event.Versions())
	h.must(err)
	v := gjson.ParseBytes(template.Event)
	d := event.Draft{
		Room: room, Sender: user, Type: "m.room.member", StateKey: (*string)(&user),
		Content: json.RawMessage(v.Get("content").Raw), TS: 1, Depth: v.Get("depth").Int(),
	}
	for _, e := range v.Get("prev_events").Array() {
		d.Prev = append(d.Prev, id.EventID(e.Str))
	}
	for _, e := range v.Get("auth_events").Array() {
		d.Auth = append(d.Auth, id.EventID(e.Str))
	}
	rules, _ := event.RulesFor("12")
	p, err := event.Build(rules, d, event.NewSigner(away, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))))
	h.must(err)
	_, err = h.rooms.AcceptJoin(h.Context(), away, room, p.ID, p.JSON)
	h.must(err)
}

// curve returns the key of a device of cleo's as ada is told it.
func (h *house) curve(device id.DeviceID) string {
	h.Helper()
	f, err := h.Query(h.Context(), matrix.Principal{User: ada, Device: "PHONE"}, map[id.UserID][]id.DeviceID{cleo: nil})
	h.must(err)
	return gjson.GetBytes(f.Devices[cleo][device], "keys.curve25519:"+string(device)).Str
}

func (h *house) same(what string, got, want any) {
	h.Helper()
	if got != want {
		h.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestListsOfOthersAreKept(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		a := &abroad{devices: map[id.UserID]map[id.DeviceID]json.RawMessage{}}
		h.federate(a)
		a.set(cleo, "PHONE", "one")
		h.same("before they meet", h.curve("PHONE"), "one")
		h.same("and again", h.curve("PHONE"), "one")
		h.same("strangers are asked for each time", a.queries, 2)
		room, err := h.rooms.Create(h.Context(), matrix.Principal{User: ada}, rooms.CreateRequest{Preset: "public_chat"})
		h.must(err)
		h.arrive(room)
		h.same("when they have met", h.curve("PHONE"), "one")
		h.same("from memory", h.curve("PHONE"), "one")
		h.same("asked once", a.queries, 3)

		// The first update follows on nothing that is known.
		first := a.set(cleo, "PHONE", "two")
		h.must(h.HearList(h.Context(), e2ee.ListUpdate{User: cleo, Device: "PHONE", Stream: first, Prev: []int64{first - 1}, Keys: keysIn(cleo, "PHONE", "two")}))
		h.same("after an update", h.curve("PHONE"), "two")
		h.awaitStream(first) // in the background
		h.same("by the whole list", h.curve("PHONE"), "two")
		asked := a.queries

		// The next ones follow.
		next := a.set(cleo, "PHONE", "three")
		before := h.db.Committed()
		h.must(h.HearList(h.Context(), e2ee.ListUpdate{User: cleo, Device: "PHONE", Stream: next, Prev: []int64{first}, Keys: keysIn(cleo, "PHONE", "three")}))
		h.same("after the next", h.curve("PHONE"), "three")
		changed, _, err := h.Changes(h.Context(), ada, before, h.db.Committed())
		h.must(err)
		h.same("ada hears of it", fmt.Sprint(changed), fmt.Sprint([]id.UserID{cleo}))
		h.must(h.HearList(h.Context(), e2ee.ListUpdate{User: cleo, Device: "PHONE", Stream: next, Prev: []int64{first}, Keys: keysIn(cleo, "PHONE", "again")}))
		h.same("the same again", h.curve("PHONE"), "three")
		h.must(h.HearList(h.Context(), e2ee.ListUpdate{User: cleo, Device: "PHONE", Stream: next + 1, Prev: []int64{next}, Deleted: true}))
		h.same("when it is gone", h.curve("PHONE"), "")
		h.same("without a question", a.queries, asked)
	})
}

// awaitStream waits until cleo's list is known as of a change.
func (h *house) awaitStream(want int64) {
	h.Helper()
	for stream := int64(-1); stream != want; {
		h.must(h.db.Read(h.Context(), func(tx *storage.Tx) error {
			l, _, err := remotedevices.Read(h.Context(), tx, cleo)
			stream = l.Stream
			return err
		}))
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		a := &abroad{devices: map[id.UserID]map[id.DeviceID]json.RawMessage{}, down: true}
		h.federate(a)
		f, err := h.Query(h.Context(), matrix.Principal{User: ada}, map[id.UserID][]id.DeviceID{cleo: nil})
		h.must(err)
		if _, failed := f.Failures[away]; !failed {
			t.Errorf("failures: %v", f.Failures)
		}
		_, failures, err := h.Claim(h.Context(), matrix.Principal{User: ada}, e2ee.Claims{cleo: {"PHONE": "signed_curve25519"}})
		h.must(err)
		if _, failed := failures[away]; !failed {
			t.Errorf("failures: %v", failures)
		}
	})
}

func TestWhatOthersSayOfKeysIsChecked(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		a := &abroad{devices: map[id.UserID]map[id.DeviceID]json.RawMessage{cleo: {
			"PHONE": keysIn(ada, "PHONE", "of another user"), "TABLET": keysIn(cleo, "PHONE", "of another device"),
			"HUGE": json.RawMessage(`{"x":"` + strings.Repeat("x", 100_000) + `"}`), "NONE": json.RawMessage(`7`), "GOOD": keysIn(cleo, "GOOD", "good"),
		}}}
		h.federate(a)
		f, err := h.Query(h.Context(), matrix.Principal{User: ada}, map[id.UserID][]id.DeviceID{cleo: nil})
		h.must(err)
		if len(f.Devices[cleo]) != 1 || f.Devices[cleo]["GOOD"] == nil {
			t.Errorf("taken: %v", f.Devices[cleo])
		}
	})
}

func TestWhatOtherServersAreToldOfDevices(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		a := &abroad{devices: map[id.UserID]map[id.DeviceID]json.RawMessage{}}
		h.federate(a)
		h.who.mu.Lock()
		h.who.devices[ada] = map[id.DeviceID]string{"PHONE": "secret name", "TABLET": ""}
		h.who.mu.Unlock()
		upload := func(device id.DeviceID, key string) {
			_, err := h.Upload(h.Context(), matrix.Principal{User: ada, Device: device}, e2ee.Upload{Device: keysIn(ada, device, key)})
			h.must(err)
		}
		upload("PHONE", "one")
		if _, err := h.Keys.UserDevices(h.Context(), away, ada); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("a server that ada has nothing to do with: %v", err)
		}
		room, err := h.rooms.Create(h.Context(), matrix.Principal{User: ada}, rooms.CreateRequest{Preset: "public_chat"})
		h.must(err)
		h.arrive(room)
		list, err := h.Keys.UserDevices(h.Context(), away, ada)
		h.must(err)
		if len(list.Devices) != 1 || list.Devices[0].Name != "" || list.Stream == 0 {
			t.Errorf("%+v", list)
		}
		since := matrix.Position(list.Stream)
		upload("TABLET", "two")
		upload("PHONE", "three")
		upload("PHONE", "four")
		edus, upto, err := h.ListUpdates(h.Context(), ada, since)
		h.must(err)
		prev := since
		for i, want := range []string{"TABLET two", "PHONE four"} {
			e := gjson.ParseBytes(edus[i].Content)
			device := e.Get("device_id").Str
			h.same("update", device+" "+e.Get("keys.keys.curve25519:"+device).Str, want)
			h.same("what it follows", e.Get("prev_id.0").Int(), int64(prev))
			prev = matrix.Position(e.Get("stream_id").Int())
		}
		h.same("updates", len(edus), 2)
		h.same("up to", upto, prev)
		changes, err := h.ListChanges(h.Context(), since, 10)
		h.must(err)
		h.same("changes", len(changes), 2)
		h.same("the newest", changes[1].Pos, upto)

		all, _, err := h.ListUpdates(h.Context(), ada, 0)
		h.must(err)
		h.same("everything", len(all), 2)
		h.same("follows on nothing", gjson.GetBytes(all[0].Content, "prev_id.#").Int(), int64(0))
	})
}
