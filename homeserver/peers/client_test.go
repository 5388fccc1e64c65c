package peers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// TestTwoServers lets one ask another, which asks back for its keys.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one, two := open(t, here, n.options()), open(t, there, n.options())
	n.serve(here, one)
	n.serve(there, two)
	room, servers, err := one.QueryDirectory(t.Context(), there, "#ü/?&=:two.example")
	if err != nil || room != "!r:one.example" || !slices.Equal(servers, []string{here, there}) {
		t.Errorf("%s %v, %v", room, servers, err)
	}
	for _, body := range []string{`{"b":[1.5,{"z":1,"a":"\u00fc"}],"a":null}`, `{}`} {
		if _, err := one.Send(t.Context(), there, "txn/ü", json.RawMessage(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestNotEverybodyIsSpokenTo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	opt := n.options()
	opt.Policy = peers.Policy{Allow: []string{"*.example"}, Deny: []string{"b?d.example", "*.EVIL.example"}}
	one := open(t, here, opt)
	for server, want := range map[string]bool{
		"good.example": true, "good.example:8448": true, "GOOD.example": true, "bad.example": false, "BAD.example:1": false, "a.b.evil.example": false,
		"evil.example": true, "good.test": false, "[::1]": false, "1.2.3.4": false, "no name": false,
	} {
		if one.Allowed(server) != want {
			t.Errorf("%s: allowed is not %v", server, want)
		}
	}
	for _, server := range []string{"bad.example", "no name", here, ""} {
		if _, err := one.Version(t.Context(), server); !errors.Is(err, peers.ErrDenied) {
			t.Errorf("%q: %v", server, err)
		}
	}
	opt.AllowPrivate, opt.Policy = false, peers.Policy{}
	n.serve(there, answer(200, `{}`))
	if _, err := open(t, here, opt).Version(t.Context(), there); err == nil || !strings.Contains(err.Error(), "must not be asked for") {
		t.Errorf("a name that leads inside: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one := open(t, here, n.options())
	n.serve(there, answer(200, `{"server":{"name":"x"}}`), "other.example")
	if _, err := one.Version(t.Context(), there); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate for another: %v", err)
	}
	n.ca = newAuthority(t) // that one does not trust
	n.serve("three.example", answer(200, `{"server":{"name":"x"}}`))
	if _, err := one.Version(t.Context(), "three.example"); err == nil || !strings.Contains(err.Error(), "authority") {
		t.Errorf("a certificate of nobody: %v", err)
	}
	if one.Until(there).IsZero() || one.Until("three.example").IsZero() {
		t.Error("they are not left alone")
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one := open(t, here, n.options())
	ctx := t.Context()
	calls := map[string]func(server string) error{
		"version":   func(s string) error { _, err := one.Version(ctx, s); return err },
		"make_join": func(s string) error { _, err := one.MakeJoin(ctx, s, "!r", "@u:one.example", nil); return err },
		"send_join": func(s string) error {
			_, err := one.SendJoin(ctx, s, "!r", "$e", json.RawMessage(`{}`), true)
			return err
		},
		"state":     func(s string) error { _, _, err := one.State(ctx, s, "!r", "$e"); return err },
		"state_ids": func(s string) error { _, _, err := one.StateIDs(ctx, s, "!r", "$e"); return err },
		"event":     func(s string) error { _, err := one.Event(ctx, s, "$e"); return err },
		"backfill":  func(s string) error { _, err := one.Backfill(ctx, s, "!r", []id.EventID{"$e"}, 1); return err },
		"invite": func(s string) error {
			_, err := one.Invite(ctx, s, "!r", "$e", "10", json.RawMessage(`{}`), nil)
			return err
		},
		"directory": func(s string) error { _, _, err := one.QueryDirectory(ctx, s, "#a:x"); return err },
		"devices":   func(s string) error { _, err := one.UserDevices(ctx, id.NewUserID("u", s)); return err },
		"openid":    func(s string) error { _, err := one.OpenIDUserInfo(ctx, s, "x"); return err },
		"media": func(s string) error {
			_, err := one.Download(ctx, id.ContentURI{Homeserver: s, FileID: "x"}, 0, 100)
			return err
		},
		"hierarchy": func(s string) error { _, err := one.Hierarchy(ctx, s, "!r", false); return err },
	}
	for i, body := range []string{
		``, `null`, `[]`, `7`, `{`, `{"state":{},"pdus":{},"event":7,"pdu_ids":7}`, `{"pdus":[7],"state":["x"]}`, `{"room_id":"x","server":[],"sub":"@a:evil","user_id":"@evil:x"}`,
		"<html>", "\x00\xff", strings.Repeat(`{"a":`, 20_000),
	} {
		server := fmt.Sprintf("s%d.example", i)
		n.serve(server, answer(200, body))
		for name, fn := range calls {
			if err := fn(server); err == nil {
				// These say nothing that is wrong.
				empty := body == `null` && (name == "version" || name == "state_ids") || strings.HasPrefix(body, "{\"") && !strings.HasPrefix(body, `{"a"`)
				if !empty {
					t.Errorf("%s takes %.20q", name, body)
				}
			}
		}
		if !one.Until(server).IsZero() && body != `` && body != `{` && !strings.HasPrefix(body, `{"a"`) {
			t.Errorf("%.20q: left alone, though it answers", body)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one := open(t, here, n.options())
	n.serve("no.example", answer(403, `{"errcode":"M_FORBIDDEN","error":"not you"}`))
	n.serve("old.example", answer(400, `{"errcode":"M_INCOMPATIBLE_ROOM_VERSION","error":"no","room_version":"12"}`))
	n.serve("token.example", answer(401, `{"errcode":"M_UNKNOWN_TOKEN","error":"log out!"}`))
	n.serve("page.example", answer(500, `<html>`))
	n.serve("away.example", answer(502, `<html>`))
	n.serve("moved.example", http.RedirectHandler("https://evil.example/", http.StatusFound))
	n.serve("busy.example", answer(429, `{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":60000}`))
	for server, want := range map[string]struct {
		status int
		code   matrix.Code
		client matrix.Code // what the client is told, "" for nothing in particular
		alone  bool
	}{
		"no.example":    {403, matrix.Forbidden, matrix.Forbidden, false},
		"old.example":   {400, matrix.IncompatibleRoomVersion, matrix.IncompatibleRoomVersion, false},
		"token.example": {401, matrix.UnknownToken, "", false},
		"page.example":  {500, "", "", false},
		"away.example":  {502, "", "", true},
		"moved.example": {302, "", "", false},
		"busy.example":  {429, matrix.LimitExceeded, matrix.LimitExceeded, true},
	} {
		_, err := one.MakeJoin(t.Context(), server, "!r", "@u:one.example", []string{"11"})
		var theirs *peers.Error
		if !errors.As(err, &theirs) || theirs.Status != want.status || theirs.Code != want.code || theirs.Server != server {
			t.Errorf("%s: %v", server, err)
		}
		if alone := !one.Until(server).IsZero(); alone != want.alone {
			t.Errorf("%s: left alone: %v", server, alone)
		}
		var told *matrix.Error
		if is := errors.As(peers.Refusal(err), &told); is != (want.client != "") || is && told.Code != want.client {
			t.Errorf("%s: the client is told %v", server, peers.Refusal(err))
		}
		if !matrix.IsCode(peers.NotFound(err), matrix.NotFound) && want.client == "" {
			t.Errorf("%s: who looks for something is told %v", server, peers.NotFound(err))
		}
	}
}

// carrier answers without a network.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

func fine(body io.Reader) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: -1}, nil
}

// endless sends the same bytes for ever, with a pause before each.
type endless struct {
	ctx   context.Context
	bytes string
	pause time.Duration
}

func (e *endless) Read(p []byte) (int, error) {
	if e.pause > 0 {
		timer := time.NewTimer(e.pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-e.ctx.Done():
			return 0, e.ctx.Err()
		}
	}
	return copy(p, e.bytes), nil
}

func TestSlowServersAreGivenUp(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.SQLite)
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			from carrier
			most time.Duration
		}{
			"never answers": {func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, 61 * time.Second},
			"stops answering": {func(r *http.Request) (*http.Response, error) {
				return fine(io.MultiReader(strings.NewReader(`{"state":[`), &endless{r.Context(), " ", time.Hour}))
			}, 31 * time.Second},
			"drips": {func(r *http.Request) (*http.Response, error) {
				return fine(&endless{r.Context(), " ", 20 * time.Second})
			}, 3 * time.Minute},
			"goes on for ever": {func(r *http.Request) (*http.Response, error) {
				return fine(&endless{r.Context(), strings.Repeat(" ", 1000), 10 * time.Millisecond})
			}, 16 * time.Minute},
		} {
			one := newServer(t, db, here, peers.Options{Transport: c.from, Timeout: time.Minute})
			start := time.Now()
			server := strings.ReplaceAll(name, " ", "-") + ".example"
			var err error
			if name == "never answers" {
				_, err = one.Version(t.Context(), server)
			} else {
				_, err = one.SendJoin(t.Context(), server, "!r", "$e", json.RawMessage(`{}`), false)
			}
			if took := time.Since(start); err == nil || took > c.most {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			if one.Until(server).IsZero() {
				t.Errorf("%s: not left alone", name)
			}
		}
	})
}

func TestCallerThatGivesUp(t *testing.T) {
	t.Parallel()
	one := open(t, here, peers.Options{Transport: carrier(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Version(ctx, there); !errors.Is(err, context.Canceled) || !one.Until(there).IsZero() {
		t.Errorf("%v; left alone until %v", err, one.Until(there))
	}
}

func TestEndlessAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"spaces":      " ",
		"one value":   "x",
		"many events": `{"a":1},`,
	} {
		one := open(t, here, peers.Options{MaxAnswer: 1 << 20, MaxEvents: 1000, Transport: carrier(func(r *http.Request) (*http.Response, error) {
			return fine(io.MultiReader(strings.NewReader(map[string]string{"spaces": ``, "one value": `{"state":["`, "many events": `{"auth_chain":[`}[name]), &endless{r.Context(), strings.Repeat(body, 500), 0}))
		})})
		if _, err := one.SendJoin(t.Context(), there, "!r", "$e", json.RawMessage(`{}`), false); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := one.QueryProfile(t.Context(), "@a:two.example", ""); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestJoinAnswer(t *testing.T) {
	t.Parallel()
	huge := `{"type":"x","content":{"a":"` + strings.Repeat("x", 300<<10) + `"}}`
	body := `{"origin":"two.example","x":[{"deep":[1,{}]}],"auth_chain":[{"a":1}],"state":[{"type":"t"},` + huge + `,{"n":2}],
		"event":{"signed":true},"members_omitted":true,"servers_in_room":["a.example","b.example"]}`
	var asked *http.Request
	one := open(t, here, peers.Options{Transport: carrier(func(r *http.Request) (*http.Response, error) {
		asked = r
		return fine(strings.NewReader(body))
	})})
	a, err := one.SendJoin(t.Context(), there, "!r:x", "$e/1", json.RawMessage(`{"type": "m.room.member"}`), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.State) != 2 || len(a.Auth) != 1 || string(a.State[1]) != `{"n":2}` || string(a.Event) != `{"signed":true}` || !a.MembersOmitted || len(a.Servers) != 2 || a.Origin != there {
		t.Errorf("%+v", a)
	}
	sent, _ := io.ReadAll(asked.Body)
	if asked.URL.EscapedPath() != "/_matrix/federation/v2/send_join/%21r:x/$e%2F1" || asked.URL.Query().Get("omit_members") != "true" || string(sent) != `{"type":"m.room.member"}` {
		t.Errorf("%s %s", asked.URL, sent)
	}
}

func TestTransactionsAreAnsweredByEvent(t *testing.T) {
	t.Parallel()
	one := open(t, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) {
		return fine(strings.NewReader(`{"pdus":{"$a":{},"$b":{"error":"no"}}}`))
	})})
	refused, err := one.Send(t.Context(), there, "1", json.RawMessage(`{"pdus":[]}`))
	if err != nil || len(refused) != 1 || refused["$b"] != "no" {
		t.Errorf("%v, %v", refused, err)
	}
}

func TestServersSpeakForTheirOwnUsers(t *testing.T) {
	t.Parallel()
	one := open(t, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) {
		return fine(strings.NewReader(`{"device_keys":{"@a:two.example":{"D":{}},"@evil:three.example":{"D":{}}},"master_keys":{"@b:two.example":{}},"self_signing_keys":{"@a:two.example":{}},
			"one_time_keys":{"@a:two.example":{"D":{"k":{}},"E":{"k":{}}},"@evil:three.example":{"D":{"k":{}}}}}`))
	})})
	keys, err := one.QueryKeys(t.Context(), there, map[id.UserID][]id.DeviceID{"@a:two.example": nil})
	if err != nil || len(keys.Devices) != 1 || len(keys.Master) != 0 || len(keys.SelfSigning) != 1 {
		t.Errorf("%+v, %v", keys, err)
	}
	claimed, err := one.ClaimKeys(t.Context(), there, map[id.UserID]map[id.DeviceID]string{"@a:two.example": {"D": "signed_curve25519"}})
	if err != nil || len(claimed) != 1 || len(claimed["@a:two.example"]) != 1 {
		t.Errorf("%+v, %v", claimed, err)
	}
}

