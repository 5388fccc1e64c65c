package push_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/internal/outward"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// gateway is a push gateway that writes down what it is told.
type gateway struct {
	mu     sync.Mutex
	told   []gjson.Result
	answer func() (int, string, error)
	news   chan struct{}
}

func newGateway() *gateway {
	return &gateway{news: make(chan struct{}, 100), answer: func() (int, string, error) { return 200, `{"rejected":[]}`, nil }}
}

func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost || r.URL.Path != "/_matrix/push/v1/notify" || r.Header.Get("Content-Type") != "application/json" {
		return nil, errors.New("that is no push gateway's address")
	}
	g.told = append(g.told, gjson.ParseBytes(body).Get("notification"))
	status, answer, err := g.answer()
	select {
	case g.news <- struct{}{}:
	default:
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{}, Request: r}, nil
}

// answers changes what the gateway says.
func (g *gateway) answers(status int, body string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = func() (int, string, error) { return status, body, err }
}

func (g *gateway) events() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for _, n := range g.told {
		out = append(out, n.Get("event_id").Str)
	}
	return strings.Join(out, " ")
}

// run follows what happens, until the returned function is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		w.Helper()
		cancel()
		w.must(<-ended)
	}
}

func join(evs ...id.EventID) string {
	var out []string
	for _, ev := range evs {
		out = append(out, string(ev))
	}
	return strings.Join(out, " ")
}

func TestPushersAreNotified(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		g := newGateway()
		w := open(t, db, push.Options{Gateway: g})
		room := w.room(ada, bob)
		w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
		stop := w.run()
		w.say(bob, room, "his own")
		w.say(ada, room, `{"msgtype":"m.notice","body":"quiet"}`)
		said := w.say(ada, room, `{"body":"secret","m.mentions":{"user_ids":["@bob:one.example"]}}`)
		<-g.news
		invited, err := w.rooms.Create(t.Context(), as(ada), rooms.CreateRequest{Invite: []id.UserID{bob}})
		w.must(err)
		<-g.news
		stop()
		if len(g.told) != 2 {
			t.Fatalf("told %v", g.told)
		}
		want := `{"event_id":"` + string(said) + `","room_id":"` + string(room) + `","prio":"high","counts":{"unread":1},` +
			`"devices":[{"app_id":"org.example.app","pushkey":"key","data":{"format":"event_id_only"}}]}`
		if g.told[0].Raw != want {
			t.Errorf("told %s, want %s", g.told[0].Raw, want)
		}
		if got := g.told[1].Get("room_id").Str; got != string(invited) {
			t.Errorf("invited to %s, want %s", got, invited)
		}
		w.restart()
		stop = w.run()
		again := w.say(ada, room, "after a restart")
		<-g.news
		stop()
		if got := g.events(); !strings.HasPrefix(got, string(said)) || !strings.HasSuffix(got, string(again)) || len(g.told) != 3 {
			t.Errorf("events %s", got)
		}
	})
}

func TestGatewaysThatMayKnowMore(t *testing.T) {
	t.Parallel()
	g := newGateway()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: g, TellContent: true})
	room, err := w.rooms.Create(t.Context(), as(ada), rooms.CreateRequest{Preset: "public_chat", Name: "Kitchen", AliasName: "kitchen"})
	w.must(err)
	w.join(bob, room)
	full := pusher("key")
	full.Data = json.RawMessage(`{"url":"https://push.example/_matrix/push/v1/notify","brand":"x"}`)
	w.must(w.SetPusher(t.Context(), as(bob), full, false))
	w.must(w.SetPusher(t.Context(), as(bob), pusher("other"), false))
	stop := w.run()
	w.say(ada, room, "dinner, bob")
	<-g.news
	<-g.news
	stop()
	for _, n := range g.told {
		if n.Get("devices.0.pushkey").Str == "other" {
			if n.Get("content").Exists() || n.Get("sender").Exists() || n.Get("devices.0.tweaks").Exists() {
				t.Errorf("who wants ids only is told %s", n.Raw)
			}
			continue
		}
		for path, want := range map[string]string{
			"content.body": "dinner, bob", "sender": string(ada), "sender_display_name": "Lady ada", "type": "m.room.message",
			"room_name": "Kitchen", "room_alias": "#kitchen:one.example", "devices.0.tweaks.sound": "default", "devices.0.data.brand": "x",
		} {
			if got := n.Get(path).Str; got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if n.Get("devices.0.data.url").Exists() || !n.Get("devices.0.tweaks.highlight").Bool() {
			t.Errorf("told %s", n.Raw)
		}
	}
}

