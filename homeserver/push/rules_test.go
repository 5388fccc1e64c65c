package push_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// ids returns the ids of a user's rules of kind, in order.
func (w *world) ids(user id.UserID, kind push.Kind) []string {
	w.Helper()
	rules, err := w.Rules(w.Context(), user)
	w.must(err)
	list := map[push.Kind][]push.Rule{
		push.Override: rules.Override, push.Content: rules.Content, push.Room: rules.Room, push.Sender: rules.Sender, push.Underride: rules.Underride,
	}[kind]
	var out []string
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

func TestDefaultRules(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{})
	// Those of the specification, in its order.
	override := []string{
		".m.rule.master", ".m.rule.suppress_notices", ".m.rule.invite_for_me", ".m.rule.member_event", ".m.rule.is_user_mention",
		".m.rule.is_room_mention", ".m.rule.tombstone", ".m.rule.reaction", ".m.rule.room.server_acl", ".m.rule.suppress_edits",
	}
	underride := []string{
		".m.rule.call", ".m.rule.encrypted_room_one_to_one", ".m.rule.room_one_to_one", ".m.rule.message", ".m.rule.encrypted",
	}
	has := func(kind push.Kind, want []string) {
		got := slices.DeleteFunc(w.ids(ada, kind), func(name string) bool { return !slices.Contains(want, name) })
		if !slices.Equal(got, want) {
			t.Errorf("%s rules %q, want %q", kind, got, want)
		}
	}
	has(push.Override, override)
	has(push.Underride, underride)

	rules, err := w.Rules(t.Context(), ada)
	w.must(err)
	raw, err := json.Marshal(rules)
	w.must(err)
	for _, stray := range []string{"{{", "null", "<nil>"} {
		if strings.Contains(string(raw), stray) {
			t.Errorf("%s in %s", stray, raw)
		}
	}
	master, err := w.Rule(t.Context(), ada, push.Override, ".m.rule.master")
	w.must(err)
	if raw, _ := json.Marshal(master); string(raw) != `{"rule_id":".m.rule.master","default":true,"enabled":false,"conditions":[],"actions":[]}` {
		t.Errorf("master: %s", raw)
	}
	mention, err := w.Rule(t.Context(), ada, push.Override, ".m.rule.is_user_mention")
	w.must(err)
	if !mention.Enabled || !strings.Contains(string(mention.Conditions[0]), `"@ada:one.example"`) {
		t.Errorf("mention: %+v", mention)
	}
	if got := string(push.DefaultContent(`@o"d\d:one.example`)); !json.Valid([]byte(got)) {
		t.Errorf("of somebody with an odd name: %s", got)
	}
}

func TestOrderOfRules(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		actions := newRule(`{"actions":["notify"]}`)
		put := func(name string, at push.Place) {
			w.Helper()
			w.must(w.SetRule(w.Context(), ada, push.Override, name, actions, at))
		}
		order := func(want ...string) {
			w.Helper()
			got := w.ids(ada, push.Override)
			if got[0] != ".m.rule.master" || !slices.Equal(got[1:1+len(want)], want) || got[1+len(want)] != ".org.matrix.msc4028.encrypted_event" {
				w.Errorf("rules %q, want %q after the first", got, want)
			}
		}
		put("a", push.Place{})
		put("b", push.Place{})
		order("b", "a")
		put("c", push.Place{After: "b"})
		put("d", push.Place{Before: "a"})
		order("b", "c", "d", "a")
		put("b", push.Place{}) // changed, it stays where it is
		order("b", "c", "d", "a")
		put("b", push.Place{After: "d"})
		order("c", "d", "b", "a")
		put("a", push.Place{Before: "c", After: "b"}) // before counts
		order("a", "c", "d", "b")
		w.must(w.DeleteRule(w.Context(), ada, push.Override, "c"))
		order("a", "d", "b")
		for _, nowhere := range []push.Place{{Before: "none"}, {After: "none"}, {Before: ".m.rule.master"}, {After: ".m.rule.suppress_notices"}, {Before: "a"}} {
			w.refused(w.SetRule(w.Context(), ada, push.Override, "a", actions, nowhere), "M_UNKNOWN")
		}
		w.restart()
		order("a", "d", "b")
	})
}