// TestCallsToOneServerAreBounded starts more than are let through.
func TestCallsToOneServerAreBounded(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.SQLite)
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		one := newServer(t, db, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for before := most.Load(); n > before && !most.CompareAndSwap(before, n); before = most.Load() {
			}
			time.Sleep(time.Second)
			return fine(strings.NewReader(`{"server":{}}`))
		})})
		for range 200 {
			go func() {
				if _, err := one.Version(t.Context(), there); err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Minute)
		if most.Load() != 32 {
			t.Errorf("%d calls at the same time", most.Load())
		}
	})
}

func TestMedia(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	one := open(t, here, n.options())
	const form = `multipart/mixed; boundary="b"`
	parts := func(headers, content string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", form)
			fmt.Fprintf(w, "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n%s\r\n\r\n%s\r\n--b--", headers, content)
		}
	}
	binary := string([]byte{0, 255, '\r', '\n', '-', '-'})
	n.serve("new.example", parts("Content-Type: image/png\r\nContent-Disposition: attachment; filename=\"a b.png\"", binary))
	store := n.serve("cdn.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the store got our signature")
		}
		w.Header().Set("Content-Type", "image/gif")
		_, _ = io.WriteString(w, "from the store")
	}), "127.0.0.1")
	n.serve("redirecting.example", parts("Location: "+store.URL+"/x", ""))
	n.serve("plain.example", parts("Location: http://127.0.0.1:1/x", ""))
	n.serve("old.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/_matrix/media/v3/download/old.example/") || r.URL.Query().Get("allow_remote") != "false" || r.Header.Get("Authorization") != "" {
			answer(404, `{"errcode":"M_UNRECOGNIZED","error":"?"}`)(w, r)
			return
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = io.WriteString(w, "from an old server")
	}))
	n.serve("none.example", answer(404, `{"errcode":"M_NOT_FOUND","error":"no such file"}`))
	n.serve("large.example", parts("Content-Type: image/png", strings.Repeat("x", 400_000)))
	n.serve("cut.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", form)
		_, _ = io.WriteString(w, "--b\r\n\r\n{}\r\n--b\r\n\r\nhalf")
	}))
	for server, want := range map[string]struct{ kind, name, content string }{
		"new.example":         {"image/png", "a b.png", binary},
		"redirecting.example": {"image/gif", "", "from the store"},
		"old.example":         {"image/jpeg", "", "from an old server"},
	} {
		m, err := one.Download(t.Context(), id.ContentURI{Homeserver: server, FileID: "abc"}, time.Second, 1000)
		if err != nil {
			t.Errorf("%s: %v", server, err)
			continue
		}
		content, err := io.ReadAll(m)
		if err != nil || string(content) != want.content || m.ContentType != want.kind || m.Filename != want.name || m.Close() != nil {
			t.Errorf("%s: %q %+v, %v", server, content, m, err)
		}
	}
	if _, err := one.Download(t.Context(), id.ContentURI{Homeserver: "none.example", FileID: "abc"}, 0, 1000); !peers.IsCode(err, matrix.NotFound) {
		t.Errorf("none: %v", err)
	}
	if _, err := one.Download(t.Context(), id.ContentURI{Homeserver: "plain.example", FileID: "abc"}, 0, 1000); err == nil {
		t.Error("followed to a place without HTTPS")
	}
	for _, server := range []string{"large.example", "cut.example"} {
		m, err := one.Download(t.Context(), id.ContentURI{Homeserver: server, FileID: "abc"}, 0, 1000)
		if err == nil {
			if _, err = io.Copy(io.Discard, m); err == nil {
				t.Errorf("%s: taken as whole", server)
			}
			_ = m.Close()
		}
	}
}

