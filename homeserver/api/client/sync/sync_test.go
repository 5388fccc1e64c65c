package sync_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/e2ee/todevice"
	api "plenum/homeserver/api/client/sync"
	"plenum/homeserver/push"
	"plenum/homeserver/sync"
	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const here = "one.example"

// names takes a user's name for a token, and for the name that they show.
type names struct{}

func (names) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: id.NewUserID(token, here), Device: "PHONE"}, nil
}

func (names) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return user.Localpart(), "", nil
}

func (names) DeviceIDs(context.Context, id.UserID) ([]id.DeviceID, error) { return nil, nil }

func (names) DeviceNames(context.Context, id.UserID) (map[id.DeviceID]string, error) {
	return nil, nil
}

// world is the API over a database.
type world struct {
	*testing.T
	rooms *rooms.Rooms
	base  string
}

func serve(t *testing.T) *world {
	t.Helper()
	db, quiet := storagetest.Open(t, storage.SQLite), slog.New(slog.DiscardHandler)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := eventlog.New()
	check(err)
	r, err := rooms.New(db, log, names{}, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, quiet)
	check(err)
	data, err := userdata.New(db, r, userdata.Options{}, quiet)
	check(err)
	notify, err := push.New(db, r, data, push.Options{}, quiet)
	check(err)
	keys, err := e2ee.New(t.Context(), db, r, names{}, e2ee.Options{ServerName: here}, quiet)
	check(err)
	mail, err := todevice.New(db, names{}, todevice.Options{ServerName: here}, quiet)
	check(err)
	syncer, err := sync.New(sync.Sources{DB: db, Rooms: r, Data: data, Push: notify, Keys: keys, ToDevice: mail})
	check(err)
	s := httptest.NewServer(httpx.NewMux(api.New(syncer).Routes(), httpx.Options{Auth: names{}, Log: quiet}))
	t.Cleanup(s.Close)
	return &world{t, r, s.URL}
}

// sync asks as ada with query parameters in pairs.
func (w *world) sync(path string, query ...string) (int, gjson.Result) {
	w.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.base+path+"?"+values.Encode(), nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer ada")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || !json.Valid(raw) {
		w.Fatalf("answered %q, %v", raw, err)
	}
	return resp.StatusCode, gjson.ParseBytes(raw)
}

func (w *world) room() id.RoomID {
	w.Helper()
	room, err := w.rooms.Create(w.Context(), matrix.Principal{User: "@ada:" + here}, rooms.CreateRequest{})
	if err != nil {
		w.Fatal(err)
	}
	return room
}

func TestSyncOverHTTP(t *testing.T) {
	t.Parallel()
	w := serve(t)
	room := string(w.room())
	for _, path := range []string{"/_matrix/client/v3/sync", "/_matrix/client/r0/sync"} {
		status, a := w.sync(path)
		if status != http.StatusOK || !a.Get("rooms.join").Get(gjson.Escape(room)).Exists() {
			t.Errorf("%s: status %d, %s", path, status, a.Raw)
		}
		status, again := w.sync(path, "since", a.Get("next_batch").Str, "timeout", "1")
		if status != http.StatusOK || again.Get("rooms").Exists() {
			t.Errorf("%s again: status %d, %s", path, status, again.Raw)
		}
	}
}

func TestHowTheStateIsAskedFor(t *testing.T) {
	t.Parallel()
	w := serve(t)
	room := gjson.Escape(string(w.room()))
	const plain, prefixed = "use_state_after", "org.matrix.msc4222.use_state_after"
	for _, c := range []struct {
		want  string
		query []string
	}{
		{"state", nil},
		{"state", []string{plain, "false", prefixed, "false"}},
		{"state_after", []string{plain, "true"}},
		{`org\.matrix\.msc4222\.state_after`, []string{prefixed, "true"}},
		{"state_after", []string{plain, "true", prefixed, "true"}},
	} {
		status, a := w.sync("/_matrix/client/v3/sync", append(c.query, "filter", `{"room":{"timeline":{"limit":1}}}`)...)
		for _, name := range []string{"state", "state_after", `org\.matrix\.msc4222\.state_after`} {
			got, want := a.Get("rooms.join."+room+"."+name).Exists(), name == c.want
			if got != want || status != http.StatusOK {
				t.Errorf("%v: %s is there: %v, want %v; status %d", c.query, name, got, want, status)
			}
		}
	}
}

func TestMistakesOfClients(t *testing.T) {
	t.Parallel()
	w := serve(t)
	w.room()
	for _, c := range []struct {
		name, value string
		status      int
	}{
		{"since", "rubbish", 400},
		{"since", "s999999999_1", 400},
		{"timeout", "soon", 400},
		{"full_state", "maybe", 400},
		{"use_state_after", "1", 400},
		{"set_presence", "asleep", 400},
		{"filter", "{", 400},
		{"filter", `{"room":[]}`, 400},
		{"filter", `{"room":{"timeline":{"limit":-1}}}`, 400},
		{"filter", "404", 404},
		{"timeout", "-1", 200},
		{"filter", "", 200},
	} {
		if status, a := w.sync("/_matrix/client/v3/sync", c.name, c.value); status != c.status {
			t.Errorf("%s=%s: status %d, want %d: %s", c.name, c.value, status, c.status, a.Raw)
		}
	}
}