func TestRulesAreChanged(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ctx := w.Context()
		w.rule(ada, push.Content, "cake", `{"pattern":"cake","actions":["dont_notify"]}`)
		w.must(w.SetEnabled(ctx, ada, push.Content, "cake", false))
		w.rule(ada, push.Content, "cake", `{"pattern":"cakes","actions":["notify"]}`)
		r, err := w.Rule(ctx, ada, push.Content, "cake")
		w.must(err)
		if raw, _ := json.Marshal(r); string(raw) != `{"rule_id":"cake","default":false,"enabled":false,"pattern":"cakes","actions":["notify"]}` {
			w.Errorf("rule %s", raw)
		}
		w.must(w.SetActions(ctx, ada, push.Underride, ".m.rule.message", newRule(`{"actions":["dont_notify"]}`).Actions))
		w.must(w.SetEnabled(ctx, ada, push.Override, ".m.rule.master", true))
		w.restart()
		r, err = w.Rule(ctx, ada, push.Underride, ".m.rule.message")
		w.must(err)
		if len(r.Actions) != 1 || string(r.Actions[0]) != `"dont_notify"` || !r.Default || !r.Enabled {
			w.Errorf("message rule %+v", r)
		}
		if r, err := w.Rule(ctx, ada, push.Override, ".m.rule.master"); err != nil || !r.Enabled {
			w.Errorf("master rule %+v, %v", r, err)
		}
		if r, err := w.Rule(ctx, bob, push.Override, ".m.rule.master"); err != nil || r.Enabled {
			w.Errorf("somebody else's master rule %+v, %v", r, err)
		}
		before := w.db.Committed()
		w.must(w.SetEnabled(ctx, ada, push.Override, ".m.rule.master", false))
		data, err := w.data.AccountDataChanges(ctx, ada, before, w.db.Committed())
		w.must(err)
		if len(data) != 1 || data[0].Type != push.Type || !strings.HasPrefix(string(data[0].Content), `{"global":{"override":[{"rule_id":".m.rule.master","default":true,"enabled":false`) {
			w.Errorf("devices hear %+v", data)
		}
	})
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), push.Options{})
	ctx := t.Context()
	for _, c := range []struct {
		kind       push.Kind
		name, rule string
		code       string
	}{
		{"device", "a", `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, ".a", `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, ".m.rule.master", `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, "a/b", `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, `a\b`, `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, "", `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, strings.Repeat("a", 256), `{"actions":[]}`, "M_INVALID_PARAM"},
		{push.Override, "a", `{}`, "M_MISSING_PARAM"},
		{push.Override, "a", `{"actions":["shout"]}`, "M_INVALID_PARAM"},
		{push.Override, "a", `{"actions":[7]}`, "M_INVALID_PARAM"},
		{push.Override, "a", `{"actions":[{"tweak":"sound"}]}`, "M_INVALID_PARAM"},
		{push.Override, "a", `{"actions":[],"conditions":[7]}`, "M_BAD_JSON"},
		{push.Override, "a", `{"actions":[],"conditions":[{"key":"a"}]}`, "M_BAD_JSON"},
		{push.Content, "a", `{"actions":[]}`, "M_MISSING_PARAM"},
		{push.Content, "a", `{"actions":[],"pattern":"` + strings.Repeat("a", 256) + `"}`, "M_INVALID_PARAM"},
	} {
		err := w.SetRule(ctx, ada, c.kind, c.name, newRule(c.rule), push.Place{})
		if err == nil || !strings.HasPrefix(err.Error(), c.code) {
			t.Errorf("%s %q %s: got %v, want %s", c.kind, c.name, c.rule, err, c.code)
		}
	}
	for _, kind := range []push.Kind{"device", push.Override, push.Room} {
		_, err := w.Rule(ctx, ada, kind, "none")
		w.refused(err, "M_NOT_FOUND")
		w.refused(w.DeleteRule(ctx, ada, kind, "none"), "M_NOT_FOUND")
		w.refused(w.SetEnabled(ctx, ada, kind, "none", true), "M_NOT_FOUND")
		w.refused(w.SetActions(ctx, ada, kind, "none", []json.RawMessage{}), "M_NOT_FOUND")
	}
	w.refused(w.DeleteRule(ctx, ada, push.Override, ".m.rule.master"), "M_INVALID_PARAM")
	w.refused(w.SetActions(ctx, ada, push.Override, ".m.rule.master", nil), "M_MISSING_PARAM")
}

