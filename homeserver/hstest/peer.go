package hstest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/peers/xmatrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// Peer is another server of which nothing is there but its key: a test says
// what it asks, sends and answers, well-behaved or not.
type Peer struct {
	Name string

	t      testing.TB
	mu     sync.Mutex
	signer *event.Signer
	answer map[string]func(*http.Request) (status int, body any) // by the start of the path
	asked  map[string]int
	txns   int
}

// NewPeer puts a server into a network.
func NewPeer(t testing.TB, n *Network, name string) *Peer {
	t.Helper()
	p := &Peer{Name: name, t: t, answer: map[string]func(*http.Request) (int, any){}, asked: map[string]int{}}
	p.NewKey("ed25519:1")
	n.Add(name, p)
	return p
}

// NewKey replaces the key with which the server signs.
func (p *Peer) NewKey(keyID string) {
	p.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signer = event.NewSigner(p.Name, keyID, key)
}

// Signer signs in the name of the server.
func (p *Peer) Signer() *event.Signer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signer
}

// User is a user of the server.
func (p *Peer) User(name string) id.UserID { return id.UserID("@" + name + ":" + p.Name) }

// Answer says what the server answers to requests whose paths begin with path.
// What it was not told about it does not know.
func (p *Peer) Answer(path string, fn func(*http.Request) (status int, body any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer[path] = fn
}

// Asked returns how many requests came whose paths begin with path.
func (p *Peer) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for asked, times := range p.asked {
		if strings.HasPrefix(asked, path) {
			n += times
		}
	}
	return n
}

