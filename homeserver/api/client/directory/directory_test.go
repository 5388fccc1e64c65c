package directory_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/homeserver/api/client/directory"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	v1   = "/_matrix/client/v1"
	v3   = "/_matrix/client/v3"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
	eve  = id.UserID("@eve:one.example")
)

// names takes a user's name for a token.
type names struct{}

func (names) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: id.NewUserID(token, here), Device: "PHONE"}, nil
}

// world is the API over a database.
type world struct {
	*testing.T
	base   string
	rooms  *rooms.Rooms
	people *accounts.Store
}

// networks are none.
type networks struct{}

func (networks) RoomsOf(context.Context, string) ([]id.RoomID, error) { return nil, nil }

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(serve(t, db)) })
}

func serve(t *testing.T, db *storage.DB) *world {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	people, err := accounts.New(t.Context(), db, accounts.Options{ServerName: here})
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := rooms.New(db, log, people, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, silent)
	if err != nil {
		t.Fatal(err)
	}
	api := directory.New(r, account.New(people, r, account.Hooks{}, account.Options{ServerName: here}, silent), networks{}, nil)
	s := httptest.NewServer(httpx.NewMux(api.Routes(), httpx.Options{Auth: names{}, Log: silent}))
	t.Cleanup(s.Close)
	return &world{t, s.URL, r, people}
}

// open opens an account that shows a name.
func (w *world) open(user id.UserID, name string) {
	w.Helper()
	raw, err := json.Marshal(name)
	if err != nil {
		w.Fatal(err)
	}
	err = w.people.Write(w.Context(), func(tx *storage.Tx) error {
		if err := w.people.Create(w.Context(), tx, accounts.Account{User: user, CreatedMS: 1}); err != nil {
			return err
		}
		return w.people.SetProfileField(w.Context(), tx, user, accounts.DisplayName, raw)
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) create(user id.UserID, q rooms.CreateRequest) id.RoomID {
	w.Helper()
	room, err := w.rooms.Create(w.Context(), matrix.Principal{User: user}, q)
	if err != nil {
		w.Fatal(err)
	}
	return room
}

// ask makes a request, of nobody for "", that is answered with status. No answer may be a 5xx.
func (w *world) ask(user id.UserID, status int, method, path, body string) gjson.Result {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+user.Localpart())
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !json.Valid(raw) {
		w.Errorf("%s: %s %s: status %d, %s, %v; want %d", user, method, path, resp.StatusCode, raw, err, status)
	}
	return gjson.ParseBytes(raw)
}

func (w *world) same(what string, got, want any) {
	w.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		alias := v3 + "/directory/room/" + url.PathEscape("#tea:one.example")
		w.ask("", http.StatusNotFound, http.MethodGet, alias, "")
		w.ask(ada, http.StatusOK, http.MethodPut, alias, fmt.Sprintf(`{"room_id":%q}`, room))
		w.same("room", w.ask("", http.StatusOK, http.MethodGet, alias, "").Get("room_id").Str, room)
		w.ask(ada, http.StatusConflict, http.MethodPut, alias, fmt.Sprintf(`{"room_id":%q}`, room))
		w.ask(eve, http.StatusForbidden, http.MethodDelete, alias, "")
		w.ask(ada, http.StatusOK, http.MethodDelete, alias, "")
		w.ask("", http.StatusNotFound, http.MethodGet, alias, "")
	})
}