// judged sends an event, and returns whether it notifies bob: "-", "notify" or "highlight".
func (w *world) judged(room id.RoomID, send func() id.EventID) string {
	w.Helper()
	before := w.counts(bob, room).Total()
	send()
	after := w.counts(bob, room).Total()
	switch {
	case after.Highlights > before.Highlights:
		return "highlight"
	case after.Notifications > before.Notifications:
		return "notify"
	}
	return "-"
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const loud = `"actions":["notify",{"set_tweak":"highlight"}]`
	for _, c := range []struct {
		conditions string
		content    string
		matches    bool
	}{
		{`[]`, `{}`, true},
		{`[{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}]`, `{"topic":"Lunch plans"}`, true},
		{`[{"kind":"event_match","key":"content.topic","pattern":"lunc?*"}]`, `{"topic":" lunch"}`, false},
		{`[{"kind":"event_match","key":"content.topic","pattern":"*"}]`, `{"topic":7}`, false},
		{`[{"kind":"event_match","key":"content.topic","pattern":"*"}]`, `{}`, false},
		{`[{"kind":"event_match","key":"content.body","pattern":"ex*ple"}]`, `{"body":"An example event."}`, true},
		{`[{"kind":"event_match","key":"content.body","pattern":"ample"}]`, `{"body":"An example event."}`, false},
		{`[{"kind":"event_match","key":"content.a.b","pattern":"x"}]`, `{"a":{"b":"x"}}`, true},
		{`[{"kind":"event_match","key":"content.a.b","pattern":"x"}]`, `{"a.b":"x"}`, false},
		{`[{"kind":"event_match","key":"content.a\\.b","pattern":"x"}]`, `{"a.b":"x"}`, true},
		{`[{"kind":"event_match","key":"content.a\\\\b","pattern":"x"}]`, `{"a\\b":"x"}`, true},
		{`[{"kind":"event_match","key":"content.a\\b","pattern":"x"}]`, `{"a\\b":"x"}`, true},
		{`[{"kind":"event_match","key":"content.a*","pattern":"x"}]`, `{"ab":"x"}`, false},
		{`[{"kind":"event_match","key":"sender","pattern":"@ADA:*"}]`, `{}`, true},
		{`[{"kind":"event_match","key":"type","pattern":"org.example.thing"}]`, `{}`, true},
		{`[{"kind":"event_match","key":"state_key","pattern":"*"}]`, `{}`, false},
		{`[{"kind":"event_match","key":"content.who","pattern":"@bob:one.example"}]`, `{"who":"@bob:one.example"}`, true},
		{`[{"kind":"event_match","key":"content.who","pattern":"@bob:one.example"}]`, `{"who":"@eve:one.example"}`, false},
		{`[{"kind":"event_property_is","key":"content.m\\.federate","value":true}]`, `{"m.federate":true}`, true},
		{`[{"kind":"event_property_is","key":"content.m\\.federate","value":true}]`, `{"m.federate":"true"}`, false},
		{`[{"kind":"event_property_is","key":"content.m\\.federate","value":true}]`, `{"m.federate":1}`, false},
		{`[{"kind":"event_property_is","key":"content.n","value":7}]`, `{"n":7}`, true},
		{`[{"kind":"event_property_is","key":"content.n","value":7}]`, `{"n":[7]}`, false},
		{`[{"kind":"event_property_is","key":"content.n","value":null}]`, `{"n":null}`, true},
		{`[{"kind":"event_property_is","key":"content.n","value":null}]`, `{}`, false},
		{`[{"kind":"event_property_is","key":"content.n","value":{}}]`, `{"n":{}}`, false},
		{`[{"kind":"event_property_is","key":"content.n"}]`, `{"n":null}`, false},
		{`[{"kind":"event_property_is","key":"content.who","value":"@bob:one.example"}]`, `{"who":"@bob:one.example"}`, true},
		{`[{"kind":"event_property_contains","key":"content.l","value":"a"}]`, `{"l":["b","a"]}`, true},
		{`[{"kind":"event_property_contains","key":"content.l","value":"a"}]`, `{"l":["ab",["a"]]}`, false},
		{`[{"kind":"event_property_contains","key":"content.l","value":"a"}]`, `{"l":"a"}`, false},
		{`[{"kind":"event_property_contains","key":"content.l","value":"@bob:one.example"}]`, `{"l":["@bob:one.example"]}`, true},
		{`[{"kind":"event_property_contains","key":"content.l","value":"@bob:one.example"}]`, `{"l":"@bob:one.example"}`, false},
		{`[{"kind":"contains_display_name"}]`, `{"body":"well, LADY BOB!"}`, true},
		{`[{"kind":"contains_display_name"}]`, `{"body":"well, lady bobby"}`, false},
		{`[{"kind":"room_member_count","is":"3"}]`, `{}`, true},
		{`[{"kind":"room_member_count","is":"==3"}]`, `{}`, true},
		{`[{"kind":"room_member_count","is":"<3"}]`, `{}`, false},
		{`[{"kind":"room_member_count","is":"<=3"}]`, `{}`, true},
		{`[{"kind":"room_member_count","is":">=4"}]`, `{}`, false},
		{`[{"kind":"room_member_count","is":">2"}]`, `{}`, true},
		{`[{"kind":"room_member_count","is":"=3"}]`, `{}`, false},
		{`[{"kind":"room_member_count","is":"-3"}]`, `{}`, false},
		{`[{"kind":"room_member_count"}]`, `{}`, false},
		{`[{"kind":"sender_notification_permission","key":"room"}]`, `{}`, true},
		{`[{"kind":"sender_notification_permission","key":"org.example.unheard"}]`, `{}`, true},
		{`[{"kind":"org.example.unknown"}]`, `{}`, false},
		{`[{"kind":"room_member_count","is":"3"},{"kind":"event_match","key":"content.a","pattern":"x"}]`, `{"a":"y"}`, false},
	} {
		t.Run(c.conditions+c.content, func(t *testing.T) {
			t.Parallel()
			w := open(t, storagetest.Open(t, storage.SQLite), push.Options{})
			room := w.room(ada, bob, eve)
			w.rule(bob, push.Override, "mine", `{`+loud+`,"conditions":`+c.conditions+`}`)
			w.counts(bob, room)
			got := w.judged(room, func() id.EventID { return w.send(ada, room, "org.example.thing", c.content) }) == "highlight"
			if got != c.matches {
				t.Errorf("matches: %v, want %v", got, c.matches)
			}
		})
	}
}

