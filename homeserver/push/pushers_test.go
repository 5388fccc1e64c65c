package push_test

import (
	"encoding/json"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func pusher(key string) push.Pusher {
	return push.Pusher{
		Kind: ptr("http"), AppID: "org.example.app", Key: key, AppName: "App", DeviceName: "Phone", Lang: "en",
		Data: json.RawMessage(`{"url":"https://push.example/_matrix/push/v1/notify","format":"event_id_only"}`),
	}
}

func (w *world) pushkeys(user id.UserID) string {
	w.Helper()
	list, err := w.Pushers(w.Context(), user)
	w.must(err)
	var keys []string
	for _, p := range list {
		keys = append(keys, p.Key)
	}
	return strings.Join(keys, " ")
}

func TestPushers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		set := func(user id.UserID, p push.Pusher, alongside bool) {
			w.Helper()
			w.must(w.SetPusher(ctx, as(user), p, alongside))
		}
		set(ada, pusher("k1"), false)
		set(ada, pusher("k2"), false)
		renamed := pusher("k1")
		renamed.DeviceName, renamed.ProfileTag = "Pad", "tag"
		set(ada, renamed, false)
		list, err := w.Pushers(ctx, ada)
		w.must(err)
		raw, err := json.Marshal(list[0])
		w.must(err)
		if len(list) != 2 || string(raw) != `{"kind":"http","app_id":"org.example.app","pushkey":"k1","app_display_name":"App","device_display_name":"Pad","profile_tag":"tag","lang":"en","data":{"url":"https://push.example/_matrix/push/v1/notify","format":"event_id_only"},"enabled":true,"org.matrix.msc3881.enabled":true,"device_id":"PHONE","org.matrix.msc3881.device_id":"PHONE"}` {
			w.Errorf("pushers %s of %d", raw, len(list))
		}
		set(bob, pusher("k1"), true)
		if a, b := w.pushkeys(ada), w.pushkeys(bob); a != "k1 k2" || b != "k1" {
			w.Errorf("alongside: %q, %q", a, b)
		}
		set(eve, pusher("k1"), false) // the phone has another owner now
		if a, b, e := w.pushkeys(ada), w.pushkeys(bob), w.pushkeys(eve); a != "k2" || b != "" || e != "k1" {
			w.Errorf("of a new owner: %q, %q, %q", a, b, e)
		}
		set(ada, push.Pusher{AppID: "org.example.app", Key: "k2"}, false)
		set(ada, push.Pusher{AppID: "org.example.app", Key: "none"}, false)
		if a := w.pushkeys(ada); a != "" {
			w.Errorf("removed: %q", a)
		}
	})
}

func TestPushersThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{MaxPushers: 1})
	with := func(change func(*push.Pusher)) push.Pusher {
		p := pusher("k")
		change(&p)
		return p
	}
	data := func(data string) push.Pusher {
		return with(func(p *push.Pusher) { p.Data = json.RawMessage(data) })
	}
	for _, c := range []struct {
		what string
		push.Pusher
		code matrix.Code
	}{
		{"no app", with(func(p *push.Pusher) { p.AppID = "" }), matrix.MissingParam},
		{"no key", with(func(p *push.Pusher) { p.Key = "" }), matrix.MissingParam},
		{"no language", with(func(p *push.Pusher) { p.Lang = "" }), matrix.MissingParam},
		{"no data", with(func(p *push.Pusher) { p.Data = nil }), matrix.MissingParam},
		{"no key to remove", push.Pusher{AppID: "a"}, matrix.MissingParam},
		{"long app", with(func(p *push.Pusher) { p.AppID = strings.Repeat("a", 65) }), matrix.InvalidParam},
		{"long key", with(func(p *push.Pusher) { p.Key = strings.Repeat("a", 513) }), matrix.InvalidParam},
		{"long name", with(func(p *push.Pusher) { p.DeviceName = strings.Repeat("a", 256) }), matrix.InvalidParam},
		{"email", with(func(p *push.Pusher) { p.Kind = ptr("email") }), matrix.InvalidParam},
		{"no url", data(`{}`), matrix.MissingParam},
		{"no object", data(`[]`), matrix.InvalidParam},
		{"no TLS", data(`{"url":"http://push.example/_matrix/push/v1/notify"}`), matrix.InvalidParam},
		{"another path", data(`{"url":"https://push.example/notify"}`), matrix.InvalidParam},
		{"with a password", data(`{"url":"https://a:b@push.example/_matrix/push/v1/notify"}`), matrix.InvalidParam},
		{"no host", data(`{"url":"https:///_matrix/push/v1/notify"}`), matrix.InvalidParam},
		{"no url at all", data(`{"url":"::"}`), matrix.InvalidParam},
		{"long data", data(`{"url":"https://push.example/_matrix/push/v1/notify","x":"` + strings.Repeat("x", 4096) + `"}`), matrix.InvalidParam},
	} {
		if err := w.SetPusher(t.Context(), as(ada), c.Pusher, false); !matrix.IsCode(err, c.code) {
			t.Errorf("%s: got %v, want %s", c.what, err, c.code)
		}
	}
	w.must(w.SetPusher(t.Context(), as(ada), pusher("k"), false))
	w.must(w.SetPusher(t.Context(), as(ada), pusher("k"), false))
	w.refused(w.SetPusher(t.Context(), as(ada), pusher("k2"), false), matrix.ResourceLimitExceeded)
}

func TestPushersGoWithTheirDevice(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.must(w.SetPusher(w.Context(), as(ada), pusher("phone"), false))
		w.must(w.SetPusher(w.Context(), matrix.Principal{User: ada, Device: "PAD"}, pusher("pad"), false))
		w.must(w.db.Write(w.Context(), func(tx *storage.Tx) error {
			return w.DevicesGone(w.Context(), tx, ada, []id.DeviceID{"PHONE", "OTHER"})
		}))
		if got := w.pushkeys(ada); got != "pad" {
			w.Errorf("left: %q", got)
		}
	})
}
