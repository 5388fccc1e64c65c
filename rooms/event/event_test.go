package event_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	lib "github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

const here = "one.example"

func testSigner() *event.Signer {
	return event.NewSigner(here, "ed25519:a.1", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// eachVersion runs a test for every room version.
func eachVersion(t *testing.T, fn func(t *testing.T, rules *event.Rules)) {
	t.Parallel()
	for _, v := range event.Versions() {
		t.Run("version "+v, func(t *testing.T) {
			t.Parallel()
			rules, ok := event.RulesFor(v)
			if !ok {
				t.Fatal("no rules")
			}
			fn(t, rules)
		})
	}
}

// libVersion is the library's implementation of a version.
func libVersion(rules *event.Rules) lib.IRoomVersion {
	return lib.MustGetRoomVersion(lib.RoomVersion(rules.Version))
}

func ptr(s string) *string { return &s }

const (
	first  = "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	second = "$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
)

// contents are contents of every type that redaction knows, and of others.
func contents() map[string][]string {
	return map[string][]string{
		"m.room.message": {`{}`, `{"body":"hello \u2728 \"<&>\"","msgtype":"m.text","x":{"b":[1,{"z":null,"a":true}],"a":-5}}`},
		"m.room.member": {
			`{"membership":"join","displayname":"Ada","join_authorised_via_users_server":"@b:two.example"}`,
			`{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"mxid":"@b:two.example","token":"t","signatures":{}}}}`,
		},
		"m.room.create":             {`{"creator":"@ada:one.example","room_version":"9","m.federate":true}`},
		"m.room.join_rules":         {`{"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":"!a:b"}],"x":1}`},
		"m.room.power_levels":       {`{"users":{"@ada:one.example":100},"ban":50,"kick":50,"redact":50,"invite":50,"events":{"a.b":1},"events_default":0,"state_default":50,"users_default":0,"notifications":{"room":50}}`},
		"m.room.aliases":            {`{"aliases":["#a:b"],"x":1}`},
		"m.room.history_visibility": {`{"history_visibility":"shared","x":1}`},
		"m.room.redaction":          {`{"reason":"spam","redacts":"` + first + `","z":1}`, `{}`, `{"x":1}`},
		"m.room.topic":              {`{"topic":"t"}`},
	}
}

// drafts are events of all types, as state and not.
func drafts(rules *event.Rules) []event.Draft {
	var out []event.Draft
	for typ, list := range contents() {
		for _, c := range list {
			d := event.Draft{
				Room: "!r:one.example", Sender: "@ada:one.example", Type: typ, Content: json.RawMessage(c),
				TS: 1700000000123, Depth: 7, Prev: []id.EventID{first, second}, Auth: []id.EventID{second},
			}
			if typ == "m.room.create" {
				d.Prev, d.Auth, d.StateKey = nil, nil, ptr("")
				if rules.Creators {
					d.Room = ""
				}
			} else if strings.HasPrefix(typ, "m.room.") && typ != "m.room.message" && typ != "m.room.redaction" {
				d.StateKey = ptr("@ada:one.example")
			}
			if typ == "m.room.redaction" {
				d.Redacts = second
			}
			out = append(out, d)
			if typ == "m.room.message" {
				d.Sticky = 300_000
				out = append(out, d)
			}
		}
	}
	return out
}

// What we build, the library parses, with the same id, the same redacted form
// and a valid signature.
func TestBuiltEventsPassTheLibrary(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		s := testSigner()
		for _, d := range drafts(rules) {
			p, err := event.Build(rules, d, s)
			if err != nil {
				t.Fatalf("%s: %v", d.Type, err)
			}
			theirs, err := libVersion(rules).NewEventFromUntrustedJSON(p.JSON)
			if err != nil {
				t.Fatalf("%s: the library says %v", p.JSON, err)
			}
			if theirs.Redacted() {
				t.Errorf("%s: the library finds the content hash wrong", p.JSON)
			}
			if string(theirs.JSON()) != string(p.JSON) {
				t.Errorf("canonical form: ours\n%s\ntheirs\n%s", p.JSON, theirs.JSON())
			}
			if theirs.EventID() != string(p.ID) && sameRedaction(rules, d) {
				t.Errorf("%s: id %s, the library's %s", d.Type, p.ID, theirs.EventID())
			}
			if got := theirs.RoomID().String(); got != string(p.Room) {
				t.Errorf("%s: room %s, the library's %s", d.Type, p.Room, got)
			}
			signed, err := libVersion(rules).RedactEventJSON(p.JSON)
			if err != nil {
				t.Fatal(err)
			}
			if sameRedaction(rules, d) {
				ours, err := event.Redact(rules, p.JSON)
				if err != nil || string(ours) != string(lib.CanonicalJSONAssumeValid(signed)) {
					t.Errorf("redacted: ours\n%s (%v)\ntheirs\n%s", ours, err, signed)
				}
				if err := lib.VerifyJSON(here, lib.KeyID(s.KeyID()), s.Public(), signed); err != nil {
					t.Errorf("%s: the library refuses the signature: %v", p.JSON, err)
				}
			}
			if err := event.Verify(p, here, s.Public(), s.KeyID()); err != nil {
				t.Error(err)
			}
		}
	})
}