func TestWhichRuleDecides(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob, eve)
		w.counts(bob, room)
		says := func(what, want string, send func() id.EventID) {
			w.Helper()
			if got := w.judged(room, send); got != want {
				w.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		cake := func() id.EventID { return w.say(ada, room, "time for CAKE") }
		says("by default", "notify", cake)
		w.rule(bob, push.Content, "cake", `{"pattern":"cake","actions":["notify",{"set_tweak":"highlight"}]}`)
		says("a keyword", "highlight", cake)
		w.rule(bob, push.Sender, string(ada), `{"actions":[]}`)
		says("less than a keyword: the sender", "highlight", cake)
		says("the sender, without a keyword", "-", func() id.EventID { return w.say(ada, room, "tea") })
		says("another sender", "notify", func() id.EventID { return w.say(eve, room, "tea") })
		w.rule(bob, push.Room, string(room), `{"actions":["notify",{"set_tweak":"highlight"}]}`)
		says("more than the sender: the room", "highlight", func() id.EventID { return w.say(ada, room, "tea") })
		w.rule(bob, push.Override, string(room), `{"conditions":[{"kind":"event_match","key":"room_id","pattern":"`+string(room)+`"}],"actions":["dont_notify"]}`)
		says("more than all: the room is muted", "-", cake)
		says("even mentions", "-", func() id.EventID {
			return w.say(ada, room, `{"body":"","m.mentions":{"user_ids":["@bob:one.example"]}}`)
		})
		w.must(w.SetEnabled(w.Context(), bob, push.Override, string(room), false))
		says("no longer muted", "highlight", cake)
		mention := func() id.EventID {
			return w.say(eve, room, `{"body":"","m.mentions":{"user_ids":["@bob:one.example"]}}`)
		}
		w.must(w.SetActions(w.Context(), bob, push.Override, ".m.rule.is_user_mention", newRule(`{"actions":["notify"]}`).Actions))
		says("mentioned, with less ado", "notify", mention)
		w.must(w.SetEnabled(w.Context(), bob, push.Override, ".m.rule.is_user_mention", false))
		says("mentioned, as if it were nothing: the room", "highlight", mention)
		w.must(w.SetEnabled(w.Context(), bob, push.Override, ".m.rule.master", true))
		says("everything is off", "-", cake)
	})
}

