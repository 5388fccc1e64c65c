package keyring_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"plenum/homeserver/peers/keyring"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const (
	here  = "one.example"
	there = "two.example"
)

// key makes a key of a name, the same each time.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

// said is what a server says of its keys.
type said struct {
	server string
	until  time.Time
	keys   []string             // which sign, too
	silent []string             // which do not sign
	old    map[string]time.Time // with when they expired
}

func text(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func public(name string) string { return text(key(name).Public().(ed25519.PublicKey)) }

func (s said) json(t testing.TB) json.RawMessage {
	t.Helper()
	keys, old, signatures := map[string]any{}, map[string]any{}, map[string]string{}
	for _, k := range append(s.keys, s.silent...) {
		keys["ed25519:"+k] = map[string]string{"key": public(k)}
	}
	for k, at := range s.old {
		old["ed25519:"+k] = map[string]any{"key": public(k), "expired_ts": at.UnixMilli()}
	}
	object := map[string]any{"server_name": s.server, "valid_until_ts": s.until.UnixMilli(), "verify_keys": keys, "old_verify_keys": old}
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	message, err := event.SignedBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range s.keys {
		signatures["ed25519:"+k] = text(ed25519.Sign(key(k), message))
	}
	object["signatures"] = map[string]any{s.server: signatures}
	if raw, err = json.Marshal(object); err != nil {
		t.Fatal(err)
	}
	return raw
}

// others are the other servers.
type others struct {
	mu      sync.Mutex
	say     map[string]json.RawMessage
	vouch   []json.RawMessage
	asked   map[string]int
	notary  int
	denied  string
	waiting chan struct{} // not nil: answers wait for it
}

func (o *others) ServerKeys(ctx context.Context, server string) (json.RawMessage, error) {
	o.mu.Lock()
	o.asked[server]++
	raw, ok, wait := o.say[server], o.say[server] != nil, o.waiting
	o.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if !ok {
		return nil, errors.New("away")
	}
	return raw, nil
}

func (o *others) NotaryKeys(context.Context, string, map[string]map[string]int64) ([]json.RawMessage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notary++
	return o.vouch, nil
}

func (o *others) Allowed(server string) bool { return server != o.denied }

type world struct {
	*keyring.Ring
	*others
	t   testing.TB
	now time.Time
	db  *storage.DB
	opt keyring.Options
}

func newWorld(t testing.TB, db *storage.DB, opt keyring.Options) *world {
	t.Helper()
	w := &world{t: t, db: db, now: time.UnixMilli(1_700_000_000_000), others: &others{say: map[string]json.RawMessage{}, asked: map[string]int{}}}
	opt.Now = func() time.Time { return w.now }
	w.opt = opt
	w.open()
	return w
}

// open makes a ring without memory.
func (w *world) open() {
	w.t.Helper()
	ring, err := keyring.New(w.db, event.NewSigner(here, "ed25519:own", key("own")), w.others, w.opt, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Ring = ring
}

// good checks that a key is there and the right one.
func (w *world) good(name string, at time.Time, strict bool) {
	w.t.Helper()
	got, err := w.Key(w.t.Context(), there, "ed25519:"+name, at.UnixMilli(), strict)
	if err != nil || text(got) != public(name) {
		w.t.Errorf("key %s at %v: %v", name, at.Sub(w.now), err)
	}
}

// bad checks that a key is refused.
func (w *world) bad(name string, at time.Time, strict bool, why error) {
	w.t.Helper()
	if got, err := w.Key(w.t.Context(), there, "ed25519:"+name, at.UnixMilli(), strict); !errors.Is(err, why) || got != nil {
		w.t.Errorf("key %s at %v: %x, %v; want %v", name, at.Sub(w.now), got, err, why)
	}
}

func TestKeysAreGoodUntilATime(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, keyring.Options{})
		w.say[there] = said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}, old: map[string]time.Time{"z": w.now.Add(-time.Hour)}}.json(t)
		w.good("a", w.now, true)
		w.good("a", w.now.Add(-24*time.Hour), true)
		w.good("z", w.now.Add(-2*time.Hour), true)
		w.bad("z", w.now, true, keyring.ErrExpired)
		w.good("z", w.now, false)
		w.bad("a", w.now.Add(2*time.Hour), true, keyring.ErrExpired)
		w.good("a", w.now.Add(2*time.Hour), false)
		w.bad("b", w.now, false, keyring.ErrUnknown)
		if w.asked[there] != 1 {
			t.Errorf("asked %d times", w.asked[there])
		}

		// Later it is asked again, also by who knows the key from the database.
		w.now = w.now.Add(2 * time.Hour)
		w.open()
		w.good("a", w.now.Add(-2*time.Hour), true)
		if w.asked[there] != 1 {
			t.Error("asked for what the database knows")
		}
		w.say[there] = said{server: there, until: w.now.Add(30 * 24 * time.Hour), keys: []string{"a", "b"}}.json(t)
		w.good("a", w.now, true)
		w.good("b", w.now.Add(6*24*time.Hour), true)
		w.bad("b", w.now.Add(8*24*time.Hour), true, keyring.ErrExpired) // whatever it says: a week
		w.good("z", w.now.Add(-5*time.Hour), true)                      // though it is not named any more
	})
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, keyring.Options{})
		fine := said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}, silent: []string{"s"}}
		many := fine
		for i := range 300 {
			many.silent = append(many.silent, fmt.Sprint(i))
		}
		for what, raw := range map[string]string{
			"of another server":   string(said{server: "evil.example", until: fine.until, keys: []string{"a"}}.json(t)),
			"changed":             strings.Replace(string(fine.json(t)), fmt.Sprint(fine.until.UnixMilli()), fmt.Sprint(fine.until.UnixMilli()+1), 1),
			"not signed":          string(said{server: there, until: fine.until, silent: []string{"a"}}.json(t)),
			"too many":            string(many.json(t)),
			"not JSON":            `{`,
			"nothing":             `null`,
			"not an object":       `[]`,
			"of the wrong form":   `{"server_name":"two.example","verify_keys":[]}`,
			"a key of other size": strings.Replace(string(fine.json(t)), public("a"), "AAAA", 1),
		} {
			w.now = w.now.Add(time.Minute)
			w.say[there] = json.RawMessage(raw)
			if _, err := w.Key(t.Context(), there, "ed25519:a", w.now.UnixMilli(), false); err == nil {
				t.Errorf("%s: believed", what)
			}
		}
		w.now = w.now.Add(time.Minute)
		w.say[there] = said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}, silent: []string{"s"}}.json(t)
		w.good("a", w.now, true)
		w.bad("s", w.now, false, keyring.ErrUnknown)
	})
}

func TestKeyThatChangesUnderItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
	w.say[there] = said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}}.json(t)
	w.good("a", w.now, true)
	other := strings.ReplaceAll(string(said{server: there, until: w.now.Add(5 * time.Hour), keys: []string{"b"}}.json(t)), "ed25519:b", "ed25519:a")
	// Signed anew under the other name, of course.
	var object map[string]any
	if err := json.Unmarshal([]byte(other), &object); err != nil {
		t.Fatal(err)
	}
	delete(object, "signatures")
	raw, _ := json.Marshal(object)
	message, _ := event.SignedBytes(raw)
	object["signatures"] = map[string]any{there: map[string]string{"ed25519:a": text(ed25519.Sign(key("b"), message))}}
	w.say[there], _ = json.Marshal(object)

	w.now = w.now.Add(time.Minute)
	w.bad("x", w.now, true, keyring.ErrUnknown) // makes it ask
	w.good("a", w.now, true)                    // the first one, while it is good
	w.now = w.now.Add(2 * time.Hour)
	got, err := w.Key(t.Context(), there, "ed25519:a", w.now.UnixMilli(), true)
	if err != nil || text(got) != public("b") {
		t.Errorf("after its time: %v", err)
	}
}

func TestMadeUpKeysMakeNoWorkForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
	w.denied = "denied.example"
	w.say[there] = said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}}.json(t)
	for i := range 100 {
		w.bad(fmt.Sprint(i), w.now, true, keyring.ErrUnknown)
		w.bad("a", w.now.Add(30*24*time.Hour), true, keyring.ErrExpired)
		for _, server := range []string{"away.example", "denied.example"} {
			if _, err := w.Key(t.Context(), server, "ed25519:a", 0, false); err == nil {
				t.Fatal("a key from nowhere")
			}
		}
	}
	if w.asked[there] != 1 || w.asked["away.example"] != 1 || w.asked["denied.example"] != 0 {
		t.Errorf("asked: %v", w.asked)
	}
}

func TestManyWhoAskShareOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
	w.say[there] = said{server: there, until: w.now.Add(time.Hour), keys: []string{"a"}}.json(t)
	w.waiting = make(chan struct{})
	impatient, leave := context.WithCancel(t.Context())
	leave()
	if _, err := w.Key(impatient, there, "ed25519:a", 0, false); err == nil {
		t.Error("waited for nobody")
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { w.good("a", w.now, true) })
	}
	close(w.waiting)
	group.Wait()
	if w.asked[there] != 1 {
		t.Errorf("asked %d times", w.asked[there])
	}
}