// sameRedaction reports whether the library redacts like the standard: it
// forgets signed of third-party invitations, which stays since version 11.
func sameRedaction(rules *event.Rules, d event.Draft) bool {
	return !rules.Redaction.Eleven || !strings.Contains(string(d.Content), "third_party_invite")
}

// What the library builds, we parse, with the same fields, id and signature.
func TestLibraryEventsParse(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		s := testSigner()
		for _, d := range drafts(rules) {
			theirs := libBuild(t, rules, d)
			p, err := event.Parse(rules, theirs.JSON())
			if err != nil {
				t.Fatalf("%s: %v", theirs.JSON(), err)
			}
			if string(p.JSON) != string(theirs.JSON()) || string(p.ID) != theirs.EventID() {
				if sameRedaction(rules, d) {
					t.Errorf("ours %s\n%s\ntheirs %s\n%s", p.ID, p.JSON, theirs.EventID(), theirs.JSON())
				}
			}
			if p.Type != d.Type || p.Sender != d.Sender || p.Depth != d.Depth || p.TS != d.TS || len(p.Prev) != len(d.Prev) || len(p.Auth) != len(d.Auth) {
				t.Errorf("read %+v of %s", p, p.JSON)
			}
			if sameRedaction(rules, d) {
				if err := event.Verify(p, here, s.Public(), s.KeyID()); err != nil {
					t.Error(err)
				}
			}
			trusted, err := event.ParseTrusted(rules, p.JSON, p.ID)
			if err != nil || trusted.Room != p.Room || string(trusted.Content) != string(p.Content) || trusted.Redacts != p.Redacts {
				t.Errorf("trusted %+v (%v), parsed %+v", trusted, err, p)
			}
		}
	})
}

func libBuild(t testing.TB, rules *event.Rules, d event.Draft) lib.PDU {
	t.Helper()
	proto := &lib.ProtoEvent{
		SenderID: string(d.Sender), RoomID: string(d.Room), Type: d.Type, StateKey: d.StateKey,
		PrevEvents: strs(d.Prev), AuthEvents: strs(d.Auth), Redacts: string(d.Redacts), Depth: d.Depth, Content: spec.RawJSON(d.Content),
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	built, err := libVersion(rules).NewEventBuilderFromProtoEvent(proto).Build(spec.Timestamp(d.TS).Time(), here, "ed25519:a.1", key)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func strs(ids []id.EventID) []string {
	out := []string{}
	for _, i := range ids {
		out = append(out, string(i))
	}
	return out
}

// An event whose content was changed on the way is only worth its redacted
// form, and keeps its id.
func TestChangedContentIsRedacted(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		for _, d := range drafts(rules) {
			p, err := event.Build(rules, d, testSigner())
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(p.JSON), `"content":{`, `"content":{"0new":1,`, 1)
			changed = strings.Replace(changed, `"0new":1,}`, `"0new":1}`, 1)
			got, err := event.Parse(rules, []byte(changed))
			if err != nil {
				t.Fatalf("%s: %v", changed, err)
			}
			if d.Type == "m.room.create" && rules.Redaction.Eleven {
				continue // keeps all of its content, so that this is another event
			}
			want, err := event.Redact(rules, p.JSON)
			if err != nil || string(got.JSON) != string(want) || got.ID != p.ID {
				t.Errorf("got %s %s\nwant %s %s", got.ID, got.JSON, p.ID, want)
			}
		}
	})
}

