package rooms_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
)

// policeman is a policy server that signs everything without the word spam.
type policeman struct {
	key   ed25519.PrivateKey
	rules *event.Rules

	mu     sync.Mutex
	asked  int
	down   bool
	before func() // runs while somebody waits for the answer
}

func newPoliceman(t *testing.T, version string) *policeman {
	rules, ok := event.RulesFor(version)
	if !ok {
		t.Fatalf("no version %s", version)
	}
	return &policeman{key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), rules: rules}
}

// content is that of m.room.policy.
func (p *policeman) content(server string) string {
	return fmt.Sprintf(`{"via":%q,"public_keys":{"ed25519":%q}}`, server, base64.RawStdEncoding.EncodeToString(p.key.Public().(ed25519.PublicKey)))
}

func (p *policeman) PolicySign(_ context.Context, server string, pdu json.RawMessage) (map[string]map[string]string, error) {
	p.mu.Lock()
	p.asked++
	down, before := p.down, p.before
	p.before = nil
	p.mu.Unlock()
	if down {
		return nil, errCut
	}
	if before != nil {
		before()
	}
	if bytes.Contains(pdu, []byte("spam")) {
		return nil, nil
	}
	ev, err := event.Parse(p.rules, pdu)
	if err != nil {
		return nil, err
	}
	signed, err := event.Cosign(ev, event.NewSigner(server, "ed25519:policy_server", p.key))
	if err != nil {
		return nil, err
	}
	var out struct{ Signatures map[string]map[string]string }
	err = json.Unmarshal(signed.JSON, &out)
	return out.Signatures, err
}

// guarded is a room with a policy server, which has somebody in it.
func guarded(t *testing.T, version string) (*town, *policeman, id.RoomID) {
	t.Helper()
	p := newPoliceman(t, version)
	n := newTown(t, here, away)
	n.policy = p
	n.reopen(here)
	one, two := n.houses[here], n.houses[away]
	room := one.create(ada, rooms.CreateRequest{Preset: "public_chat", RoomVersion: version})
	one.set(ada, room, "m.room.policy", "", p.content(away))
	one.say(ada, room, "spam before the police came")
	if p.asked != 0 {
		t.Errorf("a policy server without anybody in the room was asked %d times", p.asked)
	}
	two.must(two.Join(t.Context(), as(cleo), rooms.MemberChange{Room: room, Via: []string{here}}))
	n.deliver(room, away, here)
	return n, p, room
}

func TestPolicyServersAreAsked(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "11", "12"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			n, p, room := guarded(t, version)
			one := n.houses[here]
			y, ok, err := one.room(room).Policy(t.Context())
			one.must(err)
			if !ok || y.Server != away {
				t.Fatalf("the policy is %+v, %v", y, ok)
			}
			approval := func(ev id.EventID) event.Approval {
				t.Helper()
				e, err := one.Event(t.Context(), ev)
				one.must(err)
				pdu, err := event.Parse(p.rules, e.PDU)
				one.must(err)
				return y.Approval(pdu)
			}
			said := one.say(ada, room, "hello")
			if approval(said) != event.Approved || p.asked != 1 {
				t.Errorf("asked %d times, approved: %d", p.asked, approval(said))
			}
			_, err = one.Send(t.Context(), as(ada), message(room, "spam", ""))
			one.refused(err, matrix.Forbidden)
			one.wantWords(room, "spam before the police came", "hello")

			p.down = true
			_, err = one.Send(t.Context(), as(ada), message(room, "anybody?", ""))
			one.refused(err, matrix.ConnectionFailed)
			p.asked = 0
			one.set(ada, room, "m.room.policy", "", `{}`)
			if unasked := one.say(ada, room, "rid of it"); p.asked != 0 || approval(unasked) != event.NotApproved {
				t.Errorf("asked %d times how a room gets rid of its policy server", p.asked)
			}
		})
	}
}

// TestNobodyWaitsForAPolicyServer has the room go on while one is asked.
func TestNobodyWaitsForAPolicyServer(t *testing.T) {
	t.Parallel()
	n, p, room := guarded(t, "12")
	one, two := n.houses[here], n.houses[away]
	p.before = func() {
		two.say(cleo, room, "meanwhile")
		n.deliver(room, away, here)
	}
	said := one.say(ada, room, "asked twice")
	e, err := one.Event(t.Context(), said)
	one.must(err)
	if got := one.texts(room); fmt.Sprint(got) != "[spam before the police came meanwhile asked twice]" || p.asked != 3 { // once about what came in between
		t.Errorf("%q, asked %d times", got, p.asked)
	}
	if heads := edges(e, "prev_events"); len(heads) != 1 {
		t.Errorf("the message comes after %d others", len(heads))
	}
}

func TestNobodyIsKeptByAPolicyServer(t *testing.T) {
	t.Parallel()
	n, p, room := guarded(t, "12")
	one := n.houses[here]
	one.join(bob, room)
	p.down = true
	one.must(one.Leave(t.Context(), as(bob), rooms.MemberChange{Room: room}))
	if got := one.membership(room, bob); got != "leave" {
		t.Errorf("bob is %s", got)
	}
}

// TestUnapprovedEventsAreNotShown is about events of other servers, which have
// not asked the policy server or did not listen to it.
func TestUnapprovedEventsAreNotShown(t *testing.T) {
	t.Parallel()
	n, p, room := guarded(t, "12")
	one := n.houses[here]
	f := &forger{house: one, room: room, rules: p.rules, ts: 1 << 40, signer: event.NewSigner(away, "ed25519:1", n.key(away))}
	one.refused(f.receive(f.message("spam", f.heads()...)), matrix.Forbidden)
	p.asked = 0
	if err := f.receive(f.message("hello", f.heads()...)); err != nil {
		t.Fatal(err)
	}
	if p.asked != 1 {
		t.Errorf("asked %d times", p.asked)
	}
	p.down = true
	one.refused(f.receive(f.message("anybody?", f.heads()...)), matrix.Forbidden)
	one.wantWords(room, "spam before the police came", "hello")
}
