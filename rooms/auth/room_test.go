package auth_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/auth"
	"plenum/rooms/event"
)

const (
	ada = "@ada:one.example"
	bob = "@bob:one.example"
	cat = "@cat:two.example"
	dan = "@dan:two.example"
)

// room is a room whose state a test puts together event by event, without
// asking whether it may be so.
type room struct {
	t     testing.TB
	rules *event.Rules
	id    id.RoomID
	state *auth.Map
	depth int64
}

// newRoom makes a room that ada created. Content is that of the create event.
func newRoom(t testing.TB, version, content string) *room {
	t.Helper()
	rules, ok := event.RulesFor(version)
	if !ok {
		t.Fatalf("no version %s", version)
	}
	r := &room{t: t, rules: rules, id: "!r:one.example", state: auth.NewMap()}
	if rules.Creators {
		r.id = ""
	}
	if content == "" {
		content = fmt.Sprintf(`{"creator":%q,"room_version":%q}`, ada, version)
	}
	create := r.event(ada, "m.room.create", content, "")
	r.id = create.Room
	r.state.Put(create)
	return r
}

// event makes an event that follows the create event and another one.
func (r *room) event(sender, typ, content string, key ...string) *event.PDU {
	r.t.Helper()
	d := event.Draft{Room: r.id, Sender: id.UserID(sender), Type: typ, Content: json.RawMessage(content), Depth: r.depth, TS: 1700000000000 + r.depth}
	if len(key) > 0 {
		d.StateKey = &key[0]
	}
	if typ != "m.room.create" {
		d.Prev = []id.EventID{"$x", "$y"}
	}
	return r.build(d)
}

func (r *room) build(d event.Draft) *event.PDU {
	r.t.Helper()
	r.depth++
	p, err := event.Build(r.rules, d, signer())
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func signer() *event.Signer {
	return event.NewSigner("one.example", "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// put makes state.
func (r *room) put(sender, typ, content string, key ...string) *room {
	r.t.Helper()
	if len(key) == 0 {
		key = []string{""}
	}
	r.state.Put(r.event(sender, typ, content, key...))
	return r
}

// with puts users into the room, as "ada join" and the like.
func (r *room) with(memberships ...string) *room {
	r.t.Helper()
	for _, m := range memberships {
		name, membership, _ := strings.Cut(m, " ")
		r.put(user(name), "m.room.member", fmt.Sprintf(`{"membership":%q}`, membership), user(name))
	}
	return r
}

// levels sets the power levels.
func (r *room) levels(content string) *room {
	r.t.Helper()
	return r.put(ada, "m.room.power_levels", content, "")
}

// joinRule sets the join rule.
func (r *room) joinRule(rule string) *room {
	r.t.Helper()
	return r.put(ada, "m.room.join_rules", fmt.Sprintf(`{"join_rule":%q}`, rule))
}

func user(name string) string {
	return map[string]string{"ada": ada, "bob": bob, "cat": cat, "dan": dan}[name]
}

// allows says whether the room's state allows p.
func (r *room) allows(p *event.PDU) bool {
	r.t.Helper()
	err := auth.Check(p, r.state)
	if err != nil && !matrix.IsCode(err, matrix.Forbidden) {
		r.t.Errorf("%v is not M_FORBIDDEN", err)
	}
	return err == nil
}

// may checks that an event is allowed, or not.
func (r *room) may(want bool, sender, typ, content string, key ...string) {
	r.t.Helper()
	p := r.event(sender, typ, content, key...)
	if err := auth.Check(p, r.state); (err == nil) != want {
		r.t.Errorf("version %s: %s sends %s %s %v: got %v, want allowed to be %t", r.rules.Version, sender, typ, content, key, err, want)
	}
}

// member checks that a change of membership is allowed, or not.
func (r *room) member(want bool, sender, target, membership string) {
	r.t.Helper()
	r.may(want, user(sender), "m.room.member", fmt.Sprintf(`{"membership":%q}`, membership), user(target))
}

// between runs a test for the versions from first to last.
func between(t *testing.T, first, last string, fn func(t *testing.T, version string)) {
	t.Helper()
	in := false
	for _, v := range event.Versions() {
		in = in || v == first
		if in {
			t.Run("version "+v, func(t *testing.T) { fn(t, v) })
		}
		in = in && v != last
	}
}

func always(t *testing.T, fn func(t *testing.T, version string)) {
	t.Helper()
	between(t, "1", "12", fn)
}

// at least is whether version is not older than other.
func atLeast(version, other string) bool {
	return len(version) > len(other) || len(version) == len(other) && version >= other
}