func TestRejectedPushersAreRemoved(t *testing.T) {
	t.Parallel()
	g := newGateway()
	g.answers(200, `{"rejected":["other","key"]}`, nil)
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: g})
	room := w.room(ada, bob)
	w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
	stop := w.run()
	w.say(ada, room, "one")
	<-g.news
	stop()
	if got := w.pushkeys(bob); got != "" {
		t.Errorf("still there: %q", got)
	}
}

func TestGatewaysThatAreDown(t *testing.T) {
	t.Parallel()
	for what, failure := range map[string]struct {
		status int
		err    error
	}{"an error": {502, nil}, "no connection": {0, errors.New("refused")}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			g := newGateway()
			g.answers(failure.status, "", failure.err)
			w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: g})
			room := w.room(ada, bob)
			w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
			stop := w.run()
			one := w.say(ada, room, "one")
			<-g.news
			two := w.say(ada, room, "two")
			stop() // which does not wait for the gateway
			g.answers(200, `{}`, nil)
			w.restart() // what was on its way is not lost
			stop = w.run()
			<-g.news
			<-g.news
			stop()
			if got := g.events(); got != join(one, one, two) {
				t.Errorf("told of %s, want %s", got, join(one, one, two))
			}
		})
	}
}

func TestGatewaysAreAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway()
		w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: g})
		room := w.room(ada, bob)
		one := w.say(ada, room, "one")
		w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
		w.must(w.Queue(bob, one))
		g.answers(500, "", nil)
		ended := make(chan error)
		go func() { ended <- w.Deliver(t.Context(), bob, "org.example.app", "key") }()
		start := time.Now()
		for range 4 {
			<-g.news
		}
		if took := time.Since(start); took < 7*time.Second || took > 9*time.Second { // 1 + 2 + 4 and a bit
			t.Errorf("four attempts in %v", took)
		}
		g.answers(200, "", nil)
		w.must(<-ended)
		if n := w.Waiting(bob, "org.example.app", "key"); n != 0 {
			t.Errorf("%d are still waiting", n)
		}
	})
}

func TestWhatIsReadIsNotPushed(t *testing.T) {
	t.Parallel()
	g := newGateway()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: g})
	room := w.room(ada, bob)
	w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
	one, two := w.say(ada, room, "one"), w.say(ada, room, "two")
	_, err := w.rooms.Redact(t.Context(), as(ada), rooms.Redaction{Room: room, Event: two})
	w.must(err)
	w.read(bob, room, one, "")
	w.must(w.Queue(bob, one))
	w.must(w.Queue(bob, two))
	w.must(w.Deliver(t.Context(), bob, "org.example.app", "key"))
	if len(g.told) != 0 || w.Waiting(bob, "org.example.app", "key") != 0 {
		t.Errorf("told %v", g.told)
	}
}

func TestGatewaysInside(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "[::1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+":1/_matrix/push/v1/notify", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := push.NewGateway(false).RoundTrip(req)
		if refused := new(outward.RefusedError); !errors.As(err, &refused) {
			t.Errorf("%s: %v, %v", host, resp, err)
		}
	}
}

func TestRulesMoveToTheNewVersionOfARoom(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		stop := w.run()
		defer stop()
		old := w.room(ada, bob)
		muted := `{"conditions":[{"kind":"event_match","key":"room_id","pattern":"` + string(old) + `"}],"actions":[]}`
		for _, user := range []id.UserID{ada, bob} {
			w.rule(user, push.Room, string(old), `{"actions":["dont_notify"]}`)
			w.rule(user, push.Override, string(old), muted)
		}
		heard := w.db.Bus().Subscribe(rooms.UserTopic(ada), rooms.UserTopic(bob))
		defer heard.Close()
		next, err := w.rooms.Upgrade(w.Context(), as(ada), old, "12", nil)
		w.must(err)
		w.join(bob, next)
		for _, user := range []id.UserID{ada, bob} {
			for {
				r, err := w.Rule(w.Context(), user, push.Room, string(next))
				if err == nil {
					if string(r.Actions[0]) != `"dont_notify"` {
						w.Errorf("rule %+v", r)
					}
					break
				}
				<-heard.C()
			}
			r, err := w.Rule(w.Context(), user, push.Override, string(next))
			w.must(err)
			if string(r.Conditions[0]) != `{"key":"room_id","kind":"event_match","pattern":"`+string(next)+`"}` {
				w.Errorf("conditions %s", r.Conditions)
			}
		}
	})
}
