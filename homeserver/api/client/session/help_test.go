package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/homeserver/api/client/session"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
)

const (
	here = "one.example"
	v1   = "/_matrix/client/v1"
	v3   = "/_matrix/client/v3"
)

// world is a server of accounts on one database, with a clock.
type world struct {
	*account.Accounts
	t     *testing.T
	db    *storage.DB
	opt   account.Options
	clock atomic.Int64 // ms
	http  *httptest.Server
}

func newWorld(t *testing.T, db *storage.DB, opt account.Options) *world {
	t.Helper()
	w := &world{t: t, db: db, opt: opt}
	w.clock.Store(1_700_000_000_000)
	w.opt.ServerName = here
	w.opt.Now = func() time.Time { return time.UnixMilli(w.clock.Load()) }
	if w.opt.Passwords == (account.Passwords{}) {
		w.opt.Passwords = account.CheapPasswords()
		w.opt.Passwords.MinLength = 8
	}
	w.restart()
	return w
}

// restart begins anew over the same database, as a new process does.
func (w *world) restart() {
	w.t.Helper()
	store, err := accounts.New(w.t.Context(), w.db, accounts.Options{ServerName: here, Now: w.opt.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w.Accounts = account.New(store, noRooms{}, account.Hooks{}, w.opt, log)
	w.http = httptest.NewServer(httpx.NewMux(session.New(w.Accounts).Routes(), httpx.Options{Auth: w.Accounts, Log: log}))
	w.t.Cleanup(w.http.Close)
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

// settle waits until writes that nobody waits for are done.
func (w *world) settle() {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(*storage.Tx) error { return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// noRooms is a server without rooms.
type noRooms struct{ account.Rooms }

func (noRooms) SetProfile(context.Context, id.UserID) error { return nil }
func (noRooms) MembershipsOf(context.Context, id.UserID) ([]rooms.Membership, error) {
	return nil, nil
}
func (noRooms) Leave(context.Context, matrix.Principal, rooms.MemberChange) error { return nil }
func (noRooms) ShareRoom(context.Context, id.UserID, id.UserID) (bool, error)     { return false, nil }
func (noRooms) Knows(context.Context, string, id.UserID) (bool, error)            { return false, nil }
func (noRooms) InOpenRoom(context.Context, id.UserID) (bool, error)               { return false, nil }

// obj is a JSON object.
type obj = map[string]any

// answer is what a client gets.
type answer struct {
	t      *testing.T
	asked  string
	status int
	header http.Header
	body   []byte
}

// do makes a request as whoever token speaks for.
func (w *world) do(token, method, path string, body any) answer {
	w.t.Helper()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, content)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{w.t, r.Method + " " + r.URL.Path, resp.StatusCode, resp.Header, raw}
}

func (w *world) get(token, path string) answer {
	w.t.Helper()
	return w.do(token, http.MethodGet, path, nil)
}

func (w *world) post(token, path string, body any) answer {
	w.t.Helper()
	return w.do(token, http.MethodPost, path, body)
}

func (a answer) str(path string) string { return gjson.GetBytes(a.body, path).String() }

func (a answer) has(path string) bool { return gjson.GetBytes(a.body, path).Exists() }

// want checks the status and, unless it is good, the error code: "" for none.
func (a answer) want(status int, code matrix.Code) answer {
	a.t.Helper()
	if a.status != status || a.str("errcode") != string(code) {
		a.t.Fatalf("%s: %d %s, want %d %s", a.asked, a.status, a.body, status, code)
	}
	return a
}

func (a answer) ok() answer {
	a.t.Helper()
	return a.want(http.StatusOK, "")
}

// asks checks that user-interactive authentication asks, with code as what
// was wrong before, and returns the session.
func (a answer) asks(code matrix.Code, flows string) string {
	a.t.Helper()
	a.want(http.StatusUnauthorized, code)
	if a.str("flows") != flows || !gjson.GetBytes(a.body, "params").IsObject() || a.str("session") == "" {
		a.t.Fatalf("%s: asks %s, want flows %s", a.asked, a.body, flows)
	}
	if a.has("error") != (code != "") {
		a.t.Errorf("%s: %s", a.asked, a.body)
	}
	return a.str("session")
}

// person is an account with one device.
type person struct {
	*world
	name, password string
	user, device   string
	access         string
	refresh        string
}

// open opens an account without anybody asking, and signs in.
func (w *world) open(name string) *person {
	w.t.Helper()
	return w.openAs(account.NewAccount{Name: name, Password: "secret of " + name})
}

func (w *world) openAs(n account.NewAccount) *person {
	w.t.Helper()
	if _, err := w.Create(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	return w.login(n.Name, n.Password, nil)
}

// login signs in by password; more is added to the request.
func (w *world) login(name, password string, more obj) *person {
	w.t.Helper()
	a := w.post("", v3+"/login", with(byPassword(name, password), more)).ok()
	return &person{w, name, password, a.str("user_id"), a.str("device_id"), a.str("access_token"), a.str("refresh_token")}
}

func byPassword(name, password string) obj {
	return obj{"type": "m.login.password", "identifier": obj{"type": "m.id.user", "user": name}, "password": password}
}

// with returns a body with more in it.
func with(body, more obj) obj {
	all := obj{}
	for k, v := range body {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// auth is what the person submits to show who they are.
func (p *person) auth(session string) obj {
	return with(byPassword(p.user, p.password), obj{"session": session})
}

func (p *person) isIn() bool {
	p.t.Helper()
	a := p.get(p.access, v3+"/account/whoami")
	if a.status == http.StatusUnauthorized {
		a.want(http.StatusUnauthorized, matrix.UnknownToken)
		return false
	}
	if a.ok(); a.str("user_id") != p.user || a.str("device_id") != p.device {
		p.t.Errorf("whoami: %s, want %s on %s", a.body, p.user, p.device)
	}
	return true
}

// deviceIDs are the person's devices by id.
func (p *person) deviceIDs() string {
	p.t.Helper()
	var ids []string
	for _, d := range gjson.GetBytes(p.get(p.access, v3+"/devices").ok().body, "devices.#.device_id").Array() {
		ids = append(ids, d.Str)
	}
	return strings.Join(ids, " ")
}
