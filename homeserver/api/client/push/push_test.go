package push_test

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

	api "plenum/homeserver/api/client/push"
	"plenum/homeserver/push"
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
	d, err := userdata.New(db, w.rooms, userdata.Options{PushRules: push.DefaultContent}, silent)
	w.must(err)
	p, err := push.New(db, w.rooms, d, push.Options{}, silent)
	w.must(err)
	w.mux = httpx.NewMux(api.New(p).Routes(), httpx.Options{Auth: names{}, Log: silent})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// try makes a request of ada and returns what came back. No answer may be a 5xx.
func (w *world) try(method, path, body string) (int, gjson.Result) {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, v3+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer ada")
	out := httptest.NewRecorder()
	w.mux.ServeHTTP(out, r)
	raw, err := io.ReadAll(out.Body)
	if err != nil || out.Code >= 500 || !json.Valid(raw) {
		w.Errorf("%s %s: status %d, %s, %v", method, path, out.Code, raw, err)
	}
	return out.Code, gjson.ParseBytes(raw)
}

// want makes a request of ada and checks status and answer.
func (w *world) want(method, path, body string, status int, answer string) {
	w.Helper()
	got, raw := w.try(method, path, body)
	if got != status || raw.Raw != answer {
		w.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, raw.Raw, status, answer)
	}
}

// refused makes a request of ada that is refused with status and code.
func (w *world) refused(method, path, body string, status int, code matrix.Code) {
	w.Helper()
	got, answer := w.try(method, path, body)
	if got != status || answer.Get("errcode").Str != string(code) {
		w.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, got, answer.Raw, status, code)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		const rules = "/pushrules/global"
		for _, path := range []string{"/pushrules/", "/pushrules"} {
			if _, all := w.try("GET", path, ""); all.Get("global.override.0.rule_id").Str != ".m.rule.master" || len(all.Get("global").Map()) != 6 {
				w.Errorf("%s: %s", path, all.Raw)
			}
		}
		for _, path := range []string{rules + "/", rules} {
			if _, all := w.try("GET", path, ""); all.Get("override.0.rule_id").Str != ".m.rule.master" || all.Get("room").Raw != "[]" {
				w.Errorf("%s: %s", path, all.Raw)
			}
		}
		w.want("GET", rules+"/underride/.m.rule.message", "", 200, `{"rule_id":".m.rule.message","default":true,"enabled":true,`+
			`"conditions":[{"kind":"event_match","key":"type","pattern":"m.room.message"}],"actions":["notify"]}`)
		w.want("PUT", rules+"/content/cake", `{"pattern":"cake*lie","actions":["notify"]}`, 200, `{}`)
		w.want("PUT", rules+"/content/beer?after=cake", `{"pattern":"beer","actions":[]}`, 200, `{}`)
		w.want("PUT", rules+"/content/tea?before=beer", `{"pattern":"tea","actions":[]}`, 200, `{}`)
		if _, all := w.try("GET", rules+"/", ""); all.Get("content.#.rule_id").Raw != `["cake","tea","beer",".m.rule.contains_user_name"]` {
			w.Errorf("order: %s", all.Get("content.#.rule_id").Raw)
		}
		w.want("GET", rules+"/content/cake/enabled", "", 200, `{"enabled":true}`)
		w.want("PUT", rules+"/content/cake/enabled", `{"enabled":false}`, 200, `{}`)
		w.want("GET", rules+"/content/cake/enabled", "", 200, `{"enabled":false}`)
		w.want("GET", rules+"/content/beer/actions", "", 200, `{"actions":[]}`)
		w.want("PUT", rules+"/content/beer/actions", `{"actions":["notify",{"set_tweak":"sound","value":"bing"}]}`, 200, `{}`)
		w.want("GET", rules+"/content/beer/actions", "", 200, `{"actions":["notify",{"set_tweak":"sound","value":"bing"}]}`)
		w.want("DELETE", rules+"/content/tea", "", 200, `{}`)
		for _, gone := range []string{"/content/tea", "/postcontent/x", "/override/x"} {
			for _, more := range []string{"", "/enabled", "/actions"} {
				w.refused("GET", rules+gone+more, "", 404, matrix.NotFound)
			}
			w.refused("DELETE", rules+gone, "", 404, matrix.NotFound)
			w.refused("PUT", rules+gone+"/enabled", `{"enabled":true}`, 404, matrix.NotFound)
			w.refused("PUT", rules+gone+"/actions", `{"actions":[]}`, 404, matrix.NotFound)
		}
		w.refused("PUT", rules+"/content/cake/enabled", `{}`, 400, matrix.MissingParam)
		w.refused("PUT", rules+"/content/cake/actions", `{}`, 400, matrix.MissingParam)
		w.refused("PUT", rules+"/content/x?before=none", `{"pattern":"x","actions":[]}`, 400, matrix.Unknown)
		w.refused("PUT", rules+"/content/x", `{"actions":[]}`, 400, matrix.MissingParam)
		w.refused("PUT", rules+"/content/.x", `{"pattern":"x","actions":[]}`, 400, matrix.InvalidParam)
		w.refused("PUT", rules+"/content/a%2Fb", `{"pattern":"x","actions":[]}`, 400, matrix.InvalidParam)
		w.refused("PUT", rules+"/postcontent/x", `{"actions":[]}`, 400, matrix.InvalidParam)
		w.refused("DELETE", rules+"/override/.m.rule.master", "", 400, matrix.InvalidParam)
	})
}