func TestPublicRooms(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		tea := w.create(ada, rooms.CreateRequest{Visibility: "public", Name: "Tea", Topic: "leaves"})
		space := w.create(ada, rooms.CreateRequest{Visibility: "public", Name: "Kitchen", CreationContent: json.RawMessage(`{"type":"m.space"}`)})
		w.create(ada, rooms.CreateRequest{Name: "Secret"})
		names := func(answer gjson.Result) string { return answer.Get("chunk.#.name").Raw }
		w.same("all", names(w.ask(bob, 200, http.MethodGet, v3+"/publicRooms", "")), `["Tea","Kitchen"]`)
		first := w.ask(bob, 200, http.MethodGet, v3+"/publicRooms?limit=1", "")
		w.same("first page", names(first), `["Tea"]`)
		w.same("total", first.Get("total_room_count_estimate").Int(), 2)
		second := w.ask(bob, 200, http.MethodGet, v3+"/publicRooms?limit=1&since="+first.Get("next_batch").Str, "")
		w.same("second page", names(second), `["Kitchen"]`)
		w.same("the end", second.Get("next_batch").Exists(), false)
		w.same("found by topic", names(w.ask(bob, 200, http.MethodPost, v3+"/publicRooms", `{"filter":{"generic_search_term":"LEAVES"}}`)), `["Tea"]`)
		w.same("spaces", names(w.ask(bob, 200, http.MethodPost, v3+"/publicRooms", `{"filter":{"room_types":["m.space"]}}`)), `["Kitchen"]`)
		w.same("rooms to talk in", names(w.ask(bob, 200, http.MethodPost, v3+"/publicRooms", `{"filter":{"room_types":[null]}}`)), `["Tea"]`)

		list := v3 + "/directory/list/room/" + url.PathEscape(string(tea))
		w.same("visibility", w.ask("", 200, http.MethodGet, list, "").Get("visibility").Str, "public")
		w.ask(eve, http.StatusForbidden, http.MethodPut, list, `{"visibility":"private"}`)
		w.ask(ada, http.StatusBadRequest, http.MethodPut, list, `{"visibility":"loud"}`)
		w.ask(ada, 200, http.MethodPut, list, `{"visibility":"private"}`)
		w.same("visibility", w.ask("", 200, http.MethodGet, list, "").Get("visibility").Str, "private")
		w.same("what is left", names(w.ask(bob, 200, http.MethodGet, v3+"/publicRooms", "")), `["Kitchen"]`)
		w.same("space", space != "", true)
		for _, path := range []string{"/publicRooms?limit=x", "/publicRooms?since=x"} {
			w.ask(bob, http.StatusBadRequest, http.MethodGet, v3+path, "")
		}
		w.ask("", http.StatusNotFound, http.MethodGet, v3+"/directory/list/room/!nothing", "")
	})
}

func TestFindingPeople(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		for user, name := range map[id.UserID]string{ada: "Countess", bob: "Bob", eve: "Eve"} {
			w.open(user, name)
		}
		found := func(by id.UserID, term string) string {
			w.Helper()
			return w.ask(by, 200, http.MethodPost, v3+"/user_directory/search", fmt.Sprintf(`{"search_term":%q}`, term)).Get("results").Raw
		}
		const her = `[{"user_id":"@ada:one.example","display_name":"Countess"}]`
		room := w.create(ada, rooms.CreateRequest{Preset: "private_chat", Invite: []id.UserID{bob}})
		w.same("a stranger finds", found(eve, "countess"), `[]`)
		w.same("who is invited finds", found(bob, "countess"), `[]`)
		if err := w.rooms.Join(w.Context(), matrix.Principal{User: bob}, rooms.MemberChange{Room: room}); err != nil {
			w.Fatal(err)
		}
		w.same("bob finds by name", found(bob, "COUNT"), her)
		w.same("bob finds by id", found(bob, "@ada"), her)
		w.same("oneself", found(ada, "countess"), `[]`)

		// What she is called in a room is for that room.
		key := string(ada)
		if _, err := w.rooms.Send(w.Context(), matrix.Principal{User: ada}, rooms.Draft{
			Room: room, Type: "m.room.member", StateKey: &key, Content: json.RawMessage(`{"membership":"join","displayname":"Freddy"}`),
		}); err != nil {
			w.Fatal(err)
		}
		w.same("by the name in a room", found(bob, "freddy"), `[]`)

		w.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		w.same("from an open room", found(eve, "countess"), her)
		limited := w.ask(eve, 200, http.MethodPost, v3+"/user_directory/search", `{"search_term":"countess","limit":0}`)
		w.same("limited", limited.Raw, `{"results":[],"limited":true}`)
		for _, body := range []string{`{}`, `{"search_term":7}`, `{"search_term":"a","limit":"x"}`, `[`} {
			w.ask(eve, http.StatusBadRequest, http.MethodPost, v3+"/user_directory/search", body)
		}
	})
}

func TestMutualRooms(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		w.create(ada, rooms.CreateRequest{Preset: "public_chat"})
		mutual := v1 + "/mutual_rooms?user_id="
		w.same("before", w.ask(ada, 200, http.MethodGet, mutual+string(bob), "").Raw, `{"joined":[],"count":0}`)
		if err := w.rooms.Join(w.Context(), matrix.Principal{User: bob}, rooms.MemberChange{Room: room}); err != nil {
			w.Fatal(err)
		}
		w.same("after", w.ask(ada, 200, http.MethodGet, mutual+string(bob), "").Raw, fmt.Sprintf(`{"joined":[%q],"count":1}`, room))
		for _, path := range []string{mutual + string(ada), mutual + "bob", mutual, mutual + string(bob) + "&from=x"} {
			w.ask(ada, http.StatusBadRequest, http.MethodGet, path, "")
		}
	})
}
