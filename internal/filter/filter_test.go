package filter_test

import (
	"strings"
	"testing"

	"plenum/internal/filter"
	"plenum/internal/matrix"
)

func TestAnEmptyFilterLetsEverythingPass(t *testing.T) {
	t.Parallel()
	f := parse(t, `{}`)
	message := filter.Subject{Type: "m.room.message", Sender: "@ada:one.example", Room: "!a"}
	for name, part := range map[string]*filter.Events{
		"presence": &f.Presence, "account data": &f.AccountData, "ephemeral": &f.Room.Ephemeral, "state": &f.Room.State,
		"timeline": &f.Room.Timeline, "account data of rooms": &f.Room.AccountData, "no filter": nil,
	} {
		if !part.Match(message) || !part.IsOpen() || part.IsShut() || !part.HasType("x") || !part.HasRoom("!a") || part.ReadsURL() {
			t.Errorf("%s: something is kept out", name)
		}
	}
	if !f.Room.Has("!a") || f.Room.IncludeLeave || f.Federation || f.Fields != nil {
		t.Errorf("an empty filter asks for something: %+v", f)
	}
}

func TestWhatPasses(t *testing.T) {
	t.Parallel()
	message := filter.Subject{Type: "m.room.message", Sender: "@ada:one.example", Room: "!a:one.example"}
	picture := message
	picture.HasURL = true
	for _, c := range []struct {
		filter  string
		subject filter.Subject
		passes  bool
	}{
		{`{"types":["m.room.message"]}`, message, true},
		{`{"types":["m.room.member"]}`, message, false},
		{`{"types":[]}`, message, false},
		{`{"types":null}`, message, true},
		{`{"types":["m.room.*"]}`, message, true},
		{`{"types":["*"]}`, message, true},
		{`{"types":["*.message"]}`, message, true},
		{`{"types":["m.*.message"]}`, message, true},
		{`{"types":["m*oo*age"]}`, message, true},
		{`{"types":["*.mess"]}`, message, false},
		{`{"types":["m.room.messages*"]}`, message, false},
		{`{"types":["m.room.message*message"]}`, message, false},
		{`{"types":["m.room.m?ssage"]}`, message, false},
		{`{"not_types":["m.room.message"]}`, message, false},
		{`{"not_types":["m.*"]}`, message, false},
		{`{"not_types":["m.call.*"]}`, message, true},
		{`{"not_types":[]}`, message, true},
		{`{"types":["m.room.message"],"not_types":["m.room.*"]}`, message, false},
		{`{"senders":["@ada:one.example"]}`, message, true},
		{`{"senders":["@bob:one.example"]}`, message, false},
		{`{"senders":[]}`, message, false},
		{`{"not_senders":["@ada:one.example"]}`, message, false},
		{`{"senders":["@ada:one.example"],"not_senders":["@ada:one.example"]}`, message, false},
		{`{"senders":["@*:one.example"]}`, message, false},
		{`{"rooms":["!a:one.example"]}`, message, true},
		{`{"rooms":["!b"]}`, message, false},
		{`{"not_rooms":["!a:one.example"]}`, message, false},
		{`{"contains_url":true}`, message, false},
		{`{"contains_url":true}`, picture, true},
		{`{"contains_url":false}`, message, true},
		{`{"contains_url":false}`, picture, false},
	} {
		e, err := filter.ParseEvents([]byte(c.filter))
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		if got := e.Match(c.subject); got != c.passes {
			t.Errorf("%s: passes %v, want %v", c.filter, got, c.passes)
		}
	}
}

func TestRoomsOfAFilter(t *testing.T) {
	t.Parallel()
	f := parse(t, `{"room":{"rooms":["!a","!b"],"not_rooms":["!b"],"include_leave":true}}`)
	if !f.Room.Has("!a") || f.Room.Has("!b") || f.Room.Has("!c") || !f.Room.IncludeLeave {
		t.Error("rooms and not_rooms do not decide")
	}
}

