package room_test

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

	"plenum/homeserver/api/client/room"
	"plenum/homeserver/userdata"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	v1   = "/_matrix/client/v1"
	v3   = "/_matrix/client/v3"
)

// names takes a user's name for a token, and for the name that they show. The
// token of somebody whose account is suspended goes on with a slash.
type names struct{}

func (names) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	name, _, suspended := strings.Cut(token, "/")
	return matrix.Principal{User: id.NewUserID(name, here), Device: "PHONE", Suspended: suspended}, nil
}

func (names) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return user.Localpart(), "", nil
}

// world is the API over a database.
type world struct {
	*testing.T
	base     string
	userdata *userdata.Data
}

// each runs a test on every engine.
func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(serve(t, db)) })
}

func serve(t *testing.T, db *storage.DB) *world {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	log, err := eventlog.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := rooms.New(db, log, names{}, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, silent)
	if err != nil {
		t.Fatal(err)
	}
	d, err := userdata.New(db, r, userdata.Options{}, silent)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(httpx.NewMux(room.New(r, d, nil).Routes(), httpx.Options{Auth: names{}, Log: silent}))
	t.Cleanup(s.Close)
	return &world{t, s.URL, d}
}

// as returns somebody who asks; nobody for "".
func (w *world) as(name string) person { return person{w, name} }

type person struct {
	*world
	name string
}

func (p person) id() string { return "@" + p.name + ":" + here }

// try makes a request and returns what came back. No answer may be a 5xx.
func (p person) try(method, path, body string) (int, gjson.Result) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if p.name != "" {
		r.Header.Set("Authorization", "Bearer "+p.name)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 500 || !json.Valid(raw) {
		p.Errorf("%s %s: status %d, %s, %v", method, path, resp.StatusCode, raw, err)
	}
	return resp.StatusCode, gjson.ParseBytes(raw)
}

// do makes a request that succeeds.
func (p person) do(method, path, body string) gjson.Result {
	p.Helper()
	status, answer := p.try(method, path, body)
	if status != http.StatusOK {
		p.Errorf("%s: %s %s: status %d, %s", p.name, method, path, status, answer)
	}
	return answer
}

func (p person) get(path string) gjson.Result { p.Helper(); return p.do(http.MethodGet, path, "") }

func (p person) post(path, body string) gjson.Result {
	p.Helper()
	return p.do(http.MethodPost, path, body)
}

func (p person) put(path, body string) gjson.Result {
	p.Helper()
	return p.do(http.MethodPut, path, body)
}

// refused makes a request that is refused with status and code.
func (p person) refused(status int, code matrix.Code, method, path, body string) {
	p.Helper()
	got, answer := p.try(method, path, body)
	if got != status || answer.Get("errcode").Str != string(code) {
		p.Errorf("%s: %s %s: status %d, %s; want %d %s", p.name, method, path, got, answer, status, code)
	}
}

func (p person) create(body string) string {
	p.Helper()
	return p.post(v3+"/createRoom", body).Get("room_id").Str
}

func path(parts ...string) string {
	escaped := make([]string, len(parts)-1)
	for i, part := range parts[1:] {
		escaped[i] = url.PathEscape(part)
	}
	return parts[0] + "/" + strings.Join(escaped, "/")
}

func (p person) send(room, txn, content string) string {
	p.Helper()
	return p.put(path(v3, "rooms", room, "send", "m.room.message", txn), content).Get("event_id").Str
}

func (p person) say(room, word string) string {
	p.Helper()
	return p.send(room, word, fmt.Sprintf(`{"msgtype":"m.text","body":%q}`, word))
}

// words are the bodies of the messages in a list of events.
func words(list gjson.Result) string {
	var out []string
	list.ForEach(func(_, e gjson.Result) bool {
		if e.Get("type").Str == "m.room.message" {
			out = append(out, e.Get("content.body").Str)
		}
		return true
	})
	return strings.Join(out, " ")
}

// ids are the ids of the events in a list.
func ids(list gjson.Result) []string {
	var out []string
	list.ForEach(func(_, e gjson.Result) bool {
		out = append(out, e.Get("event_id").Str)
		return true
	})
	return out
}

func (w *world) same(what string, got, want any) {
	w.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %v, want %v", what, got, want)
	}
}
