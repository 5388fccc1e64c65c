package push_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// browser subscribed at a push server, for which it also stands: it reads what
// is sent to it.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte

	mu     sync.Mutex
	status int
	read   []gjson.Result
	urgent []string
	news   chan struct{}
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{key: key, auth: make([]byte, 16), status: http.StatusCreated, news: make(chan struct{}, 100)}
	rand.Read(b.auth)
	return b
}

// pusher is what its client asks the server for.
func (b *browser) pusher(path string) push.Pusher {
	kind, enc := "webpush", base64.RawURLEncoding
	return push.Pusher{
		Kind: &kind, AppID: "org.example.web", Key: enc.EncodeToString(b.key.PublicKey().Bytes()), AppName: "Web", DeviceName: "browser", Lang: "de",
		Data: json.RawMessage(fmt.Sprintf(`{"url":"https://push.example%s","auth":%q,"default_payload":{"user_id":"@bob:one.example"}}`, path, enc.EncodeToString(b.auth))),
	}
}

func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "vapid t=") || r.Header.Get("TTL") == "" || r.Header.Get("Content-Encoding") != "aes128gcm" {
		return nil, fmt.Errorf("this is no request to a push server: %v", r.Header)
	}
	if b.status/100 == 2 {
		text, err := b.decrypt(raw)
		if err != nil {
			return nil, err
		}
		b.read, b.urgent = append(b.read, gjson.ParseBytes(text)), append(b.urgent, r.Header.Get("Urgency"))
	}
	select {
	case b.news <- struct{}{}:
	default:
	}
	return &http.Response{StatusCode: b.status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// decrypt reads a message as RFC 8188 and RFC 8291 tell a browser.
func (b *browser) decrypt(raw []byte) ([]byte, error) {
	salt, n := raw[:16], int(raw[20])
	sender, err := ecdh.P256().NewPublicKey(raw[21 : 21+n])
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, e := hkdf.Key(sha256.New, secret, salt, info, n)
		if e != nil {
			err = e
		}
		return out
	}
	ikm := derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender.Bytes()), 32)
	block, e := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if e != nil {
		return nil, e
	}
	gcm, e := cipher.NewGCM(block)
	if e != nil || err != nil {
		return nil, fmt.Errorf("%w, %w", e, err)
	}
	text, err := gcm.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), raw[21+n:], nil)
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(strings.TrimRight(string(text), "\x00"), "\x02")), nil
}

func (b *browser) answers(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func (b *browser) last() gjson.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read[len(b.read)-1]
}

// activated is what the client is told of its only pusher.
func (w *world) activated(user id.UserID) bool {
	w.Helper()
	list, err := w.Pushers(w.Context(), user)
	w.must(err)
	if len(list) != 1 || list[0].Activated == nil {
		w.Fatalf("pushers %+v", list)
	}
	return *list[0].Activated
}

// A browser is told nothing before its client has shown that it can be told.
func TestWebPush(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := newBrowser(t)
		w := open(t, db, push.Options{Gateway: b, Contact: "https://one.example"})
		room := w.room(ada, bob)
		stop := w.run()
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
		<-b.news
		if w.activated(bob) {
			t.Error("it is active at once")
		}
		token := b.last().Get("ack_token").Str
		if b.last().Get("app_id").Str != "org.example.web" || token == "" {
			t.Errorf("told %s", b.last())
		}
		w.refused(w.Activate(t.Context(), as(bob), "org.example.web", "x"), matrix.UnknownActivationToken)
		w.refused(w.Activate(t.Context(), as(bob), "org.example.other", token), matrix.NotFound)
		w.refused(w.Activate(t.Context(), as(ada), "org.example.web", token), matrix.NotFound)
		w.must(w.Activate(t.Context(), as(bob), "org.example.web", token))
		if !w.activated(bob) {
			t.Error("it is not active")
		}
		said := w.say(ada, room, `{"msgtype":"m.text","body":"dinner","m.mentions":{"user_ids":["@bob:one.example"]}}`)
		<-b.news
		stop()
		n := b.last()
		for path, want := range map[string]string{
			"event_id": string(said), "room_id": string(room), "content.body": "dinner", "sender": string(ada), "user_id": "@bob:one.example",
			"unread": "1", "devices": "", "ack_token": "",
		} {
			if got := n.Get(path).String(); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if len(b.read) != 2 || b.urgent[1] != "high" {
			t.Errorf("told %d times, urgency %s", len(b.read), b.urgent)
		}

		// The same subscription stays active; another one has to show itself.
		w.restart()
		stop = w.run()
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
		if !w.activated(bob) {
			t.Error("set again as it was, it is not active any more")
		}
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/2"), false))
		<-b.news
		if w.activated(bob) || b.last().Get("ack_token").Str == "" {
			t.Error("it is reached in another way, and active")
		}
		stop()
	})
}

