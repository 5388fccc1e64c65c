package userdata_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	api "plenum/homeserver/api/client/userdata"
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
	v3   = "/_matrix/client/v3"
)

// names takes a user's name for a token, and for the name that they show.
type names struct{}

func (names) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: id.NewUserID(token, here), Device: "PHONE"}, nil
}

func (names) MemberProfile(_ context.Context, user id.UserID) (string, string, error) {
	return user.Localpart(), "", nil
}

// world is the API over a database.
type world struct {
	testing.TB
	mux   http.Handler
	rooms *rooms.Rooms
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { fn(serve(t, db)) })
}

func serve(t testing.TB, db *storage.DB) *world {
	t.Helper()
	w := &world{TB: t}
	silent := slog.New(slog.DiscardHandler)
	log, err := eventlog.New()
	w.must(err)
	w.rooms, err = rooms.New(db, log, names{}, rooms.Options{
		ServerName: here, DefaultVersion: "12", Signer: event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32))),
	}, silent)
	w.must(err)
	d, err := userdata.New(db, w.rooms, userdata.Options{Presence: true}, silent)
	w.must(err)
	w.mux = httpx.NewMux(api.New(d).Routes(), httpx.Options{Auth: names{}, Log: silent})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// room makes a room with one message, of those named.
func (w *world) room(people ...string) (room, said string) {
	w.Helper()
	as := func(name string) matrix.Principal {
		return matrix.Principal{User: id.NewUserID(name, here), Device: "PHONE"}
	}
	made, err := w.rooms.Create(w.Context(), as(people[0]), rooms.CreateRequest{Preset: "public_chat"})
	w.must(err)
	for _, name := range people[1:] {
		w.must(w.rooms.Join(w.Context(), as(name), rooms.MemberChange{Room: made}))
	}
	ev, err := w.rooms.Send(w.Context(), as(people[0]), rooms.Draft{Room: made, Type: "m.room.message", Content: json.RawMessage(`{"body":"x"}`)})
	w.must(err)
	return string(made), string(ev)
}

// as returns somebody who asks.
func (w *world) as(name string) person { return person{w, name} }

type person struct {
	*world
	name string
}

// try makes a request and returns what came back. No answer may be a 5xx.
func (p person) try(method, path, body string) (int, gjson.Result) {
	p.Helper()
	r := httptest.NewRequestWithContext(p.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+p.name)
	out := httptest.NewRecorder()
	p.mux.ServeHTTP(out, r)
	raw, err := io.ReadAll(out.Body)
	if err != nil || out.Code >= 500 || !json.Valid(raw) {
		p.Errorf("%s %s: status %d, %s, %v", method, path, out.Code, raw, err)
	}
	return out.Code, gjson.ParseBytes(raw)
}

// want makes a request and checks status and answer.
func (p person) want(method, path, body string, status int, answer string) {
	p.Helper()
	got, raw := p.try(method, path, body)
	if got != status || raw.Raw != answer {
		p.Errorf("%s: %s %s %s: %d %s, want %d %s", p.name, method, path, body, got, raw.Raw, status, answer)
	}
}

// refused makes a request that is refused with status and code.
func (p person) refused(method, path, body string, status int, code matrix.Code) {
	p.Helper()
	got, answer := p.try(method, path, body)
	if got != status || answer.Get("errcode").Str != string(code) {
		p.Errorf("%s: %s %s %s: %d %s, want %d %s", p.name, method, path, body, got, answer.Raw, status, code)
	}
}

func path(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return v3 + "/" + strings.Join(escaped, "/")
}

// of is a path below what belongs to somebody.
func of(name string, parts ...string) string {
	return path(append([]string{"user", "@" + name + ":" + here}, parts...)...)
}