func TestPrefetch(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, keyring.Options{})
		wanted := map[string][]string{"away.example": {"ed25519:a"}, here: {"ed25519:own"}}
		for i := range 100 {
			name := fmt.Sprintf("s%d.example", i)
			w.say[name] = said{server: name, until: w.now.Add(time.Hour), keys: []string{name}}.json(t)
			wanted[name] = []string{"ed25519:" + name}
		}
		for range 2 {
			if err := w.Prefetch(t.Context(), wanted); err != nil {
				t.Fatal(err)
			}
			w.open() // the second time they come from the database
		}
		for name := range w.say {
			if _, err := w.Key(t.Context(), name, "ed25519:"+name, w.now.UnixMilli(), true); err != nil || w.asked[name] != 1 {
				t.Errorf("%s: %v, asked %d times", name, err, w.asked[name])
			}
		}
	})
}

func TestOwnKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
	own, err := w.Own()
	if err != nil {
		t.Fatal(err)
	}
	if until := gjson.GetBytes(own, "valid_until_ts").Int(); until <= w.now.Add(24*time.Hour).UnixMilli() || until > w.now.Add(7*24*time.Hour).UnixMilli() {
		t.Errorf("good for %v", time.UnixMilli(until).Sub(w.now))
	}
	// Others believe it.
	other := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
	other.say[there] = json.RawMessage(strings.ReplaceAll(string(own), here, there))
	if _, err := other.Key(t.Context(), there, "ed25519:own", 0, false); err == nil {
		t.Error("believed what is not signed")
	}
	got, err := w.Key(t.Context(), here, "ed25519:own", w.now.UnixMilli(), true)
	if err != nil || text(got) != public("own") {
		t.Errorf("our own key: %v", err)
	}
	again, _ := w.Own()
	w.now = w.now.Add(2 * time.Hour)
	later, _ := w.Own()
	if string(own) != string(again) || string(own) == string(later) {
		t.Error("made anew too often, or never")
	}
}

func TestNotaries(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		// What one server knows and vouches for, another believes if told to.
		notary := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
		notary.say[there] = said{server: there, until: notary.now.Add(time.Hour), keys: []string{"a"}}.json(t)
		known, err := notary.Known(t.Context(), map[string]map[string]int64{there: {"ed25519:a": 0}, here: {}, "away.example": {}})
		if err != nil || len(known) != 2 {
			t.Fatalf("%d answers, %v", len(known), err)
		}
		if _, err := notary.Known(t.Context(), map[string]map[string]int64{there: {"ed25519:a": 0}}); err != nil || notary.asked[there] != 1 {
			t.Errorf("asked %d times, %v", notary.asked[there], err)
		}
		vouched := known[1]

		trusting := newWorld(t, db, keyring.Options{Notaries: []string{"notary.example"}})
		trusting.vouch = []json.RawMessage{vouched}
		trusting.bad("a", trusting.now, true, keyring.ErrUnknown) // nobody has signed in its name
		trusting.vouch = []json.RawMessage{json.RawMessage(strings.ReplaceAll(string(vouched), `"`+here+`":{`, `"notary.example":{`))}
		trusting.say["notary.example"] = said{server: "notary.example", until: trusting.now.Add(time.Hour), keys: []string{"own"}}.json(t)
		trusting.now = trusting.now.Add(time.Minute)
		trusting.good("a", trusting.now, true)

		alone := newWorld(t, storagetest.Open(t, storage.SQLite), keyring.Options{})
		alone.vouch = trusting.vouch
		alone.bad("a", alone.now, true, keyring.ErrUnknown)
		if alone.notary != 0 {
			t.Error("asked a notary that nobody has named")
		}
		if _, err := alone.Known(t.Context(), make(map[string]map[string]int64)); err != nil {
			t.Error(err)
		}
		too := map[string]map[string]int64{}
		for i := range 101 {
			too[fmt.Sprint(i)] = nil
		}
		if _, err := alone.Known(t.Context(), too); err == nil {
			t.Error("answered about too many servers")
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(said{server: there, until: time.UnixMilli(1_700_000_000_000), keys: []string{"a"}, old: map[string]time.Time{"z": time.UnixMilli(5)}}.json(f)))
	f.Add([]byte(`{"server_name":"two.example","verify_keys":{"ed25519:a":{"key":"AAAA"}},"signatures":{"two.example":{}}}`))
	f.Add([]byte(`{"server_name":"two.example","signatures":7}`))
	w := newWorld(f, storagetest.Open(f, storage.SQLite), keyring.Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		w.mu.Lock()
		w.say[there] = raw
		w.mu.Unlock()
		w.now = w.now.Add(time.Minute)
		_, _ = w.Key(t.Context(), there, "ed25519:x", 0, false)
		if _, err := w.Known(t.Context(), map[string]map[string]int64{there: {}}); err != nil {
			t.Errorf("what was kept cannot be told: %v", err)
		}
	})
}