func TestUnsignedIsDropped(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		p, err := event.Build(rules, drafts(rules)[0], testSigner())
		if err != nil {
			t.Fatal(err)
		}
		raw := `{"unsigned":{"age":5},"age_ts":3,` + string(p.JSON[1:])
		got, err := event.Parse(rules, []byte(raw))
		if err != nil || string(got.JSON) != string(p.JSON) || got.ID != p.ID {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestRedactionIsStable(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		for _, d := range drafts(rules) {
			p, err := event.Build(rules, d, testSigner())
			if err != nil {
				t.Fatal(err)
			}
			once, err := event.Redact(rules, p.JSON)
			if err != nil {
				t.Fatal(err)
			}
			twice, err := event.Redact(rules, once)
			if err != nil || string(once) != string(twice) {
				t.Errorf("once %s\ntwice %s (%v)", once, twice, err)
			}
			redacted, err := event.ParseTrusted(rules, once, p.ID)
			if err != nil || redacted.Hash() != p.Hash() {
				t.Errorf("%s: redaction changes the hash (%v)", p.JSON, err)
			}
			if err := event.Verify(redacted, here, testSigner().Public(), "ed25519:a.1"); err != nil {
				t.Error(err)
			}
		}
	})
}

// Since version 11 the part of an invitation that the identity server signed
// outlives redaction, without its display name.
func TestSignedInvitationOutlivesRedaction(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"10": `{"content":{"membership":"invite"},"type":"m.room.member"}`,
		"11": `{"content":{"membership":"invite","third_party_invite":{"signed":{"token":"t"}}},"type":"m.room.member"}`,
	} {
		rules, _ := event.RulesFor(version)
		got, err := event.Redact(rules, []byte(`{"type":"m.room.member","content":{"membership":"invite","third_party_invite":{"display_name":"x","signed":{"token":"t"}}}}`))
		if err != nil || string(got) != want {
			t.Errorf("version %s: got %s, %v; want %s", version, got, err, want)
		}
	}
}

func TestWrongSignatures(t *testing.T) {
	t.Parallel()
	rules, _ := event.RulesFor("11")
	s := testSigner()
	p, err := event.Build(rules, drafts(rules)[0], s)
	if err != nil {
		t.Fatal(err)
	}
	other, _, _ := ed25519.GenerateKey(nil)
	for what, err := range map[string]error{
		"another key":    event.Verify(p, here, other, s.KeyID()),
		"another server": event.Verify(p, "two.example", s.Public(), s.KeyID()),
		"another name":   event.Verify(p, here, s.Public(), "ed25519:b"),
		"a short key":    event.Verify(p, here, s.Public()[:5], s.KeyID()),
	} {
		if err == nil {
			t.Errorf("%s: verified", what)
		}
	}
	n := 0
	p.Signatures(func(server, keyID string) {
		n++
		if server != here || keyID != s.KeyID() {
			t.Errorf("signed by %s, %s", server, keyID)
		}
	})
	if n != 1 {
		t.Errorf("%d signatures", n)
	}
}

