package appservice_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/storage/storagetest"
)

const (
	asToken = "secret of the bridge"
	hsToken = "secret of the server"
	v1      = "/_matrix/client/v1"
	v3      = "/_matrix/client/v3"
	bot     = id.UserID("@bridge:one.example")
	ghost   = id.UserID("@irc_ada:one.example")
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// bridge is an application service.
type bridge struct {
	testing.TB
	one *hstest.Server
	url string

	mu      sync.Mutex
	changed sync.Cond
	isAway  bool              // answers 503 to transactions
	answers map[string]string // what GET paths are answered with; others 404
	onAsk   func(path string) // called before such an answer
	heard   []heard           // transactions, refused ones too
	asked   []string          // paths of other requests
}

// heard is a transaction.
type heard struct {
	id      string
	body    gjson.Result
	refused bool
}

// each runs fn for each engine with a server and a bridge whose registration
// has more lines than it must.
func each(t *testing.T, more string, fn func(t *testing.T, b *bridge)) {
	t.Helper()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			file := b.registration(more)
			b.one = hstest.New(t, hstest.Options{Engine: e, Configure: func(c *config.Config) {
				c.Bridges.Registrations = []string{filepath.Dir(file)}
				c.Presence.Enabled = true
			}})
			fn(t, b)
		})
	}
}

func newBridge(t testing.TB) *bridge {
	b := &bridge{TB: t, answers: map[string]string{}}
	b.changed.L = &b.mu
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

func (b *bridge) registration(more string) string {
	file := filepath.Join(b.TempDir(), "irc.yaml")
	text := fmt.Sprintf(`
id: irc
url: %s
as_token: %s
hs_token: %s
sender_localpart: bridge
rate_limited: false
namespaces:
  users:
    - {regex: "@irc_.*:one\\.example", exclusive: true}
  aliases:
    - {regex: "#irc_.*", exclusive: true}
%s
`, b.url, asToken, hsToken, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

// as is a client of the bridge in the name of user.
func (b *bridge) as(user id.UserID) *hstest.Client {
	b.Helper()
	return b.one.Service(asToken, user, "")
}

// ghost registers a user of the bridge.
func (b *bridge) ghost(user id.UserID) *hstest.Client {
	b.Helper()
	b.as("").Post(v3+"/register", hstest.More{"type": "m.login.application_service", "username": user.Localpart(), "inhibit_login": true})
	return b.as(user)
}

// ServeHTTP is what the server asks of the bridge.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+hsToken {
		http.Error(w, `{"errcode":"M_UNKNOWN_TOKEN"}`, http.StatusForbidden)
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	path := strings.TrimPrefix(r.URL.RequestURI(), "/_matrix/app/v1/")
	if txn, ok := strings.CutPrefix(path, "transactions/"); ok && r.Method == http.MethodPut {
		b.take(w, heard{id: txn, body: gjson.ParseBytes(raw)})
		return
	}
	b.mu.Lock()
	b.asked = append(b.asked, path)
	answer, ok := b.answers[path]
	onAsk := b.onAsk
	b.mu.Unlock()
	if !ok {
		http.Error(w, `{"errcode":"M_NOT_FOUND"}`, http.StatusNotFound)
		return
	}
	if onAsk != nil {
		onAsk(path)
	}
	_, _ = io.WriteString(w, answer)
}

func (b *bridge) take(w http.ResponseWriter, h heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h.refused = b.isAway
	b.heard = append(b.heard, h)
	b.changed.Broadcast()
	if b.isAway {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, `{}`)
}

func (b *bridge) setAway(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isAway = away
}

// until waits for something that the bridge has heard.
func (b *bridge) until(what string, is func([]heard) bool) {
	b.Helper()
	timer := time.AfterFunc(patience, b.changed.Broadcast)
	defer timer.Stop()
	end := time.Now().Add(patience)
	b.mu.Lock()
	defer b.mu.Unlock()
	for !is(b.heard) {
		if !time.Now().Before(end) {
			b.Fatalf("the bridge waited in vain for %s; it heard %v", what, b.heard)
		}
		b.changed.Wait()
	}
}

// events are those of the transactions that the bridge has taken, each
// transaction once.
func events(all []heard, list string) (evs []gjson.Result) {
	seen := map[string]bool{}
	for _, h := range all {
		if !h.refused && !seen[h.id] {
			seen[h.id] = true
			evs = append(evs, h.body.Get(list).Array()...)
		}
	}
	return evs
}

// waitFor waits for an event, and returns all that came up to it.
func (b *bridge) waitFor(ev id.EventID) (evs []gjson.Result) {
	b.Helper()
	b.until(string(ev), func(all []heard) bool {
		evs = events(all, "events")
		for i, e := range evs {
			if e.Get("event_id").Str == string(ev) {
				evs = evs[:i+1]
				return true
			}
		}
		return false
	})
	return evs
}
