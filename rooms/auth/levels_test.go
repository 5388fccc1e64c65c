package auth_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"plenum/rooms/auth"
	"plenum/rooms/event"
)

func TestPowerLevelsOfEvent(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").levels(`{"users":{"` + bob + `":50},"users_default":1,"events":{"m.a":7},"events_default":2,"state_default":3,"ban":4,"kick":5,"redact":6,"invite":8,"notifications":{"room":9}}`)
		l := r.state.Levels()
		adas := int64(1)
		if atLeast(version, "12") {
			adas = auth.Infinite
		}
		for what, got := range map[string][2]int64{
			"creator": {l.User(ada), adas}, "user": {l.User(bob), 50}, "default": {l.User(cat), 1}, "users_default": {l.UsersDefault(), 1},
			"event": {l.Event("m.a", false), 7}, "state event": {l.Event("m.a", true), 7}, "other": {l.Event("m.b", false), 2}, "other state": {l.Event("m.b", true), 3},
			"events_default": {l.EventsDefault(), 2}, "state_default": {l.StateDefault(), 3},
			"ban": {l.Ban(), 4}, "kick": {l.Kick(), 5}, "redact": {l.Redact(), 6}, "invite": {l.Invite(), 8}, "room": {l.Notification("room"), 9}, "x": {l.Notification("x"), 50},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: got %d, want %d", what, got[0], got[1])
			}
		}
		if l.IsCreator(ada) != atLeast(version, "12") || l.IsCreator(bob) {
			t.Errorf("creators: ada %t, bob %t", l.IsCreator(ada), l.IsCreator(bob))
		}
	})
}