func FuzzMedia(f *testing.F) {
	f.Add(`multipart/mixed; boundary=b`, []byte("--b\r\n\r\n{}\r\n--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--"))
	f.Add(`multipart/mixed; boundary=b`, []byte("--b\r\n\r\n{}\r\n--b\r\nLocation: x\r\n\r\n--b--"))
	f.Add(`text/plain`, []byte(""))
	var kind string
	var content []byte
	one := open(f, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content)
		return w.Result(), nil
	})})
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		kind, content = contentType, body
		one.Heard(there)
		m, err := one.Download(t.Context(), id.ContentURI{Homeserver: there, FileID: "x"}, 0, 1000)
		if err != nil {
			return
		}
		got, _ := io.ReadAll(m)
		if len(got) > len(body) || !bytes.Contains(body, got) {
			t.Errorf("%q of %q", got, body)
		}
		_ = m.Close()
	})
}

func FuzzJoinAnswer(f *testing.F) {
	f.Add([]byte(`{"state":[{}],"auth_chain":null,"event":{},"servers_in_room":["a"],"members_omitted":true}`))
	f.Add([]byte(`{"state":[[]]}`))
	f.Add([]byte(`{"x":{"a":[1,{"b":[]}]},"state":[]`))
	var content []byte
	one := open(f, here, peers.Options{Transport: carrier(func(*http.Request) (*http.Response, error) { return fine(bytes.NewReader(content)) })})
	f.Fuzz(func(t *testing.T, body []byte) {
		content = body
		one.Heard(there)
		a, err := one.SendJoin(t.Context(), there, "!r", "$e", json.RawMessage(`{}`), false)
		if err != nil {
			return
		}
		for _, ev := range append(a.State, a.Auth...) {
			if !json.Valid(ev) || ev[0] != '{' {
				t.Errorf("%q is no event", ev)
			}
		}
	})
}
