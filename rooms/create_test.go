package rooms_test

import (
	"encoding/json"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
)

func TestConversationInEveryVersion(t *testing.T) {
	t.Parallel()
	for _, version := range event.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				room := h.create(ada, rooms.CreateRequest{RoomVersion: version, Name: "Kitchen", Topic: "food", Invite: []id.UserID{bob}, Preset: "private_chat"})
				if has := strings.Contains(string(room), ":"); has == (version == "12") {
					t.Errorf("room id %s in version %s", room, version)
				}
				h.join(bob, room)
				h.say(ada, room, "hello")
				said := h.say(bob, room, "secret")
				_, err := h.Redact(h.Context(), as(bob), rooms.Redaction{Room: room, Event: said})
				h.must(err)
				h.reopen()
				h.say(ada, room, "again")
				h.wantWords(room, "hello", "", "again")
				if got := h.state(room, "m.room.name", "").Get("name").Str; got != "Kitchen" {
					t.Errorf("name %q", got)
				}
				if got := h.state(room, "m.room.member", string(bob)).Get("displayname").Str; got != "bob" {
					t.Errorf("bob is called %q", got)
				}
			})
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		for _, c := range []struct {
			q    rooms.CreateRequest
			code matrix.Code
		}{
			{rooms.CreateRequest{RoomVersion: "99"}, matrix.UnsupportedRoomVersion},
			{rooms.CreateRequest{Preset: "palace"}, matrix.InvalidParam},
			{rooms.CreateRequest{Visibility: "dim"}, matrix.InvalidParam},
			{rooms.CreateRequest{AliasName: "a:b"}, matrix.InvalidParam},
			{rooms.CreateRequest{Invite: []id.UserID{"bob"}}, matrix.InvalidParam},
			{rooms.CreateRequest{Invite: []id.UserID{"@bob:elsewhere.example"}}, matrix.Forbidden},
			{rooms.CreateRequest{CreationContent: json.RawMessage(`[]`)}, matrix.BadJSON},
			{rooms.CreateRequest{PowerLevelOverride: json.RawMessage(`{"users":7}`)}, matrix.Forbidden},
			{rooms.CreateRequest{InitialState: []rooms.InitialState{{Type: "m.room.name"}}}, matrix.BadJSON},
			{rooms.CreateRequest{Name: strings.Repeat("x", 70_000)}, matrix.TooLarge},
		} {
			_, err := h.Create(h.Context(), as(ada), c.q)
			h.refused(err, c.code)
		}
	})
}

func TestAliasIsTakenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{AliasName: "market", Visibility: "public"})
		_, err := h.Create(h.Context(), as(bob), rooms.CreateRequest{AliasName: "market"})
		h.refused(err, matrix.RoomInUse)
		got, err := h.Resolve(h.Context(), "#market:one.example")
		if h.must(err); got != room {
			t.Errorf("alias points to %s, want %s", got, room)
		}
	})
}

// Two rooms that one person makes in the same millisecond differ, although the
// id of a room of version 12 is the hash of its first event.
func TestRoomsOfOneMoment(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		seen := map[id.RoomID]bool{}
		for range 20 {
			seen[h.create(ada, rooms.CreateRequest{})] = true
		}
		if len(seen) != 20 {
			t.Errorf("%d rooms, want 20", len(seen))
		}
	})
}

func TestTrustedInviteesAreCreators(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		room := h.create(ada, rooms.CreateRequest{Preset: "trusted_private_chat", Invite: []id.UserID{bob}, IsDirect: true})
		h.join(bob, room)
		levels, err := h.room(room).PowerLevels(h.Context())
		h.must(err)
		if !levels.IsCreator(bob) || !levels.IsCreator(ada) {
			t.Error("both should be creators")
		}
		old := h.create(ada, rooms.CreateRequest{Preset: "trusted_private_chat", Invite: []id.UserID{bob}, RoomVersion: "11"})
		if got := h.state(old, "m.room.power_levels", "").Get("users." + strings.ReplaceAll(string(bob), ".", `\.`)).Int(); got != 100 {
			t.Errorf("bob has level %d, want 100", got)
		}
	})
}

// Clients that do not know version 12 list the creator among the users.
func TestCreatorsAreNotListed(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		_, err := h.Create(h.Context(), as(ada), rooms.CreateRequest{RoomVersion: "12", PowerLevelOverride: json.RawMessage(`{"users":{"@ada:one.example":100}}`)})
		h.refused(err, matrix.BadJSON)
		room := h.create(ada, rooms.CreateRequest{PowerLevelOverride: json.RawMessage(`{"users":{"@ada:one.example":100,"@bob:one.example":50}}`)})
		if got := h.state(room, "m.room.power_levels", "").Get("users").Raw; got != `{"@bob:one.example":50}` {
			t.Errorf("users are %s", got)
		}
		key := ""
		_, err = h.Send(h.Context(), as(ada), rooms.Draft{
			Room: room, Type: "m.room.power_levels", StateKey: &key, Content: json.RawMessage(`{"users":{"@ada:one.example":100}}`),
		})
		h.refused(err, matrix.BadJSON)
	})
}