func TestDefaultLevels(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		for _, r := range []*room{newRoom(t, version, ""), newRoom(t, version, "").levels(`{}`)} {
			l := r.state.Levels()
			got := []int64{l.User(bob), l.Event("m.a", false), l.Event("m.a", true), l.Ban(), l.Kick(), l.Redact(), l.Invite(), l.Notification("room")}
			if want := []int64{0, 0, 50, 50, 50, 50, 0, 50}; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
}

func TestAdditionalCreators(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"additional_creators":[%q]}`, ada, cat)).with("ada join", "bob join", "cat join").
			levels(`{"users":{"` + bob + `":100},"events":{"m.room.tombstone":150}}`)
		twelve := atLeast(version, "12")
		r.may(twelve, cat, "m.room.tombstone", `{}`, "")
		r.may(twelve, ada, "m.room.tombstone", `{}`, "")
		r.may(false, bob, "m.room.tombstone", `{}`, "")
		r.member(!twelve, "bob", "cat", "ban")
		r.member(false, "cat", "ada", "leave") // equals
		r.member(twelve, "cat", "bob", "ban")
	})
}

// Values of levels, and the first version that refuses them.
func TestFormsOfLevels(t *testing.T) {
	t.Parallel()
	const never, first = "99", "1"
	forms := map[string]string{
		`5`: never, `-5`: never, `"5"`: "10", `" +005 "`: "10", `"-5"`: "10", `5.9`: "6", `0.5e1`: "6", `1e300`: "6", `1e999`: first,
		`true`: first, `null`: first, `"x"`: first, `""`: first, `"5.5"`: first, `[]`: first, `{}`: first,
	}
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join")
		for form, until := range forms {
			for _, where := range []string{
				`{"users":{"@x:y":%s}}`, `{"users_default":%s}`, `{"events":{"a":%s}}`, `{"notifications":{"room":%s}}`, `{"events_default":%s}`,
				`{"state_default":%s}`, `{"ban":%s}`, `{"kick":%s}`, `{"redact":%s}`, `{"invite":%s}`,
			} {
				content := fmt.Sprintf(where, form)
				d := json.RawMessage(content)
				if _, err := event.AppendCanonical(nil, d, r.rules.StrictJSON); err != nil {
					continue // is not even JSON for this version
				}
				r.may(!atLeast(version, until), ada, "m.room.power_levels", content, "")
			}
		}
		for _, content := range []string{`{"users":[]}`, `{"events":5}`, `{"notifications":null}`, `{"users":{"bob":1}}`, `{"users":{"@bob":1}}`, `{"users":{":x":1}}`} {
			r.may(false, ada, "m.room.power_levels", content, "")
		}
		r.may(true, ada, "m.room.power_levels", `{"unknown":"x","historical":true}`, "")
	})
}

func TestLevelsWrittenAsText(t *testing.T) {
	t.Parallel()
	between(t, "1", "9", func(t *testing.T, version string) {
		l := newRoom(t, version, "").levels(`{"users":{"` + bob + `":" +050 "},"ban":"7"}`).state.Levels()
		if l.User(bob) != 50 || l.Ban() != 7 {
			t.Errorf("bob %d, ban %d", l.User(bob), l.Ban())
		}
	})
	between(t, "1", "5", func(t *testing.T, version string) {
		l := newRoom(t, version, "").levels(`{"users":{"` + bob + `":50.57},"kick":-0.9,"ban":1e200,"redact":-1e200,"invite":99999999999999999999}`).state.Levels()
		if l.User(bob) != 50 || l.Kick() != 0 || l.Ban() != auth.Infinite || l.Redact() > -1<<62 || l.Invite() != auth.Infinite {
			t.Errorf("bob %d, kick %d, ban %d, redact %d, invite %d", l.User(bob), l.Kick(), l.Ban(), l.Redact(), l.Invite())
		}
	})
}

// Changes of power levels by bob, who has 50.
func TestChangesOfLevels(t *testing.T) {
	t.Parallel()
	users := func(rest string) string { return `"users":{"` + bob + `":50` + rest + `}` }
	cases := []struct {
		name, before, after string
		want                bool
		since               string // before this version it is allowed
	}{
		{"nothing", ``, ``, true, ""},
		{"a level within reach", `,"ban":50`, `,"ban":10`, true, ""},
		{"up to one's own", `,"ban":10`, `,"ban":50`, true, ""},
		{"above one's own", `,"ban":10`, `,"ban":51`, false, ""},
		{"from above", `,"ban":51`, `,"ban":10`, false, ""},
		{"the same above", `,"ban":51`, `,"ban":51`, true, ""},
		{"removal", `,"kick":50`, ``, true, ""},
		{"removal from above", `,"kick":51`, ``, false, ""},
		{"addition", ``, `,"redact":50`, true, ""},
		{"addition above", ``, `,"redact":51`, false, ""},
		{"users_default", `,"users_default":0`, `,"users_default":51`, false, ""},
		{"users_default from above", `,"users_default":51`, `,"users_default":0`, false, ""},
		{"events_default", `,"events_default":0`, `,"events_default":51`, false, ""},
		{"state_default", `,"state_default":50`, `,"state_default":51`, false, ""},
		{"invite", `,"invite":0`, `,"invite":51`, false, ""},
		{"event", `,"events":{"a":50}`, `,"events":{"a":0}`, true, ""},
		{"event above", `,"events":{"a":50}`, `,"events":{"a":51}`, false, ""},
		{"event from above", `,"events":{"a":51}`, `,"events":{"a":50}`, false, ""},
		{"event added", ``, `,"events":{"a":50}`, true, ""},
		{"event added above", ``, `,"events":{"a":51}`, false, ""},
		{"event removed", `,"events":{"a":50}`, `,"events":{}`, true, ""},
		{"event removed from above", `,"events":{"a":51}`, ``, false, ""},
		{"event with a dot", `,"events":{"a.b":51}`, `,"events":{"a.b":50}`, false, ""},
		{"notification", `,"notifications":{"room":50}`, `,"notifications":{"room":0}`, true, ""},
		{"notification above", `,"notifications":{"room":50}`, `,"notifications":{"room":51}`, false, "6"},
		{"notification from above", `,"notifications":{"room":51}`, ``, false, "6"},
	}
	always(t, func(t *testing.T, version string) {
		for _, c := range cases {
			r := newRoom(t, version, "").with("bob join").levels(fmt.Sprintf(`{%s%s}`, users(""), c.before))
			r.may(c.want || !atLeast(version, c.since), bob, "m.room.power_levels", fmt.Sprintf(`{%s%s}`, users(""), c.after), "")
		}
	})
}

// Changes of the levels of users by bob, who has 50.
func TestChangesOfUsers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		before, after string
		want          bool
	}{
		{`"B":50`, `"B":49`, true},
		{`"B":50`, ``, true},
		{`"B":50`, `"B":51`, false},
		{`"B":50,"C":49`, `"B":50,"C":0`, true},
		{`"B":50,"C":49`, `"B":50,"C":50`, true},
		{`"B":50,"C":49`, `"B":50`, true},
		{`"B":50,"C":50`, `"B":50,"C":0`, false},
		{`"B":50,"C":50`, `"B":50`, false},
		{`"B":50,"C":51`, `"B":50,"C":51`, true},
		{`"B":50,"C":51`, `"B":50`, false},
		{`"B":50`, `"B":50,"C":50`, true},
		{`"B":50`, `"B":50,"C":51`, false},
		{`"B":50`, `"B":50,"C":-1`, true},
	}
	always(t, func(t *testing.T, version string) {
		for _, c := range cases {
			r := newRoom(t, version, "").with("bob join").levels(`{"users":{` + named(c.before) + `}}`)
			r.may(c.want, bob, "m.room.power_levels", `{"users":{`+named(c.after)+`}}`, "")
		}
	})
}

func named(users string) string {
	out := ""
	for _, c := range users {
		switch c {
		case 'B':
			out += bob
		case 'C':
			out += cat
		default:
			out += string(c)
		}
	}
	return out
}

// A level that is only written otherwise has not changed.
func TestSameLevelOtherwiseWritten(t *testing.T) {
	t.Parallel()
	between(t, "1", "9", func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("bob join").levels(`{"users":{"` + bob + `":50,"` + cat + `":"100"},"events":{"a":100},"ban":"70"}`)
		r.may(true, bob, "m.room.power_levels", `{"users":{"`+bob+`":"50","`+cat+`":100},"events":{"a":"100"},"ban":70}`, "")
	})
}

func TestCreatorsAreNotListed(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, fmt.Sprintf(`{"creator":%q,"additional_creators":[%q]}`, ada, cat)).with("ada join")
		r.may(!atLeast(version, "12"), ada, "m.room.power_levels", `{"users":{"`+ada+`":100}}`, "")
		r.may(!atLeast(version, "12"), ada, "m.room.power_levels", `{"users":{"`+cat+`":100}}`, "")
		r.may(true, ada, "m.room.power_levels", `{"users":{"`+bob+`":100}}`, "")
	})
}

func TestCreatorsChangeAllLevels(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "12", "").with("ada join").levels(`{"users":{"` + bob + `":9007199254740991},"ban":9007199254740991,"notifications":{"room":200}}`)
	r.may(true, ada, "m.room.power_levels", `{"users":{"`+bob+`":0},"ban":0,"events":{"x":9007199254740991},"notifications":{"room":0}}`, "")
}

// The first power levels event may say what it likes.
func TestFirstLevels(t *testing.T) {
	t.Parallel()
	always(t, func(t *testing.T, version string) {
		r := newRoom(t, version, "").with("ada join", "bob join")
		r.may(true, ada, "m.room.power_levels", `{"users":{"`+bob+`":1000},"ban":2000}`, "")
		r.may(false, bob, "m.room.power_levels", `{"users":{"`+bob+`":1000}}`, "")
	})
}

func FuzzPowerLevels(f *testing.F) {
	for _, c := range []string{`{}`, `{"users":{"@bob:one.example":50},"events":{"a":1}}`, `{"users":{"@x:y":" +5 "},"ban":1.5e2}`, `{"users":null,"notifications":{"room":true}}`} {
		f.Add("1", c, c)
		f.Add("9", c, c)
		f.Add("12", c, `{"users":{"@ada:one.example":1}}`)
	}
	f.Fuzz(func(t *testing.T, version, before, after string) {
		rules, ok := event.RulesFor(version)
		if !ok {
			return
		}
		for _, c := range []string{before, after} {
			if got, err := event.AppendCanonical(nil, []byte(c), rules.StrictJSON); err != nil || got[0] != '{' || len(c) > 10000 {
				return
			}
		}
		r := newRoom(t, version, "").with("ada join", "bob join").levels(before)
		l := r.state.Levels()
		for _, sender := range []string{ada, bob} {
			p := r.event(sender, "m.room.power_levels", after, "")
			if !r.allows(p) {
				continue
			}
			// Nobody gets above the one who sends the change.
			now := auth.ParsePowerLevels(rules, r.state.Get("m.room.create", ""), p)
			if had, has := l.User(p.Sender), now.User(p.Sender); has > had && now.UsersDefault() <= had {
				t.Fatalf("%s goes from %d to %d by %s after %s", sender, had, has, after, before)
			}
		}
	})
}
