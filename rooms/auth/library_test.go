package auth_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	lib "github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

// In thousands of rooms and events made up by chance, in every version, the
// library and Check say the same, except where deviates tells why not.
func TestAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		t.Parallel()
		g := &generator{t: t, Rand: rand.New(rand.NewPCG(7, uint64(len(version)))), version: version}
		allowed, refused := 0, 0
		for range 150 {
			g.room()
			theirs := g.library()
			for range 12 {
				p := g.event()
				if why := g.deviates(p); why != "" {
					continue
				}
				ours := auth.Check(p, g.r.state)
				lib := theirs.check(p)
				if (ours == nil) != (lib == nil) {
					t.Fatalf("%s\nours: %v\nthe library: %v\nroom: %s", p.JSON, ours, lib, g.describe())
				}
				if ours == nil {
					allowed++
				} else {
					refused++
				}
			}
		}
		if allowed < 100 || refused < 100 {
			t.Errorf("%d allowed and %d refused: too few to mean something", allowed, refused)
		}
	})
}

// generator makes rooms and events up.
type generator struct {
	*rand.Rand
	t       *testing.T
	version string
	r       *room
	rule    string
	events  []*event.PDU
	levels  map[string]string // what the power levels say, by path
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) user() string { return pick(g, ada, bob, cat, dan) }

// put makes state and remembers it.
func (g *generator) put(sender, typ, content, key string) {
	p := g.r.event(sender, typ, content, key)
	g.r.state.Put(p)
	g.events = append(g.events, p)
}

// room makes a room with members, rules and levels.
func (g *generator) room() {
	g.r = newRoom(g.t, g.version, fmt.Sprintf(`{"creator":%q,"room_version":%q,"m.federate":%t}`, ada, g.version, g.IntN(8) > 0))
	g.events = []*event.PDU{g.r.state.Get("m.room.create", "")}
	g.rule = pick(g, "", "public", "public", "invite", "knock", "restricted", "knock_restricted", "private")
	if g.rule != "" {
		g.put(ada, "m.room.join_rules", fmt.Sprintf(`{"join_rule":%q}`, g.rule), "")
	}
	for _, u := range []string{ada, bob, cat, dan} {
		if m := pick(g, "", "join", "join", "join", "leave", "invite", "ban", "knock"); m != "" {
			g.put(u, "m.room.member", fmt.Sprintf(`{"membership":%q}`, m), u)
		}
	}
	g.levels = nil
	if g.IntN(5) == 0 {
		return
	}
	g.levels = map[string]string{"users_default": pick(g, "0", "10")}
	for _, name := range []string{"ban", "kick", "redact", "invite", "state_default", "events_default", "events.m.room.topic", "events.m.room.power_levels", "users." + bob, "users." + cat, "users." + dan, "users." + ada} {
		g.levels[name] = g.level()
	}
	if g.r.rules.Creators {
		delete(g.levels, "users."+ada)
	}
	g.put(ada, "m.room.power_levels", render(g.levels), "")
}

func (g *generator) level() string {
	n := pick(g, "0", "10", "50", "50", "100")
	if !g.r.rules.IntegerLevels && g.IntN(4) == 0 {
		n = pick(g, `"`+n+`"`, `" +0`+n+` "`)
	}
	return n
}

// render writes power levels.
func render(levels map[string]string) string {
	top := ""
	groups := map[string]string{"users": "", "events": ""}
	for path, v := range levels {
		group, name, nested := strings.Cut(path, ".")
		if nested {
			groups[group] += fmt.Sprintf(`,%q:%s`, name, v)
		} else {
			top += fmt.Sprintf(`,%q:%s`, path, v)
		}
	}
	for name, members := range groups {
		top += fmt.Sprintf(`,%q:{%s}`, name, strings.TrimPrefix(members, ","))
	}
	return `{` + strings.TrimPrefix(top, ",") + `}`
}

// event makes something happen, or try to.
func (g *generator) event() *event.PDU {
	sender := g.user()
	switch g.IntN(10) {
	case 0:
		return g.r.event(sender, "m.room.message", `{}`)
	case 1:
		return g.r.event(sender, pick(g, "m.room.topic", "m.x", "m.room.third_party_invite"), `{}`, pick(g, "", "", "x", bob, cat))
	case 2:
		target := pick(g, "$x:one.example", "$x:two.example")
		return g.r.build(event.Draft{Room: g.r.id, Sender: id.UserID(sender), Type: "m.room.redaction", Redacts: id.EventID(target), Prev: []id.EventID{"$x"}})
	case 3:
		return g.r.event(sender, "m.room.aliases", `{"aliases":[]}`, pick(g, "one.example", "two.example"))
	case 4, 5:
		return g.r.event(sender, "m.room.power_levels", render(g.changed()), "")
	}
	target := g.user()
	if g.IntN(2) == 0 {
		target = sender
	}
	content := fmt.Sprintf(`{"membership":%q}`, pick(g, "join", "join", "leave", "invite", "ban", "knock", "odd"))
	if g.IntN(3) == 0 {
		content = fmt.Sprintf(`{"membership":"join","join_authorised_via_users_server":%q}`, g.user())
	}
	return g.r.event(sender, "m.room.member", content, target)
}