func TestPushers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		const pusher = `"app_id":"org.example.app","pushkey":"key","app_display_name":"App","device_display_name":"Phone","lang":"en","data":{"url":"https://push.example/_matrix/push/v1/notify"}}`
		w.want("GET", "/pushers", "", 200, `{"pushers":[]}`)
		w.want("POST", "/pushers/set", `{"append":false,"kind":"http",`+pusher, 200, `{}`)
		w.want("GET", "/pushers", "", 200, `{"pushers":[{"kind":"http",`+strings.TrimSuffix(pusher, "}")+
			`,"enabled":true,"org.matrix.msc3881.enabled":true,"device_id":"PHONE","org.matrix.msc3881.device_id":"PHONE"}]}`)
		w.refused("POST", "/pushers/set", `{`+pusher, 400, matrix.MissingParam)
		w.refused("POST", "/pushers/set", `{"kind":7,`+pusher, 400, matrix.BadJSON)
		w.refused("POST", "/pushers/set", `{"kind":"http","app_id":"a","pushkey":"b"}`, 400, matrix.MissingParam)
		w.want("POST", "/pushers/set", `{"kind":null,"app_id":"org.example.app","pushkey":"key"}`, 200, `{}`)
		w.want("GET", "/pushers", "", 200, `{"pushers":[]}`)
	})
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := matrix.Principal{User: "@ada:one.example"}, matrix.Principal{User: "@bob:one.example"}
		room, err := w.rooms.Create(w.Context(), bob, rooms.CreateRequest{Preset: "public_chat"})
		w.must(err)
		w.must(w.rooms.Join(w.Context(), ada, rooms.MemberChange{Room: room}))
		w.want("GET", "/notifications", "", 200, `{"notifications":[]}`)
		for _, body := range []string{"one", "ada!"} {
			_, err := w.rooms.Send(w.Context(), bob, rooms.Draft{Room: room, Type: "m.room.message", Content: json.RawMessage(`{"body":"` + body + `"}`)})
			w.must(err)
		}
		_, first := w.try("GET", "/notifications?limit=1", "")
		_, second := w.try("GET", "/notifications?limit=1&from="+url.QueryEscape(first.Get("next_token").Str), "")
		if got := first.Get("notifications.0.event.content.body").Str + " " + second.Get("notifications.0.event.content.body").Str; got != "ada! one" {
			w.Errorf("pages: %s", got)
		}
		if _, all := w.try("GET", "/notifications?only=highlight", ""); all.Get("notifications.#").Int() != 1 || all.Get("notifications.0.room_id").Str != string(room) {
			w.Errorf("highlights: %s", all.Raw)
		}
		w.refused("GET", "/notifications?from=x", "", 400, matrix.InvalidParam)
		w.refused("GET", "/notifications?limit=x", "", 400, matrix.InvalidParam)
	})
}

// FuzzRules makes rules of any bytes and has a message judged by them: what
// is taken is shown again, and no answer is the server's fault.
func FuzzRules(f *testing.F) {
	for _, body := range []string{
		`{"actions":["notify"],"pattern":"a*?"}`,
		`{"actions":[],"conditions":[{"kind":"event_match","key":"content.body","pattern":"*"}]}`,
		`{"actions":[{"set_tweak":"sound","value":[]}],"conditions":[{"kind":"event_property_is","key":"\\","value":1e999}]}`,
		`{"actions":["notify"],"conditions":[{"kind":"event_property_contains","key":"content.m\\.mentions.user_ids","value":null}]}`,
		`{"actions":["notify"],"conditions":[{"kind":"room_member_count","is":"<=99999999999999999999"}]}`,
		`{"actions":["notify"],"conditions":[{"kind":"sender_notification_permission","key":""}],"pattern":"\ud800"}`,
		`{"actions":null}`, `{}`, `[]`, "\xff",
	} {
		f.Add(body, "a body")
	}
	w := serve(f, storagetest.Open(f, storage.SQLite))
	ada, bob := matrix.Principal{User: "@ada:one.example"}, matrix.Principal{User: "@bob:one.example"}
	room, err := w.rooms.Create(f.Context(), bob, rooms.CreateRequest{Preset: "public_chat"})
	w.must(err)
	w.must(w.rooms.Join(f.Context(), ada, rooms.MemberChange{Room: room}))
	f.Fuzz(func(t *testing.T, body, text string) {
		here := &world{TB: t, mux: w.mux, rooms: w.rooms}
		for _, kind := range []string{"override", "content", "room", "sender", "underride"} {
			status, _ := here.try("PUT", "/pushrules/global/"+kind+"/mine", body)
			if got, _ := here.try("GET", "/pushrules/global/"+kind+"/mine", ""); status == 200 && got != 200 {
				t.Errorf("a rule of kind %s was taken and is not there", kind)
			}
		}
		content, err := json.Marshal(map[string]string{"body": text})
		here.must(err)
		if _, err := w.rooms.Send(t.Context(), bob, rooms.Draft{Room: room, Type: "m.room.message", Content: content}); err != nil {
			return // not every text can be sent
		}
		here.try("GET", "/notifications", "")
	})
}
