package inbound_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	"plenum/homeserver/inbound"
	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const ada = id.UserID("@ada:one.example")

// people have one device each.
type people struct{}

func (people) MemberProfile(context.Context, id.UserID) (string, string, error) { return "", "", nil }
func (people) DeviceIDs(context.Context, id.UserID) ([]id.DeviceID, error) {
	return []id.DeviceID{"PHONE"}, nil
}
func (people) DeviceNames(context.Context, id.UserID) (map[id.DeviceID]string, error) {
	return map[id.DeviceID]string{"PHONE": ""}, nil
}

// hearers are those of a server with a room of ada's.
func hearers(t testing.TB) (inbound.Hearers, id.RoomID, *storage.DB) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, quiet := storagetest.Open(t, storage.SQLite), slog.New(slog.DiscardHandler)
	log, err := eventlog.New()
	must(err)
	signer := event.NewSigner("one.example", "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32)))
	r, err := rooms.New(db, log, people{}, rooms.Options{ServerName: "one.example", DefaultVersion: "12", Signer: signer}, quiet)
	must(err)
	data, err := userdata.New(db, r, userdata.Options{Presence: true}, quiet)
	must(err)
	keys, err := e2ee.New(t.Context(), db, r, people{}, e2ee.Options{ServerName: "one.example"}, quiet)
	must(err)
	mail, err := todevice.New(db, people{}, todevice.Options{ServerName: "one.example"}, quiet)
	must(err)
	room, err := r.Create(t.Context(), matrix.Principal{User: ada}, rooms.CreateRequest{Preset: "public_chat"})
	must(err)
	return inbound.Hearers{Rooms: &hall{}, Data: data, Keys: keys, ToDevice: mail}, room, db
}

func TestServersSpeakForTheirOwnUsersOnly(t *testing.T) {
	t.Parallel()
	h, _, _ := hearers(t)
	for typ, content := range map[string]string{
		"m.typing":             `{"room_id":"!a","user_id":"@ada:one.example","typing":true}`,
		"m.presence":           `{"push":[{"user_id":"@ada:one.example","presence":"online"}]}`,
		"m.direct_to_device":   `{"sender":"@ada:one.example","type":"m.test","message_id":"1","messages":{"@ada:one.example":{"*":{}}}}`,
		"m.device_list_update": `{"user_id":"@ada:one.example","device_id":"PHONE","stream_id":1}`,
		"m.signing_key_update": `{"user_id":"@ada:one.example"}`,
	} {
		if err := h.Handlers()[typ](t.Context(), "two.example", json.RawMessage(content)); !matrix.IsCode(err, matrix.Forbidden) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	for typ, content := range map[string]string{
		"m.typing":  `{"room_id":"!a","user_id":"@cleo:banned.example","typing":true}`,
		"m.receipt": `{"!a":{"m.read":{"@cleo:banned.example":{"data":{"ts":1},"event_ids":["$a"]}}}}`,
	} {
		if err := h.Handlers()[typ](t.Context(), "banned.example", json.RawMessage(content)); !matrix.IsCode(err, matrix.Forbidden) {
			t.Errorf("%s of a server that is kept out: %v", typ, err)
		}
	}
}

func TestMessagesAreTakenOnce(t *testing.T) {
	t.Parallel()
	h, _, db := hearers(t)
	content := json.RawMessage(`{"sender":"@cleo:two.example","type":"m.test","message_id":"1","messages":{"@ada:one.example":{"*":{"n":1}},"@dora:two.example":{"*":{}}}}`)
	for range 2 {
		if err := h.Handlers()["m.direct_to_device"](t.Context(), "two.example", content); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := h.ToDevice.Pending(t.Context(), ada, "PHONE", 0, db.Committed(), 10)
	if err != nil || len(got) != 1 || string(got[0].JSON) != `{"content":{"n":1},"sender":"@cleo:two.example","type":"m.test"}` {
		t.Errorf("got %d messages (%v): %v", len(got), err, got)
	}
}

// Whatever another server says, it is taken in or refused; nothing fails.
func FuzzHandlers(f *testing.F) {
	h, room, _ := hearers(f)
	handlers := h.Handlers()
	for typ := range handlers {
		for _, content := range []string{
			`{}`, `[]`, `null`, `{"room_id":7}`, `{"push":[null,{}]}`,
			`{"room_id":"` + string(room) + `","user_id":"@cleo:two.example","typing":true}`,
			`{"` + string(room) + `":{"m.read":{"@cleo:two.example":{"data":{"ts":1e99,"thread_id":"\u0000"},"event_ids":["$a"]},"x":null}}}`,
			`{"push":[{"user_id":"@cleo:two.example","presence":"online","last_active_ago":-9223372036854775808,"status_msg":"a"}]}`,
			`{"sender":"@cleo:two.example","type":"\u0000","message_id":"\u0000","messages":{"@ada:one.example":{"*":{},"PHONE":null}}}`,
			`{"user_id":"@cleo:two.example","device_id":"A","stream_id":-1,"prev_id":[1,2],"deleted":true,"keys":{"keys":[]}}`,
			`{"user_id":"@cleo:two.example","master_key":{"usage":["master"],"keys":{"ed25519:a":"a"}},"self_signing_key":7}`,
		} {
			f.Add(typ, content)
		}
	}
	f.Fuzz(func(t *testing.T, typ, content string) {
		handler, ok := handlers[typ]
		if !ok {
			return
		}
		err := handler(context.Background(), "two.example", json.RawMessage(content))
		if refusal := (*matrix.Error)(nil); err != nil && !errors.As(err, &refusal) {
			t.Errorf("%s %s: %v", typ, content, err)
		}
	})
}
