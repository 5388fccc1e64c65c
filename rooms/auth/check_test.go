package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

func TestOnlyMembersSend(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob invite", "cat leave", "dan ban")
		r.may(true, ada, "m.room.message", `{}`)
		for _, u := range []string{bob, cat, dan, "@eve:one.example"} {
			r.may(false, u, "m.room.message", `{}`)
		}
	})
}

func TestNoRoomNoEvent(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join")
		other := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"x":1}`, ada))
		p := r.event(ada, "m.room.message", `{}`)
		if auth.Check(p, auth.NewMap()) == nil {
			t.Error("allowed without a create event")
		}
		if other.id != r.id {
			if other.with("ada join").allows(p) {
				t.Error("allowed in another room")
			}
		}
	})
}

func TestUnfederatedRoom(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"m.federate":false}`, ada)).joinRule("public").with("ada join", "cat join")
		r.may(true, ada, "m.room.message", `{}`)
		r.may(false, cat, "m.room.message", `{}`)
		r.member(true, "bob", "bob", "join")
		r.member(false, "dan", "dan", "join")
		r.may(false, cat, "m.room.aliases", `{"aliases":[]}`, "two.example")
		open := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"m.federate":true}`, ada)).with("cat join")
		open.may(true, cat, "m.room.message", `{}`)
	})
}

func TestRequiredLevel(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join", "cat join").
			levels(`{"users":{"` + bob + `":50,"` + cat + `":-1},"events":{"m.room.topic":51,"m.low":-1},"events_default":0,"state_default":50}`)
		r.may(true, bob, "m.room.message", `{}`)
		r.may(false, cat, "m.room.message", `{}`)
		r.may(true, cat, "m.low", `{}`)
		r.may(true, bob, "m.room.name", `{}`, "")
		r.may(false, bob, "m.room.topic", `{}`, "")
		r.may(false, bob, "m.room.topic", `{}`)
		r.may(true, cat, "m.low", `{}`, "")
	})
}

// Without a power levels event the creator has level 100, others none, and
// state needs 50.
func TestLevelsWithoutEvent(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join", "cat leave")
		r.may(true, ada, "m.room.topic", `{}`, "")
		r.may(false, bob, "m.room.topic", `{}`, "")
		r.may(true, bob, "m.room.message", `{}`)
		r.member(true, "bob", "cat", "invite")
		r.member(true, "ada", "bob", "ban")
		r.member(false, "bob", "cat", "ban")
		r.may(true, ada, "m.room.power_levels", `{"users":{}}`, "")
	})
}

func TestStateOfSomebodyElse(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join").levels(`{"users":{"` + ada + `":100}}`)
		if atLeast(version, "12") {
			r.levels(`{}`)
		}
		r.may(true, ada, "m.x", `{}`, ada)
		r.may(false, ada, "m.x", `{}`, bob)
		r.may(false, ada, "m.x", `{}`, "@")
		r.may(true, ada, "m.x", `{}`, "x"+bob)
	})
}

// Up to version 5 a server publishes its own aliases, in the room or not.
func TestAliases(t *testing.T) {
	t.Parallel()
	between(t, "1", "5", func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join")
		r.may(true, cat, "m.room.aliases", `{"aliases":[]}`, "two.example")
		r.may(false, cat, "m.room.aliases", `{"aliases":[]}`, "one.example")
		r.may(false, ada, "m.room.aliases", `{"aliases":[]}`)
	})
	between(t, "6", "12", func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join")
		r.may(false, cat, "m.room.aliases", `{"aliases":[]}`, "two.example")
		r.may(true, ada, "m.room.aliases", `{"aliases":[]}`, "two.example")
	})
}

// Versions 1 and 2 refuse redactions by those who may not redact; later ones
// take every redaction in and see afterwards what it does.
func TestRedaction(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join").levels(`{"users":{"` + bob + `":50},"redact":50}`)
		redact := func(sender, target string) bool {
			p := r.build(event.Draft{Room: r.id, Sender: id.UserID(sender), Type: "m.room.redaction", Redacts: id.EventID(target), Prev: []id.EventID{"$x"}})
			return r.allows(p)
		}
		if !redact(bob, "$x:two.example") {
			t.Error("who has the level cannot redact")
		}
		if !redact(ada, "$x:one.example") {
			t.Error("a server cannot redact its own event")
		}
		if got, want := redact(ada, "$x:two.example"), atLeast(version, "3"); got != want {
			t.Errorf("redaction of another server's event: allowed is %t, want %t", got, want)
		}
	})
}

func TestThirdPartyInviteNeedsInviteLevel(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join", "cat invite").
			levels(`{"users":{"` + bob + `":10},"invite":10,"state_default":50,"events":{"m.room.third_party_invite":90}}`)
		r.may(true, bob, "m.room.third_party_invite", `{}`, "token")
		r.may(true, bob, "m.room.third_party_invite", `{}`, "@token")
		r.may(atLeast(version, "12"), ada, "m.room.third_party_invite", `{}`, "token")
		r.may(false, cat, "m.room.third_party_invite", `{}`, "token")
	})
}

func TestCreate(t *testing.T) {
	t.Parallel()
	create := func(version, room, sender, content string, prev ...id.EventID) bool {
		rules, _ := event.RulesFor(version)
		r := bare(t, rules)
		return r.allows(r.build(event.Draft{Room: id.RoomID(room), Sender: id.UserID(sender), Type: "m.room.create", StateKey: new(string), Content: []byte(content), Prev: prev}))
	}
	always(t, func(t *testing.T, version string) {
		room := "!r:one.example"
		if atLeast(version, "12") {
			room = ""
		}
		for _, c := range []struct {
			room, sender, content string
			prev                  []id.EventID
			want                  bool
		}{
			{room, ada, `{"creator":"` + ada + `"}`, nil, true},
			{room, ada, `{"creator":"` + ada + `","room_version":"` + version + `"}`, nil, true},
			{room, ada, `{"creator":"` + ada + `","room_version":"99"}`, nil, false},
			{room, ada, `{"creator":"` + ada + `","room_version":1}`, nil, false},
			{room, ada, `{}`, nil, atLeast(version, "11")},
			{room, cat, `{"creator":"` + cat + `"}`, nil, atLeast(version, "12")},
			{room, ada, `{"creator":"` + ada + `"}`, []id.EventID{"$x"}, false},
			{"!r:one.example", ada, `{"creator":"` + ada + `"}`, nil, !atLeast(version, "12")},
			{room, ada, `{"creator":"` + ada + `","additional_creators":["` + cat + `"]}`, nil, true},
			{room, ada, `{"creator":"` + ada + `","additional_creators":[]}`, nil, true},
			{room, ada, `{"creator":"` + ada + `","additional_creators":"` + cat + `"}`, nil, !atLeast(version, "12")},
			{room, ada, `{"creator":"` + ada + `","additional_creators":["cat"]}`, nil, !atLeast(version, "12")},
			{room, ada, `{"creator":"` + ada + `","additional_creators":[1]}`, nil, !atLeast(version, "12")},
			{room, ada, `{"creator":"` + ada + `","additional_creators":null}`, nil, !atLeast(version, "12")},
		} {
			if got := create(version, c.room, c.sender, c.content, c.prev...); got != c.want {
				t.Errorf("version %s, room %q, %s, %s, %v: allowed is %t, want %t", version, c.room, c.sender, c.content, c.prev, got, c.want)
			}
		}
	})
}

func bare(t testing.TB, rules *event.Rules) *room {
	return &room{t: t, rules: rules, state: auth.NewMap()}
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "")
		base := "m.room.create|, m.room.power_levels|, m.room.member|" + ada
		if atLeast(version, "12") {
			base = strings.TrimPrefix(base, "m.room.create|, ")
		}
		for _, c := range []struct{ typ, content, key, want string }{
			{"m.room.topic", `{}`, "", base},
			{"m.room.member", `{"membership":"leave"}`, ada, base},
			{"m.room.member", `{"membership":"ban"}`, bob, base + ", m.room.member|" + bob},
			{"m.room.member", `{"membership":"join"}`, ada, base + ", m.room.join_rules|"},
			{"m.room.member", `{"membership":"knock"}`, ada, base + ", m.room.join_rules|"},
			{"m.room.member", `{"membership":"invite"}`, bob, base + ", m.room.member|" + bob + ", m.room.join_rules|"},
			{"m.room.member", `{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}}`, bob, base + ", m.room.member|" + bob + ", m.room.join_rules|, m.room.third_party_invite|t"},
			{"m.room.member", `{"membership":"join","third_party_invite":{"signed":{"token":"t"}}}`, ada, base + ", m.room.join_rules|"},
			{"m.room.member", `{"membership":"leave","join_authorised_via_users_server":"` + bob + `"}`, ada, base},
		} {
			if got := keys(auth.Needed(r.event(ada, c.typ, c.content, c.key))); got != c.want {
				t.Errorf("%s %s: got %s, want %s", c.typ, c.content, got, c.want)
			}
		}
		via := base + ", m.room.join_rules|"
		if atLeast(version, "8") {
			via += ", m.room.member|" + bob
		}
		if got := keys(auth.Needed(r.event(ada, "m.room.member", `{"membership":"join","join_authorised_via_users_server":"`+bob+`"}`, ada))); got != via {
			t.Errorf("restricted join: got %s, want %s", got, via)
		}
		if got := auth.Needed(r.state.Get("m.room.create", "")); len(got) != 0 {
			t.Errorf("the create event needs %v", got)
		}
	})
}

func keys(list []auth.Key) string {
	var out []string
	for _, k := range list {
		out = append(out, k.Type+"|"+k.Key)
	}
	return strings.Join(out, ", ")
}

func TestCheckAuthEvents(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join").levels(`{}`)
		p := r.event(ada, "m.room.message", `{}`)
		var good []*event.PDU
		for _, k := range auth.Needed(p) {
			good = append(good, r.state.Get(k.Type, k.Key))
		}
		with := func(e ...*event.PDU) []*event.PDU { return append(append([]*event.PDU{}, good...), e...) }
		if err := auth.CheckAuthEvents(p, good); err != nil {
			t.Error(err)
		}
		if err := auth.CheckAuthEvents(p, good[:1]); (err == nil) != !atLeast(version, "12") && version != "12" {
			t.Errorf("with the create event alone: %v", err)
		}
		stranger := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"other":true}`, ada))
		if !atLeast(version, "12") {
			stranger.id = "!other:one.example"
		}
		foreign := stranger.event(ada, "m.room.member", `{"membership":"join"}`, ada)
		for what, events := range map[string][]*event.PDU{
			"one twice":         with(good[1]),
			"one too many":      with(r.state.Get("m.room.member", bob)),
			"no state":          with(r.event(ada, "m.room.message", `{}`)),
			"another room":      append(with()[:len(good)-1:len(good)-1], foreign),
			"no create, or one": createMistake(r, good),
		} {
			if auth.CheckAuthEvents(p, events) == nil {
				t.Errorf("%s: allowed", what)
			}
		}
	})
}

// createMistake leaves the create event out, or in version 12 puts it in.
func createMistake(r *room, good []*event.PDU) []*event.PDU {
	if r.rules.Creators {
		return append(good[:len(good):len(good)], r.state.Get("m.room.create", ""))
	}
	return good[1:]
}