// changed returns the power levels with one or two of them changed.
func (g *generator) changed() map[string]string {
	out, paths := map[string]string{}, []string{}
	for path, v := range g.levels {
		out[path] = v
		if path != "users_default" { // which the library does not look at
			paths = append(paths, path)
		}
	}
	for range 1 + g.IntN(2) {
		if len(paths) > 0 {
			out[pick(g, paths...)] = g.level()
		}
	}
	return out
}

// deviates says why the library is wrong about an event, which is when it is
// not as the standard wants it:
//
//   - it lets users leave whom the room does not know, or who have left;
//   - it lets somebody lift a ban who has the ban level, without the kick level
//     and whatever the level of the banned user;
//   - it lets the invited and the joined join by rules that the version does not
//     know, and does not let those join a public room who have knocked;
//   - it has knock_restricted in versions 7 to 9;
//   - it has the rule of aliases in all versions;
//   - for m.room.third_party_invite it looks at the state key, which only later
//     rules would do;
//   - in versions 1 and 2 it compares the redacted event's server with the
//     sender's, not with the server of the redaction's event id;
//   - of changed power levels it ignores users_default, takes defaults for what
//     is added or removed, wants more than the old level for notifications and
//     forgets there that creators have all power. The generator avoids these.
func (g *generator) deviates(p *event.PDU) string {
	rules := g.r.rules
	switch p.Type {
	case "m.room.aliases":
		if !rules.AliasAuth {
			return "aliases are ordinary state"
		}
	case "m.room.redaction":
		if rules.IDs == event.OwnID && p.Sender.Homeserver() != "one.example" {
			return "the id counts"
		}
	case "m.room.third_party_invite":
		if strings.HasPrefix(*p.StateKey, "@") {
			return "the state key does not count"
		}
	case "m.room.member":
		return g.memberDeviates(p)
	}
	return ""
}

func (g *generator) memberDeviates(p *event.PDU) string {
	rules, was := g.r.rules, "leave"
	if m := g.r.state.Get("m.room.member", *p.StateKey); m != nil {
		was = gjson.GetBytes(m.Content, "membership").Str
	}
	own := *p.StateKey == string(p.Sender)
	unknown := g.rule == "private" || g.rule == "knock" && !rules.Knock || g.rule == "knock_restricted" && !rules.KnockRestricted
	switch gjson.GetBytes(p.Content, "membership").Str {
	case "leave":
		if own && was == "leave" || !own && was == "ban" || own && was == "knock" && !rules.Knock {
			return "leaving"
		}
	case "join":
		if own && (unknown || was == "knock" && g.rule == "public") {
			return "join rules"
		}
	case "knock":
		if own && unknown {
			return "knocking"
		}
	}
	return ""
}

// describe shows the room's state.
func (g *generator) describe() string {
	out := ""
	for _, e := range g.events {
		out += fmt.Sprintf("\n  %s %s %s", e.Type, *e.StateKey, e.Content)
	}
	return out
}

// library is the library's view of a room.
type library struct {
	t      *testing.T
	impl   lib.IRoomVersion
	events *lib.AuthEvents
}

func (g *generator) library() *library {
	l := &library{t: g.t, impl: lib.MustGetRoomVersion(lib.RoomVersion(g.version))}
	var pdus []lib.PDU
	for _, e := range g.events {
		pdus = append(pdus, l.pdu(e))
	}
	var err error
	if l.events, err = lib.NewAuthEvents(pdus); err != nil {
		g.t.Fatal(err)
	}
	return l
}

func (l *library) pdu(p *event.PDU) lib.PDU {
	l.t.Helper()
	out, err := l.impl.NewEventFromTrustedJSON(p.JSON, false)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func (l *library) check(p *event.PDU) error {
	return lib.Allowed(l.pdu(p), l.events, func(_ spec.RoomID, sender spec.SenderID) (*spec.UserID, error) {
		return spec.NewUserID(string(sender), true)
	})
}

func BenchmarkCheckMessage(b *testing.B) {
	r := newRoom(b, "12", "").with("ada join", "bob join").levels(`{"users":{"` + bob + `":50},"events":{"m.room.topic":50},"events_default":0}`)
	p := r.event(bob, "m.room.message", `{"body":"hello"}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := auth.Check(p, r.state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckJoin(b *testing.B) {
	r := newRoom(b, "12", "").with("ada join").joinRule("public").levels(`{"events_default":0}`)
	p := r.event(bob, "m.room.member", `{"membership":"join"}`, bob)
	b.ReportAllocs()
	for b.Loop() {
		if err := auth.Check(p, r.state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNeeded(b *testing.B) {
	r := newRoom(b, "12", "")
	p := r.event(bob, "m.room.message", `{"body":"hello"}`)
	b.ReportAllocs()
	for b.Loop() {
		auth.Needed(p)
	}
}