// RoundTrip answers a request of another server.
func (p *Peer) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	var fn func(*http.Request) (int, any)
	for path, answer := range p.answer {
		if strings.HasPrefix(r.URL.Path, path) {
			fn = answer
		}
	}
	p.mu.Unlock()
	status, body := http.StatusNotFound, any(More{"errcode": "M_UNRECOGNIZED", "error": "unknown"})
	switch {
	case fn != nil:
		status, body = fn(r)
	case r.URL.Path == "/_matrix/key/v2/server":
		status, body = http.StatusOK, p.keys()
	case strings.HasPrefix(r.URL.Path, "/_matrix/federation/v1/send/"):
		status, body = http.StatusOK, More{"pdus": More{}}
	}
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(raw)),
		ContentLength: int64(len(raw)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// keys is what the server says of its keys.
func (p *Peer) keys() json.RawMessage {
	s := p.Signer()
	said := More{
		"server_name": p.Name, "valid_until_ts": time.Now().Add(time.Hour).UnixMilli(), "old_verify_keys": More{},
		"verify_keys": More{s.KeyID(): More{"key": base64.RawStdEncoding.EncodeToString(s.Public())}},
	}
	raw, _ := json.Marshal(said) // it always marshals
	message, err := event.SignedBytes(raw)
	if err != nil {
		return nil
	}
	said["signatures"] = More{p.Name: More{s.KeyID(): base64.RawStdEncoding.EncodeToString(s.Sign(message))}}
	raw, _ = json.Marshal(said)
	return raw
}

// Ask makes a signed request to a server. body is nil, JSON as []byte, or what
// JSON is made of.
func (p *Peer) Ask(s *Server, method, path string, body any) (status int, answer JSON) {
	p.t.Helper()
	content, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+s.Name()+path, bytes.NewReader(content))
	if err != nil {
		p.t.Fatal(err)
	}
	signer := p.Signer()
	message, err := xmatrix.Request{Method: method, URI: r.URL.RequestURI(), Origin: p.Name, Destination: s.Name(), Content: content}.SigningBytes()
	if err != nil {
		message = nil // of what is no JSON there is no signature
	}
	h := xmatrix.Header{Origin: p.Name, Destination: s.Name(), Key: signer.KeyID(), Signature: signer.Sign(message)}
	r.Header.Set("Authorization", h.String())
	resp, err := s.RoundTrip(r)
	if err != nil {
		p.t.Fatalf("%s asks %s %s: %v", p.Name, method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s asks %s %s: %v", p.Name, method, path, err)
	}
	return resp.StatusCode, gjson.ParseBytes(raw)
}

// Get makes a request that has to succeed.
func (p *Peer) Get(s *Server, path string) JSON {
	p.t.Helper()
	status, a := p.Ask(s, http.MethodGet, path, nil)
	if status != http.StatusOK {
		p.t.Fatalf("%s asks %s: status %d with %s", p.Name, path, status, a.Raw)
	}
	return a
}

// Send sends a transaction and returns what became of its events.
func (p *Peer) Send(s *Server, pdus []json.RawMessage, edus ...any) JSON {
	p.t.Helper()
	p.mu.Lock()
	p.txns++
	txn := p.txns
	p.mu.Unlock()
	if pdus == nil {
		pdus = []json.RawMessage{}
	}
	status, a := p.Ask(s, http.MethodPut, Path("/_matrix/federation/v1/send", txn), More{
		"origin": p.Name, "origin_server_ts": time.Now().UnixMilli(), "pdus": pdus, "edus": slices.Concat([]any{}, edus),
	})
	if status != http.StatusOK {
		p.t.Fatalf("%s sends: status %d with %s", p.Name, status, a.Raw)
	}
	return a.Get("pdus")
}

// Stay is a user of a Peer in a room.
type Stay struct {
	User  id.UserID
	Room  id.RoomID
	Rules *event.Rules
	State map[auth.Key]*event.PDU // as it was when the user came, and with what they sent
	Last  *event.PDU              // that the user sent

	peer *Peer
}

// Join lets a user of the server join a room by way of another one.
func (p *Peer) Join(s *Server, room id.RoomID, user id.UserID) *Stay {
	p.t.Helper()
	q := "?ver=" + strings.Join(event.Versions(), "&ver=")
	made := p.Get(s, Path("/_matrix/federation/v1/make_join", room, user)+q)
	rules, ok := event.RulesFor(made.Get("room_version").Str)
	if !ok {
		p.t.Fatalf("room version %q", made.Get("room_version").Str)
	}
	st := &Stay{User: user, Room: room, Rules: rules, State: map[auth.Key]*event.PDU{}, peer: p}
	proto, key := made.Get("event"), string(user)
	join := st.Build(event.Draft{
		Type: "m.room.member", StateKey: &key, Content: json.RawMessage(proto.Get("content").Raw), Depth: proto.Get("depth").Int(),
		Prev: refs(proto.Get("prev_events")), Auth: refs(proto.Get("auth_events")),
	})
	status, a := p.Ask(s, http.MethodPut, Path("/_matrix/federation/v2/send_join", room, join.ID), []byte(join.JSON))
	if status != http.StatusOK {
		p.t.Fatalf("send_join: status %d with %s", status, a.Raw)
	}
	for _, raw := range a.Get("state").Array() {
		e, err := event.Parse(rules, []byte(raw.Raw))
		if err != nil {
			p.t.Fatalf("state of the room: %v", err)
		}
		st.State[auth.Key{Type: e.Type, Key: *e.StateKey}] = e
	}
	st.sent(join)
	return st
}

func refs(list JSON) []id.EventID {
	var out []id.EventID
	for _, v := range list.Array() {
		if v.IsArray() {
			v = v.Get("0")
		}
		out = append(out, id.EventID(v.Str))
	}
	return out
}

// sent notes what the user has sent.
func (st *Stay) sent(e *event.PDU) {
	st.Last = e
	if e.StateKey != nil {
		st.State[auth.Key{Type: e.Type, Key: *e.StateKey}] = e
	}
}

// Build makes an event of d. What d leaves open is as it should be: sender,
// room, time, and place in the room, after what the user sent last.
func (st *Stay) Build(d event.Draft) *event.PDU {
	st.peer.t.Helper()
	if d.Sender == "" {
		d.Sender = st.User
	}
	if d.Room == "" {
		d.Room = st.Room
	}
	if d.TS == 0 {
		d.TS = time.Now().UnixMilli()
	}
	if d.Prev == nil && st.Last != nil {
		d.Prev = []id.EventID{st.Last.ID}
	}
	if d.Depth == 0 && st.Last != nil {
		d.Depth = st.Last.Depth + 1
	}
	if d.Auth == nil {
		probe := &event.PDU{Room: d.Room, Sender: d.Sender, Type: d.Type, StateKey: d.StateKey, Content: d.Content, Rules: st.Rules}
		for _, k := range auth.Needed(probe) {
			if e := st.State[k]; e != nil {
				d.Auth = append(d.Auth, e.ID)
			}
		}
	}
	e, err := event.Build(st.Rules, d, st.peer.Signer())
	if err != nil {
		st.peer.t.Fatal(err)
	}
	return e
}

// Message makes a text message.
func (st *Stay) Message(text string) *event.PDU {
	st.peer.t.Helper()
	content, err := json.Marshal(More{"msgtype": "m.text", "body": text})
	if err != nil {
		st.peer.t.Fatal(err)
	}
	return st.Build(event.Draft{Type: "m.room.message", Content: content})
}

// Say sends a text message that has to be taken.
func (st *Stay) Say(s *Server, text string) *event.PDU {
	st.peer.t.Helper()
	e := st.Message(text)
	if refused := st.peer.Send(s, []json.RawMessage{json.RawMessage(e.JSON)}); refused.Get("*.error").Exists() {
		st.peer.t.Fatalf("%s says %q: %s", st.User, text, refused.Raw)
	}
	st.sent(e)
	return e
}

// Keys returns the entries of the state that the user knows.
func (st *Stay) Keys() []auth.Key { return slices.Collect(maps.Keys(st.State)) }
