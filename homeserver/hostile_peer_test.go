package homeserver_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/sjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/rooms/event"
)

// enemy is a server that has a user in a room of ada's and means no good.
type enemy struct {
	*testing.T
	one  *hstest.Server
	evil *hstest.Peer
	ada  *hstest.Client
	room id.RoomID
	eve  *hstest.Stay
}

func newEnemy(t *testing.T, version string, log *slog.Logger) *enemy {
	t.Helper()
	n := hstest.NewNetwork()
	one := hstest.New(t, hstest.Options{Network: n, Log: log})
	e := &enemy{T: t, one: one, evil: hstest.NewPeer(t, n, "evil.example"), ada: one.Client("ada")}
	e.room = e.ada.CreateRoom(hstest.Public, hstest.More{"room_version": version})
	e.eve = e.evil.Join(one, e.room, e.evil.User("eve"))
	return e
}

// refused sends an event of which nothing may be taken.
func (e *enemy) refused(what string, pdu []byte) {
	e.Helper()
	results := e.evil.Send(e.one, []json.RawMessage{pdu})
	for ev, r := range results.Map() {
		if r.Get("error").Str == "" {
			e.Errorf("%s: %s was taken", what, ev)
		}
	}
}

func content(v hstest.More) json.RawMessage {
	raw, _ := json.Marshal(v) // it always marshals
	return raw
}

func ptr(s string) *string { return &s }

func edited(e *event.PDU, path string, value any) []byte {
	raw, _ := sjson.SetBytes(slices.Clone(e.JSON), path, value) // paths of ours
	return raw
}

// TestHostilePeer sends what a server sends that breaks the rules, and sees
// that nothing of it comes into the room, that the room goes on, and that
// nothing goes wrong in the server itself.
func TestHostilePeer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"6", "12"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			faults := &faults{}
			e := newEnemy(t, version, slog.New(faults))
			e.forgeries()
			e.usurpations()
			e.sizes()
			e.rubbish()
			good := e.eve.Say(e.one, "still here")
			e.ada.WaitFor(e.room, good.ID)
			e.ada.Say(e.room, "so am I")
			if got := strings.Join(e.ada.Said(e.room), ", "); got != "still here, so am I" {
				t.Errorf("said in the room: %s", got)
			}
			if n := faults.count.Load(); n > 0 {
				t.Errorf("%d faults of the server", n)
			}
		})
	}
}

// forgeries are events that somebody else should have signed.
func (e *enemy) forgeries() {
	e.Helper()
	message := e.eve.Message("forged")
	e.refused("in the name of ada", e.eve.Build(event.Draft{Sender: e.ada.User, Type: "m.room.message", Content: message.Content}).JSON)
	unsigned, _ := sjson.DeleteBytes(slices.Clone(message.JSON), "signatures")
	e.refused("unsigned", unsigned)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		e.Fatal(err)
	}
	stolen, err := event.Build(e.eve.Rules, event.Draft{
		Room: e.room, Sender: e.eve.User, Type: "m.room.message", Content: message.Content, Prev: []id.EventID{e.eve.Last.ID}, Depth: 9, TS: 1,
	}, event.NewSigner("evil.example", "ed25519:1", key))
	if err != nil {
		e.Fatal(err)
	}
	e.refused("signed with another key", stolen.JSON)
	e.refused("signed by a server that does not exist", e.eve.Build(event.Draft{Sender: "@x:nowhere.example", Type: "m.room.message", Content: message.Content}).JSON)
	// Content that does not fit its hash is stripped: the event counts, its text does not.
	e.evil.Send(e.one, []json.RawMessage{edited(e.eve.Message("before"), "content.body", "changed on the way")})
}