// After a restart a browser that waits is still not told anything.
func TestWebPushWaitsThroughARestart(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b := newBrowser(t)
		w := open(t, db, push.Options{Gateway: b})
		key := w.WebKey()
		room := w.room(ada, bob)
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false)) // while nobody delivers
		w.restart()
		if w.WebKey() != key {
			t.Error("another key, by which push servers do not know this server")
		}
		stop := w.run()
		<-b.news
		token := b.last().Get("ack_token").Str
		w.must(w.Activate(t.Context(), as(bob), "org.example.web", token))
		said := w.say(ada, room, "bob")
		<-b.news
		stop()
		if len(b.read) != 2 || b.last().Get("event_id").Str != string(said) {
			t.Errorf("told %v", b.read)
		}
	})
}

// A subscription that ended, its pusher goes with.
func TestWebPushersThatAreGone(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		b := newBrowser(t)
		w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: b})
		room := w.room(ada, bob)
		stop := w.run()
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
		<-b.news
		w.must(w.Activate(t.Context(), as(bob), "org.example.web", b.last().Get("ack_token").Str))
		b.answers(status)
		w.say(ada, room, "bob")
		<-b.news
		stop()
		list, err := w.Pushers(t.Context(), bob)
		if w.must(err); len(list) != 0 {
			t.Errorf("%d: it is still there", status)
		}
	}
}

// What push servers would not take goes without its content.
func TestLongMessagesByWebPush(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: b})
	room := w.room(ada, bob)
	stop := w.run()
	defer stop()
	w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
	<-b.news
	w.must(w.Activate(t.Context(), as(bob), "org.example.web", b.last().Get("ack_token").Str))
	said := w.say(ada, room, "bob "+strings.Repeat("x", 5000))
	<-b.news
	if n := b.last(); n.Get("event_id").Str != string(said) || n.Get("content").Exists() || n.Get("type").Str != "m.room.message" {
		t.Errorf("told %s", n)
	}
}

// A token that comes late is of no use; a new one is asked for.
func TestTokensOfWebPushExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBrowser(t)
		w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: b})
		w.room(ada, bob)
		stop := w.run()
		defer stop()
		b.answers(http.StatusTooManyRequests)
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
		<-b.news
		b.answers(http.StatusCreated)
		<-b.news // tried again
		token := b.last().Get("ack_token").Str
		time.Sleep(5 * time.Minute)
		w.refused(w.Activate(t.Context(), as(bob), "org.example.web", token), matrix.ExpiredActivationToken)
		w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
		<-b.news
		if next := b.last().Get("ack_token").Str; next == token {
			t.Error("the same token again")
		} else {
			w.must(w.Activate(t.Context(), as(bob), "org.example.web", next))
		}
	})
}

func TestWebPushersThatCannotWork(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{})
	for data, code := range map[string]matrix.Code{
		`{}`:                              matrix.MissingParam,
		`{"url":"https://push.example/"}`: matrix.MissingParam,
		`{"url":"http://push.example/","auth":"BTBZMqHH6r4Tts7J_aSIgg"}`: matrix.InvalidParam,
		`{"url":"https://push.example/","auth":"x"}`:                     matrix.InvalidParam,
		`{"url":7,"auth":{}}`: matrix.InvalidParam,
	} {
		p := b.pusher("/")
		p.Data = json.RawMessage(data)
		w.refused(w.SetPusher(t.Context(), as(bob), p, false), code)
	}
	p := b.pusher("/")
	p.Key = "key"
	w.refused(w.SetPusher(t.Context(), as(bob), p, false), matrix.InvalidParam)
}

// What happens before a browser has shown itself, it is not told later either.
func TestWebPushersThatWaitAreNotTold(t *testing.T) {
	t.Parallel()
	b, g := newBrowser(t), newGateway()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{Gateway: byPath{b, g}})
	room := w.room(ada, bob)
	stop := w.run()
	w.must(w.SetPusher(t.Context(), as(bob), b.pusher("/1"), false))
	w.must(w.SetPusher(t.Context(), as(bob), pusher("key"), false))
	<-b.news
	w.say(ada, room, "too early, bob")
	<-g.news // it was judged
	w.must(w.Activate(t.Context(), as(bob), "org.example.web", b.last().Get("ack_token").Str))
	said := w.say(ada, room, "bob")
	<-b.news
	stop()
	if len(b.read) != 2 || b.last().Get("event_id").Str != string(said) {
		t.Errorf("told %v", b.read)
	}
}

// byPath leads to a browser's push server, or to a gateway.
type byPath struct {
	b *browser
	g *gateway
}

func (p byPath) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/_matrix/push/v1/notify" {
		return p.g.RoundTrip(r)
	}
	return p.b.RoundTrip(r)
}