func TestSignedBytes(t *testing.T) {
	t.Parallel()
	got, err := event.SignedBytes([]byte(`{"b": 1, "signatures": {}, "a": {"signatures": 2}, "unsigned": {}}`))
	if want := `{"a":{"signatures":2},"b":1}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	for _, wrong := range []string{`[]`, `{`, `5`} {
		if got, err := event.SignedBytes([]byte(wrong)); err == nil {
			t.Errorf("%s: got %s", wrong, got)
		}
	}
}

func TestSizeLimits(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		long := strings.Repeat("x", 256)
		for what, change := range map[string]func(*event.Draft){
			"sender":    func(d *event.Draft) { d.Sender = id.UserID("@" + long + ":one.example") },
			"room":      func(d *event.Draft) { d.Room = id.RoomID("!" + long + ":one.example") },
			"type":      func(d *event.Draft) { d.Type = long },
			"state key": func(d *event.Draft) { d.StateKey = &long },
			"content":   func(d *event.Draft) { d.Content = json.RawMessage(`{"body":"` + strings.Repeat("x", 65500) + `"}`) },
		} {
			d := event.Draft{Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.message", Content: json.RawMessage(`{}`)}
			if _, err := event.Build(rules, d, testSigner()); err != nil {
				t.Fatal(err)
			}
			change(&d)
			if _, err := event.Build(rules, d, testSigner()); !matrix.IsCode(err, matrix.TooLarge) {
				t.Errorf("%s: got %v, want M_TOO_LARGE", what, err)
			}
		}
	})
}

// An event may have exactly as many bytes as the limit says.
func TestLargestEvent(t *testing.T) {
	t.Parallel()
	rules, _ := event.RulesFor("12")
	build := func(n int) (*event.PDU, error) {
		return event.Build(rules, event.Draft{
			Room: "!r", Sender: "@ada:one.example", Type: "m.room.message", Content: json.RawMessage(`{"body":"` + strings.Repeat("x", n) + `"}`),
		}, testSigner())
	}
	p, err := build(0)
	if err != nil {
		t.Fatal(err)
	}
	rest := event.MaxPDU - len(p.JSON)
	if p, err = build(rest); err != nil || len(p.JSON) != event.MaxPDU {
		t.Fatalf("the largest event: %v", err)
	}
	if _, err := event.Parse(rules, p.JSON); err != nil {
		t.Errorf("the largest event does not parse: %v", err)
	}
	if _, err := build(rest + 1); !matrix.IsCode(err, matrix.TooLarge) {
		t.Errorf("one byte more: got %v, want M_TOO_LARGE", err)
	}
}

func TestContentOfClientsIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, content string }{
		{"6", `{"a":1.5}`}, {"12", `{"a":9007199254740992}`}, {"1", `{"a":`}, {"1", `[]`}, {"5", `"x"`}, {"1", `{"a":1,"a":2}`}, {"12", "{\"a\":\"\xff\"}"},
	} {
		rules, _ := event.RulesFor(c.version)
		_, err := event.Build(rules, event.Draft{Room: "!r:a", Sender: "@a:b", Type: "t", Content: json.RawMessage(c.content)}, testSigner())
		if !matrix.IsCode(err, matrix.BadJSON) {
			t.Errorf("version %s, %s: got %v, want M_BAD_JSON", c.version, c.content, err)
		}
	}
	five, _ := event.RulesFor("5")
	if _, err := event.Build(five, event.Draft{Room: "!r:a", Sender: "@a:b", Type: "t", Content: json.RawMessage(`{"a":1.5}`)}, testSigner()); err != nil {
		t.Errorf("version 5 allows fractions: %v", err)
	}
}

func TestMalformedEventsAreRefused(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		d := event.Draft{Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.message", StateKey: ptr("k"), Prev: []id.EventID{first}}
		p, err := event.Build(rules, d, testSigner())
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range map[string][]string{
			"auth_events":      {`null`, `{}`, `[1]`, `[[]]`, ``, `[` + strings.Repeat(`["$a",{}],`, 10) + `["$a",{}]]`},
			"content":          {`[]`, `null`, ``},
			"depth":            {`"1"`, `-1`, `1.5`, `99999999999999999999`, ``},
			"origin_server_ts": {`"1"`, `null`, ``},
			"prev_events":      {`"$a"`, `[null]`, ``},
			"room_id":          {`1`, `"r"`, `""`, ``},
			"sender":           {`"ada"`, `"@ada"`, `1`, ``},
			"state_key":        {`1`, `null`},
			"type":             {`1`, ``, `"` + strings.Repeat("é", 256) + `"`},
		} {
			for _, v := range values {
				if got, err := event.Parse(rules, replace(t, p.JSON, name, v)); err == nil {
					t.Errorf("%s %s: parsed as %s", name, v, got.JSON)
				} else if e := (*matrix.Error)(nil); !errors.As(err, &e) {
					t.Errorf("%s %s: %v is no error for clients", name, v, err)
				}
			}
		}
	})
}

// replace puts a value into an event, or takes the member away.
func replace(t *testing.T, raw []byte, name, value string) []byte {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, name)
	if value != "" {
		m[name] = json.RawMessage(value)
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestClientForm(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"10": `{"content":{"reason":"spam","redacts":"` + second + `"},"event_id":"ID","origin_server_ts":5,"redacts":"` + second + `","sender":"@ada:one.example","type":"m.room.redaction"}`,
		"12": `{"content":{"reason":"spam","redacts":"` + second + `"},"event_id":"ID","origin_server_ts":5,"redacts":"` + second + `","sender":"@ada:one.example","type":"m.room.redaction"}`,
	} {
		rules, _ := event.RulesFor(version)
		p, err := event.Build(rules, event.Draft{
			Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.redaction", TS: 5, Redacts: second, Content: json.RawMessage(`{"reason":"spam"}`),
		}, testSigner())
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Replace(string(event.AppendClient(nil, p)), string(p.ID), "ID", 1)
		if got != want {
			t.Errorf("version %s: got %s\nwant %s", version, got, want)
		}
	}
	rules, _ := event.RulesFor("12")
	p, _ := event.Build(rules, event.Draft{Room: "!r", Sender: "@ada:one.example", Type: "m.room.topic", TS: 5, StateKey: ptr(`"`), Content: json.RawMessage(`{"topic":"é"}`)}, testSigner())
	want := `{"content":{"topic":"é"},"event_id":"` + string(p.ID) + `","origin_server_ts":5,"sender":"@ada:one.example","state_key":"\"","type":"m.room.topic"}`
	if got := string(event.AppendClient(nil, p)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Only redactions redact, whatever members other events have.
func TestRedactsIsOfRedactions(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		raw := libBuild(t, rules, event.Draft{
			Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.message", Redacts: first, Content: json.RawMessage(`{"redacts":"` + second + `"}`),
		})
		p, err := event.Parse(rules, raw.JSON())
		if err != nil || p.Redacts != "" {
			t.Errorf("redacts %q, %v", p.Redacts, err)
		}
	})
}

func TestPairsOfOldVersions(t *testing.T) {
	t.Parallel()
	rules, _ := event.RulesFor("2")
	create, err := event.Build(rules, event.Draft{Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.create", StateKey: ptr("")}, testSigner())
	if err != nil {
		t.Fatal(err)
	}
	p, err := event.Build(rules, event.Draft{
		Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.message", Prev: []id.EventID{create.ID}, Auth: []id.EventID{"$other:a"},
		Hash: func(ev id.EventID) ([32]byte, bool) { return create.Hash(), ev == create.ID },
	}, testSigner())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(p.ID), "$") || !strings.HasSuffix(string(p.ID), ":"+here) || p.ID == create.ID {
		t.Errorf("ids %s and %s", create.ID, p.ID)
	}
	var got struct {
		Prev [][]any `json:"prev_events"`
		Auth [][]any `json:"auth_events"`
	}
	if err := json.Unmarshal(p.JSON, &got); err != nil {
		t.Fatal(err)
	}
	hash := got.Prev[0][1].(map[string]any)["sha256"].(string)
	want := spec.Base64Bytes(func() []byte { h := create.Hash(); return h[:] }()).Encode()
	if got.Prev[0][0] != string(create.ID) || hash != want || got.Auth[0][1].(map[string]any)["sha256"] != "" {
		t.Errorf("got %v, want the hash %s", got, want)
	}
}

// Random contents survive both ways. Their keys need no escapes, with which
// the library writes broken JSON.
func TestRandomContents(t *testing.T) {
	eachVersion(t, func(t *testing.T, rules *event.Rules) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			content, err := json.Marshal(map[string]any{"x": randomValue(r, 0), "é": 1})
			if err != nil {
				t.Fatal(err)
			}
			d := event.Draft{Room: "!r:one.example", Sender: "@ada:one.example", Type: "m.room.message", Content: content}
			p, err := event.Build(rules, d, testSigner())
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := libVersion(rules).NewEventFromUntrustedJSON(p.JSON)
			if err != nil || theirs.Redacted() || theirs.EventID() != string(p.ID) {
				t.Errorf("%s: %v", p.JSON, err)
			}
		}
	})
}

func randomValue(r *rand.Rand, depth int) any {
	keys := []string{"", "a", "B", "\uffff", "日本", "\u2028", "<&>", "😀", "é"}
	words := append(keys, "b\n", "\u0000", "\"\\/", "\x7f")
	switch n := r.IntN(6); {
	case n == 0 && depth < 4:
		m := map[string]any{}
		for range r.IntN(20) {
			m[keys[r.IntN(len(keys))]+keys[r.IntN(len(keys))]] = randomValue(r, depth+1)
		}
		return m
	case n == 1 && depth < 4:
		var a []any
		for range r.IntN(4) {
			a = append(a, randomValue(r, depth+1))
		}
		return a
	case n == 2:
		return r.Int64N(1<<53) - 1<<52
	case n == 3:
		return r.IntN(2) == 0
	}
	return words[r.IntN(len(words))]
}

func FuzzParse(f *testing.F) {
	for _, v := range []string{"1", "3", "6", "11", "12"} {
		rules, _ := event.RulesFor(v)
		for _, d := range drafts(rules) {
			p, err := event.Build(rules, d, testSigner())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(v, p.JSON)
		}
	}
	f.Fuzz(func(t *testing.T, version string, raw []byte) {
		rules, ok := event.RulesFor(version)
		if !ok {
			return
		}
		p, err := event.Parse(rules, raw)
		if err != nil {
			if e := (*matrix.Error)(nil); !errors.As(err, &e) {
				t.Fatalf("%v is no error for clients", err)
			}
			return
		}
		again, err := event.Parse(rules, p.JSON)
		if err != nil || again.ID != p.ID || string(again.JSON) != string(p.JSON) {
			t.Fatalf("not stable: %s %s\nthen %+v, %v", p.ID, p.JSON, again, err)
		}
		if !json.Valid(event.AppendClient(nil, p)) {
			t.Fatalf("client form %s", event.AppendClient(nil, p))
		}
		redacted, err := event.Redact(rules, p.JSON)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := event.ParseTrusted(rules, redacted, p.ID); err != nil || r.Hash() != p.Hash() {
			t.Fatalf("redaction changes the hash: %s, %v", redacted, err)
		}
		if rules.IDs != event.OwnID && !strings.Contains(string(raw), "third_party_invite") {
			if theirs, err := libVersion(rules).NewEventFromUntrustedJSON(p.JSON); err == nil && theirs.EventID() != string(p.ID) {
				t.Fatalf("%s: id %s, the library's %s", p.JSON, p.ID, theirs.EventID())
			}
		}
	})
}

func FuzzRedact(f *testing.F) {
	for typ, list := range contents() {
		for _, c := range list {
			f.Add("5", []byte(`{"type":"`+typ+`","content":`+c+`,"prev_state":[],"x":1}`))
			f.Add("11", []byte(`{"type":"`+typ+`","content":`+c+`,"prev_state":[],"x":1}`))
		}
	}
	f.Fuzz(func(t *testing.T, version string, raw []byte) {
		rules, ok := event.RulesFor(version)
		if !ok {
			return
		}
		once, err := event.Redact(rules, raw)
		if err != nil {
			return
		}
		twice, err := event.Redact(rules, once)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("once %s\ntwice %s (%v)", once, twice, err)
		}
	})
}