// usurpations are events that the rules of the room do not allow.
func (e *enemy) usurpations() {
	e.Helper()
	levels := e.eve.Build(event.Draft{Type: "m.room.power_levels", StateKey: ptr(""), Content: content(hstest.More{"users": hstest.More{string(e.eve.User): 100}})})
	e.refused("power", levels.JSON)
	e.refused("built on what was rejected", e.eve.Build(event.Draft{
		Type: "m.room.message", Content: content(hstest.More{"body": "by power"}), Auth: append(slices.Clone(e.eve.Last.Auth), e.eve.Last.ID, levels.ID),
	}).JSON)
	e.refused("a ban", e.eve.Build(event.Draft{Type: "m.room.member", StateKey: ptr(string(e.ada.User)), Content: content(hstest.More{"membership": "ban"})}).JSON)
	e.refused("state of ada's", e.eve.Build(event.Draft{Type: "x.state", StateKey: ptr(string(e.ada.User)), Content: content(hstest.More{})}).JSON)
	e.refused("a new beginning", e.eve.Build(event.Draft{Type: "m.room.create", StateKey: ptr(""), Content: content(hstest.More{"creator": e.eve.User})}).JSON)
	e.refused("not authorised", e.eve.Build(event.Draft{Type: "m.room.message", Content: content(hstest.More{"body": "x"}), Auth: []id.EventID{}}).JSON)
	e.refused("authorised by nothing that is known", e.eve.Build(event.Draft{
		Type: "m.room.message", Content: content(hstest.More{"body": "x"}), Auth: []id.EventID{"$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
	}).JSON)
	e.refused("of another room", e.eve.Build(event.Draft{Room: "!nowhere:evil.example", Type: "m.room.message", Content: content(hstest.More{"body": "x"})}).JSON)
}

// sizes are events larger than events may be.
func (e *enemy) sizes() {
	e.Helper()
	message := e.eve.Message("large")
	e.refused("too large", edited(message, "content.body", strings.Repeat("x", 70_000)))
	e.refused("too deep a place", edited(message, "depth", 1<<53))
	e.refused("a negative depth", edited(message, "depth", -1))
	nested := edited(message, "content.x", json.RawMessage(strings.Repeat("[", 90)+strings.Repeat("]", 90)))
	e.evil.Send(e.one, []json.RawMessage{nested}) // stripped, as it does not fit its hash
	many := make([]json.RawMessage, 51)
	for i := range many {
		many[i] = message.JSON
	}
	if status, _ := e.evil.Ask(e.one, http.MethodPut, "/_matrix/federation/v1/send/many", hstest.More{"pdus": many}); status != http.StatusBadRequest {
		e.Errorf("51 events: status %d", status)
	}
}

// rubbish is what is not even an event or an EDU.
func (e *enemy) rubbish() {
	e.Helper()
	for _, pdu := range []string{`null`, `7`, `"x"`, `[]`, `{}`, `{"room_id":7}`, `{"room_id":"` + string(e.room) + `"}`,
		`{"room_id":"` + string(e.room) + `","type":7,"sender":[],"content":null,"prev_events":{"a":1},"auth_events":"x","depth":"deep"}`} {
		e.refused(pdu, []byte(pdu))
	}
	var edus []any
	for _, typ := range []string{"m.typing", "m.receipt", "m.presence", "m.direct_to_device", "m.device_list_update", "m.signing_key_update", "x.unknown"} {
		for _, content := range []any{nil, 7, "x", []any{}, hstest.More{}, hstest.More{"room_id": 7, "user_id": []any{}, "push": "x", "messages": 1, "sender": hstest.More{}},
			hstest.More{"room_id": e.room, "user_id": e.ada.User, "typing": true, "sender": e.ada.User, "type": "m.test", "message_id": "1", "device_id": e.ada.Device, "stream_id": 1,
				"messages": hstest.More{string(e.ada.User): hstest.More{"*": hstest.More{"body": "psst"}}}}} {
			if len(edus) < 98 {
				edus = append(edus, hstest.More{"edu_type": typ, "content": content})
			}
		}
	}
	e.evil.Send(e.one, nil, append(edus, 7, nil)...)
	if a := e.ada.Sync(); len(a.Get("to_device.events").Array()) > 0 {
		e.Errorf("messages in somebody else's name: %s", a.Get("to_device.events").Raw)
	}
}

// TestEndlessBackfill meets a server whose events never are built on anything
// that is known: what is asked of it, and how long it takes, has an end.
func TestEndlessBackfill(t *testing.T) {
	t.Parallel()
	e := newEnemy(t, "12", nil)
	invent := func() *event.PDU {
		return e.eve.Build(event.Draft{
			Type: "m.room.message", Content: content(hstest.More{"body": "invented"}), Depth: 1000,
			Prev: []id.EventID{id.EventID("$" + rand.Text() + strings.Repeat("A", 17))},
		})
	}
	e.evil.Answer("/_matrix/federation/v1/get_missing_events/", func(*http.Request) (int, any) {
		return http.StatusOK, hstest.More{"events": []json.RawMessage{invent().JSON, invent().JSON}}
	})
	e.evil.Answer("/_matrix/federation/v1/event/", func(*http.Request) (int, any) {
		return http.StatusOK, hstest.More{"pdus": []json.RawMessage{invent().JSON}}
	})
	e.evil.Answer("/_matrix/federation/v1/state_ids/", func(*http.Request) (int, any) {
		return http.StatusOK, hstest.More{"pdu_ids": []id.EventID{invent().ID, invent().ID}, "auth_chain_ids": []id.EventID{invent().ID}}
	})
	e.evil.Send(e.one, []json.RawMessage{invent().JSON})
	if n := e.evil.Asked("/_matrix/federation/v1/"); n > 300 {
		t.Errorf("%d questions about one event", n)
	}
	e.ada.WaitFor(e.room, e.eve.Say(e.one, "enough").ID)
}

// TestChangedKeys meets a server that signs with other keys than it did: it is
// asked for them no sooner than its manners allow, and never believed before.
func TestChangedKeys(t *testing.T) {
	t.Parallel()
	e := newEnemy(t, "12", nil)
	e.ada.WaitFor(e.room, e.eve.Say(e.one, "first key").ID)
	for _, keyID := range []string{"ed25519:2", "ed25519:1"} { // the second is called as the one before
		e.evil.NewKey(keyID)
		status, a := e.evil.Ask(e.one, http.MethodGet, "/_matrix/federation/v1/query/profile?user_id="+string(e.ada.User), nil)
		if status != http.StatusUnauthorized {
			t.Errorf("%s: status %d with %s", keyID, status, a.Raw)
		}
	}
}