func TestOptionsOfAFilter(t *testing.T) {
	t.Parallel()
	f := parse(t, `{"event_format":"federation","room":{
		"state":{"lazy_load_members":true,"include_redundant_members":true},
		"timeline":{"limit":7,"unread_thread_notifications":true,"related_by_senders":["@ada:one.example"],"related_by_rel_types":["m.thread"]}}}`)
	if !f.Federation || !f.Room.State.LazyLoadMembers || !f.Room.State.IncludeRedundantMembers {
		t.Errorf("options are lost: %+v", f)
	}
	tl := f.Room.Timeline
	if tl.Limit(10, 100) != 7 || !tl.UnreadThreads || len(tl.RelatedBy.Senders) != 1 || len(tl.RelatedBy.RelTypes) != 1 || tl.IsOpen() {
		t.Errorf("options of the timeline are lost: %+v", tl)
	}
}

func TestOlderNames(t *testing.T) {
	t.Parallel()
	e, err := filter.ParseEvents([]byte(`{"io.element.relation_senders":["@ada:one.example"],"io.element.relation_types":["m.thread"],"org.matrix.msc3773.unread_thread_notifications":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.RelatedBy.IsZero() || e.RelatedBy.Senders[0] != "@ada:one.example" || e.RelatedBy.RelTypes[0] != "m.thread" || !e.UnreadThreads {
		t.Errorf("older names are not read: %+v", e)
	}
}

func TestAFilterForNothingIsShut(t *testing.T) {
	t.Parallel()
	f := parse(t, `{"presence":{"types":[]},"account_data":{"senders":[]},"room":{"ephemeral":{"rooms":[]},"state":{"types":["x"]}}}`)
	if !f.Presence.IsShut() || !f.AccountData.IsShut() || !f.Room.Ephemeral.IsShut() || f.Room.State.IsShut() {
		t.Error("what lets nothing pass is not told from what does")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int{`{}`: 10, `{"limit":1}`: 1, `{"limit":0}`: 0, `{"limit":5000}`: 100} {
		e, err := filter.ParseEvents([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Limit(10, 100); got != want {
			t.Errorf("%s: limit %d, want %d", raw, got, want)
		}
	}
	if got := (*filter.Events)(nil).Limit(10, 100); got != 10 {
		t.Errorf("no filter: limit %d, want 10", got)
	}
}

func TestBadFiltersAreTheClientsMistake(t *testing.T) {
	t.Parallel()
	for raw, code := range map[string]matrix.Code{
		``:                                           matrix.NotJSON,
		`{`:                                          matrix.NotJSON,
		`null`:                                       matrix.BadJSON,
		` null`:                                      matrix.BadJSON,
		`[]`:                                         matrix.BadJSON,
		`"x"`:                                        matrix.BadJSON,
		`{"presence":"not_an_object"}`:               matrix.BadJSON,
		`{"account_data":[]}`:                        matrix.BadJSON,
		`{"event_fields":"type"}`:                    matrix.BadJSON,
		`{"event_fields":["a\\b"]}`:                  matrix.InvalidParam,
		`{"event_fields":["a\\"]}`:                   matrix.InvalidParam,
		`{"event_format":"other"}`:                   matrix.InvalidParam,
		`{"event_format":1}`:                         matrix.BadJSON,
		`{"room":[]}`:                                matrix.BadJSON,
		`{"room":{"rooms":"!a"}}`:                    matrix.BadJSON,
		`{"room":{"rooms":["#a:one.example"]}}`:      matrix.InvalidParam,
		`{"room":{"not_rooms":["a"]}}`:               matrix.InvalidParam,
		`{"room":{"include_leave":"yes"}}`:           matrix.BadJSON,
		`{"room":{"timeline":"not_an_object"}}`:      matrix.BadJSON,
		`{"room":{"timeline":{"limit":-1}}}`:         matrix.InvalidParam,
		`{"room":{"timeline":{"limit":"10"}}}`:       matrix.BadJSON,
		`{"room":{"timeline":{"limit":1e99}}}`:       matrix.BadJSON,
		`{"room":{"timeline":{"types":[1]}}}`:        matrix.BadJSON,
		`{"room":{"timeline":{"types":{}}}}`:         matrix.BadJSON,
		`{"room":{"timeline":{"rooms":["a"]}}}`:      matrix.InvalidParam,
		`{"room":{"state":{"lazy_load_members":1}}}`: matrix.BadJSON,
		`{"presence":{"senders":["bob"]}}`:           matrix.InvalidParam,
		`{"presence":{"not_senders":["@bob"]}}`:      matrix.InvalidParam,
		`{"room":{"timeline":{"related_by_senders":["bob"]}}}`:       matrix.InvalidParam,
		`{"room":{"timeline":{"related_by_rel_types":"x"}}}`:         matrix.BadJSON,
		`{"room":{"timeline":{"contains_url":"true"}}}`:              matrix.BadJSON,
		`{"x":"` + string(make([]byte, filter.MaxSize)) + `"}`:       matrix.TooLarge,
		`{"room":{"ephemeral":{"unread_thread_notifications":"x"}}}`: matrix.BadJSON,
	} {
		if _, err := filter.Parse([]byte(raw)); !matrix.IsCode(err, code) {
			t.Errorf("%.60s: %v, want %s", raw, err, code)
		}
	}
	for raw, code := range map[string]matrix.Code{`[]`: matrix.BadJSON, `{"limit":-3}`: matrix.InvalidParam, `{`: matrix.NotJSON} {
		if _, err := filter.ParseEvents([]byte(raw)); !matrix.IsCode(err, code) {
			t.Errorf("%s: %v, want %s", raw, err, code)
		}
	}
}

func TestFieldsOfEvents(t *testing.T) {
	t.Parallel()
	const ev = `{"type":"m.room.message","content":{"body":"hi","msgtype":"m.text","m.relates_to":{"rel_type":"m.thread","event_id":"$a"}},"sender":"@ada:one.example"}`
	for _, c := range []struct{ fields, want string }{
		{`[]`, `{}`},
		{`["type"]`, `{"type":"m.room.message"}`},
		{`["content.body","sender"]`, `{"content":{"body":"hi"},"sender":"@ada:one.example"}`},
		{`["content.body","content"]`, `{"content":{"body":"hi","msgtype":"m.text","m.relates_to":{"rel_type":"m.thread","event_id":"$a"}}}`},
		{`["content.m\\.relates_to.event_id"]`, `{"content":{"m.relates_to":{"event_id":"$a"}}}`},
		{`["content.m.relates_to"]`, `{"content":{}}`},
		{`["type.x"]`, `{}`},
	} {
		f := parse(t, `{"event_fields":`+c.fields+`}`)
		if got := string(f.Fields.Append(nil, []byte(ev))); got != c.want {
			t.Errorf("%s: %s, want %s", c.fields, got, c.want)
		}
	}
}

func parse(t *testing.T, raw string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRelations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filter, passes string }{
		{`{}`, " m.thread m.reference"},
		{`{"org.matrix.msc3874.rel_types":["m.thread"]}`, "m.thread"},
		{`{"org.matrix.msc3874.not_rel_types":["m.thread"]}`, " m.reference"},
		{`{"org.matrix.msc3874.rel_types":["m.thread","m.reference"],"org.matrix.msc3874.not_rel_types":["m.reference"]}`, "m.thread"},
		{`{"org.matrix.msc3874.rel_types":[]}`, ""},
	} {
		f, err := filter.ParseEvents([]byte(c.filter))
		if err != nil {
			t.Fatal(err)
		}
		var passed []string
		for _, rel := range []string{"", "m.thread", "m.reference"} {
			if f.Match(filter.Subject{Type: "m.room.message", RelType: rel}) {
				passed = append(passed, rel)
			}
		}
		if got := strings.Join(passed, " "); got != c.passes {
			t.Errorf("%s lets pass %q, want %q", c.filter, got, c.passes)
		}
		if f.IsOpen() != (c.filter == `{}`) || f.IsShut() != (c.passes == "") {
			t.Errorf("%s is open: %v, shut: %v", c.filter, f.IsOpen(), f.IsShut())
		}
	}
}
