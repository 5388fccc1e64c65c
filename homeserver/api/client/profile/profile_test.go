package profile_test

import (
	"bytes"
	"context"
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

	"plenum/homeserver/account"
	"plenum/homeserver/api/client/profile"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	ada  = "@ada:one.example"
	bob  = "@bob:one.example"
	cy   = "@cy:one.example"
	open = "@open:one.example"
	root = "@root:one.example"
)

// world is a server with the accounts above. Ada and Bob share a room, and
// @open is in one that everybody may join.
type world struct {
	*account.Accounts
	t      *testing.T
	http   *httptest.Server
	tokens map[string]string // by user
}

func newWorld(t *testing.T, db *storage.DB, opt account.Options) *world {
	t.Helper()
	store, err := accounts.New(t.Context(), db, accounts.Options{ServerName: here})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	opt.ServerName, opt.Passwords = here, account.CheapPasswords()
	w := &world{t: t, tokens: map[string]string{}, Accounts: account.New(store, someRooms{}, account.Hooks{}, opt, log)}
	w.http = httptest.NewServer(httpx.NewMux(profile.New(w.Accounts).Routes(), httpx.Options{Auth: w.Accounts, Log: log}))
	t.Cleanup(w.http.Close)
	for _, user := range []string{ada, bob, cy, open, root} {
		if _, err := w.Create(t.Context(), account.NewAccount{Name: user, Password: "secret", Admin: user == root}); err != nil {
			t.Fatal(err)
		}
		s, err := w.LoginByPassword(t.Context(), user, "secret", account.NewDevice{})
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[user] = s.Access
	}
	return w
}

type someRooms struct{ account.Rooms }

func (someRooms) SetProfile(context.Context, id.UserID) error { return nil }
func (someRooms) MembershipsOf(context.Context, id.UserID) ([]rooms.Membership, error) {
	return nil, nil
}
func (someRooms) Leave(context.Context, matrix.Principal, rooms.MemberChange) error { return nil }
func (someRooms) ShareRoom(_ context.Context, a, b id.UserID) (bool, error) {
	return a == ada && b == bob || a == bob && b == ada, nil
}
func (someRooms) Knows(context.Context, string, id.UserID) (bool, error) { return false, nil }

func (someRooms) InOpenRoom(_ context.Context, user id.UserID) (bool, error) {
	return user == open, nil
}

type answer struct {
	t      *testing.T
	asked  string
	status int
	body   string
}

func (w *world) do(as, method, path, body string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{w.t, method + " " + path, resp.StatusCode, string(raw)}
}

func path(user, field string) string {
	p := "/_matrix/client/v3/profile/" + url.PathEscape(user)
	if field != "" {
		p += "/" + field
	}
	return p
}

func (w *world) get(as, user, field string) answer {
	w.t.Helper()
	return w.do(as, http.MethodGet, path(user, field), "")
}

// put sets a field to a JSON value.
func (w *world) put(as, user, field, value string) answer {
	w.t.Helper()
	name, _ := json.Marshal(field)
	return w.do(as, http.MethodPut, path(user, field), `{`+string(name)+`:`+value+`}`)
}

func (w *world) remove(as, user, field string) answer {
	w.t.Helper()
	return w.do(as, http.MethodDelete, path(user, field), "")
}

func (a answer) want(status int, code matrix.Code) {
	a.t.Helper()
	if a.status != status || gjson.Get(a.body, "errcode").Str != string(code) {
		a.t.Errorf("%s: %d %s, want %d %s", a.asked, a.status, a.body, status, code)
	}
}

func (a answer) is(body string) {
	a.t.Helper()
	if a.status != http.StatusOK || a.body != body {
		a.t.Errorf("%s: %d %s, want %s", a.asked, a.status, a.body, body)
	}
}

func TestProfile(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		w.get("", ada, "").is(`{"displayname":"ada"}`)
		w.put(ada, ada, "displayname", `"Ada <3"`).is(`{}`)
		w.put(ada, ada, "avatar_url", `"mxc://one.example/a"`).is(`{}`)
		w.put(ada, ada, "m.tz", `"Europe/Berlin"`).is(`{}`)
		w.put(ada, ada, "org.example.pets", ` [ "cat", {"n": 1} ] `).is(`{}`)
		w.put(ada, ada, "org.example.none", `null`).is(`{}`)
		w.get("", ada, "").is(`{"avatar_url":"mxc://one.example/a","displayname":"Ada <3","m.tz":"Europe/Berlin","org.example.none":null,"org.example.pets":["cat",{"n":1}]}`)
		w.get(bob, ada, "displayname").is(`{"displayname":"Ada <3"}`)
		w.get("", ada, "org.example.pets").is(`{"org.example.pets":["cat",{"n":1}]}`)
		w.do("", http.MethodGet, "/_matrix/client/unstable/uk.tcpip.msc4133/profile/"+ada+"/m.tz", "").is(`{"m.tz":"Europe/Berlin"}`)

		w.remove(ada, ada, "org.example.pets").is(`{}`)
		w.remove(ada, ada, "org.example.pets").is(`{}`) // gone already
		w.remove(ada, ada, "org.example.none").is(`{}`)
		w.put(ada, ada, "displayname", `null`).is(`{}`)
		w.put(ada, ada, "avatar_url", `""`).is(`{}`)
		w.get("", ada, "").is(`{"m.tz":"Europe/Berlin"}`)
		w.get("", ada, "displayname").want(http.StatusNotFound, matrix.NotFound)
		for _, user := range []string{"@nobody:one.example", "@ada:two.example", "ada", "%00"} {
			if a := w.get("", user, ""); a.status != http.StatusNotFound && a.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", user, a.status, a.body)
			}
		}
		w.get("", "@nobody:one.example", "displayname").want(http.StatusNotFound, matrix.NotFound)
	})
}

func TestProfileRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	w.put("", ada, "displayname", `"x"`).want(http.StatusUnauthorized, matrix.MissingToken)
	w.put(bob, ada, "displayname", `"x"`).want(http.StatusForbidden, matrix.Forbidden)
	w.remove(bob, ada, "displayname").want(http.StatusForbidden, matrix.Forbidden)
	w.put(root, ada, "displayname", `"Renamed"`).is(`{}`)
	w.put(root, "@nobody:one.example", "displayname", `"x"`).want(http.StatusNotFound, matrix.NotFound)
	for field, value := range map[string]string{
		"displayname":       `{"a":1}`,
		"avatar_url":        `"https://elsewhere.example/a.png"`,
		"m.tz":              `1`,
		"nodots":            `1`,
		"Org.example.x":     `1`,
		"org.exämple.x":     `1`,
		"1.example":         `1`,
		"org.example.x%20y": `1`,
		"org.example.x%2Fy": `1`,
	} {
		name, _ := url.PathUnescape(field)
		w.do(ada, http.MethodPut, path(ada, field), `{"`+name+`":`+value+`}`).want(http.StatusBadRequest, matrix.InvalidParam)
	}
	w.put(ada, ada, "displayname", `"`+strings.Repeat("ä", 257)+`"`).want(http.StatusBadRequest, matrix.InvalidParam)
	w.put(ada, ada, "displayname", `"`+strings.Repeat("ä", 256)+`"`).is(`{}`)
	w.put(ada, ada, "displayname", `"a\u0000b"`).want(http.StatusBadRequest, matrix.BadJSON)
	w.put(ada, ada, "org."+strings.Repeat("x", 252), `1`).want(http.StatusBadRequest, matrix.KeyTooLarge)
	w.put(ada, ada, "org."+strings.Repeat("x", 251), `1`).is(`{}`)
	w.remove(ada, ada, "org."+strings.Repeat("x", 252)).want(http.StatusBadRequest, matrix.KeyTooLarge)
	w.do(ada, http.MethodPut, path(ada, "displayname"), `{}`).want(http.StatusBadRequest, matrix.MissingParam)
	w.do(ada, http.MethodPut, path(ada, "displayname"), `{"avatar_url":"mxc://a/b"}`).want(http.StatusBadRequest, matrix.MissingParam)
	w.do(ada, http.MethodPut, path(ada, "displayname"), `x`).want(http.StatusBadRequest, matrix.NotJSON)
}

func TestProfileIsBounded(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		w.remove(ada, ada, "displayname").is(`{}`)
		text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
		const overhead = len(`{"org.example.a":"",`) + len(`"org.example.b":""}`)
		w.put(ada, ada, "org.example.a", text(60<<10)).is(`{}`)
		w.put(ada, ada, "org.example.b", text(64<<10-60<<10-overhead)).want(http.StatusBadRequest, matrix.ProfileTooLarge)
		w.put(ada, ada, "org.example.b", text(64<<10-60<<10-overhead-2)).is(`{}`)
		w.put(ada, ada, "org.example.a", text(60<<10+2)).want(http.StatusBadRequest, matrix.ProfileTooLarge)
		w.put(ada, ada, "org.example.a", text(1)).is(`{}`)
		w.put(ada, ada, "org.example.huge", text(200<<10)).want(http.StatusRequestEntityTooLarge, matrix.TooLarge)
	})
}

func TestSuspendedPeopleKeepTheirProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	if err := w.SetSuspended(t.Context(), matrix.Principal{User: root, Admin: true}, ada, true); err != nil {
		t.Fatal(err)
	}
	w.put(ada, ada, "displayname", `"x"`).want(http.StatusForbidden, matrix.UserSuspended)
	w.remove(ada, ada, "displayname").want(http.StatusForbidden, matrix.UserSuspended)
	w.get(ada, ada, "displayname").is(`{"displayname":"ada"}`)
}

func TestProfilesForAcquaintances(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{Profiles: account.ToAcquaintances})
	for _, user := range []string{ada, bob, open} {
		w.get(ada, user, "").want(http.StatusOK, "")
	}
	w.get(root, cy, "displayname").is(`{"displayname":"cy"}`)
	// Nobody learns whether there is such an account.
	for _, user := range []string{cy, "@nobody:one.example"} {
		w.get(ada, user, "").want(http.StatusForbidden, matrix.Forbidden)
		w.get(ada, user, "displayname").want(http.StatusForbidden, matrix.Forbidden)
	}
	w.get("", ada, "").want(http.StatusUnauthorized, matrix.MissingToken)
}