func smallMessage() event.Draft {
	return event.Draft{
		Room: "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", Sender: "@ada:one.example", Type: "m.room.message",
		Content: json.RawMessage(`{"msgtype":"m.text","body":"hello there, how are you today?"}`),
		TS:      1700000000123, Depth: 12345, Prev: []id.EventID{first}, Auth: []id.EventID{first, second},
	}
}

func BenchmarkBuild(b *testing.B) {
	rules, _ := event.RulesFor("12")
	s, d := testSigner(), smallMessage()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Build(rules, d, s); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor under BenchmarkBuild.
func BenchmarkSign(b *testing.B) {
	rules, _ := event.RulesFor("12")
	s := testSigner()
	p, _ := event.Build(rules, smallMessage(), s)
	for b.Loop() {
		s.Sign(p.JSON)
	}
}

func BenchmarkParse(b *testing.B) {
	rules, _ := event.RulesFor("12")
	p, _ := event.Build(rules, smallMessage(), testSigner())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Parse(rules, p.JSON); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTrusted(b *testing.B) {
	rules, _ := event.RulesFor("12")
	p, _ := event.Build(rules, smallMessage(), testSigner())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.ParseTrusted(rules, p.JSON, p.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	rules, _ := event.RulesFor("12")
	p, _ := event.Build(rules, smallMessage(), testSigner())
	dst := make([]byte, 0, 2*len(p.JSON))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.AppendCanonical(dst, p.JSON, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendClient(b *testing.B) {
	rules, _ := event.RulesFor("12")
	p, _ := event.Build(rules, smallMessage(), testSigner())
	dst := make([]byte, 0, 2*len(p.JSON))
	b.ReportAllocs()
	for b.Loop() {
		event.AppendClient(dst, p)
	}
}