func TestMentions(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room := w.room(ada, bob, eve)
		w.counts(bob, room)
		for _, c := range []struct {
			what, want string
			sender     id.UserID
			content    string
		}{
			{"mentioned", "highlight", eve, `{"body":"x","m.mentions":{"user_ids":["@eve:one.example","@bob:one.example"]}}`},
			{"somebody else is", "notify", eve, `{"body":"x","m.mentions":{"user_ids":["@ada:one.example"]}}`},
			{"malformed", "notify", eve, `{"body":"x","m.mentions":{"user_ids":"@bob:one.example"}}`},
			{"the room, by who may", "highlight", ada, `{"body":"x","m.mentions":{"room":true}}`},
			{"the room, by who may not", "notify", eve, `{"body":"x","m.mentions":{"room":true}}`},
			{"called by an old client", "highlight", eve, `{"body":"hey bob"}`},
			{"called by the name", "highlight", eve, `{"body":"dear Lady Bob!"}`},
			{"part of a word", "notify", eve, `{"body":"bobsleigh"}`},
			{"named, but not meant", "notify", eve, `{"body":"hey bob","m.mentions":{}}`},
			{"the room, by an old client", "highlight", ada, `{"body":"hey @room"}`},
			{"the room, by an old client that may not", "notify", eve, `{"body":"hey @room"}`},
			{"a mention in a notice", "-", eve, `{"msgtype":"m.notice","body":"x","m.mentions":{"user_ids":["@bob:one.example"]}}`},
		} {
			if got := w.judged(room, func() id.EventID { return w.say(c.sender, room, c.content) }); got != c.want {
				w.Errorf("%s: %s, want %s", c.what, got, c.want)
			}
		}
	})
}

func TestEqualRulesOfDifferentPeople(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		// They say the same of different people, so that one rule set judges for both.
		room := w.room(ada, bob, eve)
		for _, user := range []id.UserID{bob, eve} {
			w.rule(user, push.Override, "me", fmt.Sprintf(
				`{"conditions":[{"kind":"event_match","key":"content.for","pattern":%q}],"actions":["notify",{"set_tweak":"highlight"}]}`, user))
			w.counts(user, room)
		}
		// This one says it of a name that only looks like the stand-in for oneself.
		w.rule(ada, push.Override, "me", `{"conditions":[{"kind":"event_match","key":"content.for","pattern":"{{user}}"}],"actions":[]}`)
		w.counts(ada, room)
		w.say(ada, room, `{"for":"@bob:one.example"}`)
		if b, e := w.unread(bob, room), w.unread(eve, room); b != "1/1" || e != "1/0" {
			w.Errorf("bob %s, eve %s", b, e)
		}
	})
}

func TestInvitesNotifyWithoutBeingCounted(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		room, err := w.rooms.Create(w.Context(), as(ada), rooms.CreateRequest{Invite: []id.UserID{bob}})
		w.must(err)
		if got := w.unread(bob, room); got != "0/0" {
			w.Errorf("unread %s", got)
		}
	})
}
