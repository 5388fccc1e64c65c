package push

import (
	"bytes"
	"encoding/json"

	"maunium.net/go/mautrix/id"
)

// Stand-ins for whoever the default rules are given to.
const (
	anyUser      = "{{user}}"
	anyLocalpart = "{{localpart}}"
)

// masterRule is the switch that turns everything off, and goes before
// everything else.
const masterRule = ".m.rule.master"

// defaultOverride are the rules that go before everything else of the
// server's.
//
// Beside those of the specification there are two groups. The rules that look
// for names in the text were taken out of the specification in version 1.17,
// because today's clients say whom they mention; here they judge only messages
// that say nothing about mentions, so that people who are called by an old
// client or a bridge still hear it. And polls are messages to those who take
// part in them (MSC3930).
//
// The rule by which every encrypted event wakes the user's devices, so that
// they see by themselves whether it mentions them (MSC4028), is off until a
// client turns it on: to all others it is noise.
//
// Spec: client-server-api#default-override-rules
const defaultOverride = `[
{"rule_id":".m.rule.master","enabled":false,"conditions":[],"actions":[]},
{"rule_id":".org.matrix.msc4028.encrypted_event","enabled":false,"conditions":[{"kind":"event_property_is","key":"type","value":"m.room.encrypted"}],"actions":["notify"]},
{"rule_id":".m.rule.suppress_notices","conditions":[{"kind":"event_match","key":"content.msgtype","pattern":"m.notice"}],"actions":[]},
{"rule_id":".m.rule.invite_for_me","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.member"},{"kind":"event_match","key":"content.membership","pattern":"invite"},{"kind":"event_match","key":"state_key","pattern":"{{user}}"}],"actions":["notify",{"set_tweak":"sound","value":"default"}]},
{"rule_id":".m.rule.member_event","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.member"}],"actions":[]},
{"rule_id":".m.rule.is_user_mention","conditions":[{"kind":"event_property_contains","key":"content.m\\.mentions.user_ids","value":"{{user}}"}],"actions":["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]},
{"rule_id":".m.rule.contains_display_name","conditions":[{"kind":"contains_display_name"}],"actions":["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]},
{"rule_id":".m.rule.is_room_mention","conditions":[{"kind":"event_property_is","key":"content.m\\.mentions.room","value":true},{"kind":"sender_notification_permission","key":"room"}],"actions":["notify",{"set_tweak":"highlight"}]},
{"rule_id":".m.rule.roomnotif","conditions":[{"kind":"event_match","key":"content.body","pattern":"@room"},{"kind":"sender_notification_permission","key":"room"}],"actions":["notify",{"set_tweak":"highlight"}]},
{"rule_id":".m.rule.tombstone","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.tombstone"},{"kind":"event_match","key":"state_key","pattern":""}],"actions":["notify",{"set_tweak":"highlight"}]},
{"rule_id":".m.rule.reaction","conditions":[{"kind":"event_match","key":"type","pattern":"m.reaction"}],"actions":[]},
{"rule_id":".m.rule.room.server_acl","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.server_acl"},{"kind":"event_match","key":"state_key","pattern":""}],"actions":[]},
{"rule_id":".m.rule.suppress_edits","conditions":[{"kind":"event_property_is","key":"content.m\\.relates_to.rel_type","value":"m.replace"}],"actions":[]},
{"rule_id":".org.matrix.msc3930.rule.poll_response","conditions":[{"kind":"event_match","key":"type","pattern":"org.matrix.msc3381.poll.response"}],"actions":[]}
]`

// Spec: client-server-api#default-content-rules in version 1.16 and before
const defaultContent = `[
{"rule_id":".m.rule.contains_user_name","pattern":"{{localpart}}","actions":["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]}
]`

// defaultPostContent are the rules about threads that people have subscribed to
// (MSC4306): those always notify, and others only by the rules before.
const defaultPostContent = `[
{"rule_id":".io.element.msc4306.rule.unsubscribed_thread","conditions":[{"kind":"io.element.msc4306.thread_subscription","subscribed":false}],"actions":[]},
{"rule_id":".io.element.msc4306.rule.subscribed_thread","conditions":[{"kind":"io.element.msc4306.thread_subscription","subscribed":true}],"actions":["notify",{"set_tweak":"sound","value":"default"}]}
]`

// Spec: client-server-api#default-underride-rules
const defaultUnderride = `[
{"rule_id":".m.rule.call","conditions":[{"kind":"event_match","key":"type","pattern":"m.call.invite"}],"actions":["notify",{"set_tweak":"sound","value":"ring"}]},
{"rule_id":".m.rule.encrypted_room_one_to_one","conditions":[{"kind":"room_member_count","is":"2"},{"kind":"event_match","key":"type","pattern":"m.room.encrypted"}],"actions":["notify",{"set_tweak":"sound","value":"default"}]},
{"rule_id":".m.rule.room_one_to_one","conditions":[{"kind":"room_member_count","is":"2"},{"kind":"event_match","key":"type","pattern":"m.room.message"}],"actions":["notify",{"set_tweak":"sound","value":"default"}]},
{"rule_id":".org.matrix.msc3930.rule.poll_start_one_to_one","conditions":[{"kind":"room_member_count","is":"2"},{"kind":"event_match","key":"type","pattern":"org.matrix.msc3381.poll.start"}],"actions":["notify",{"set_tweak":"sound","value":"default"}]},
{"rule_id":".org.matrix.msc3930.rule.poll_end_one_to_one","conditions":[{"kind":"room_member_count","is":"2"},{"kind":"event_match","key":"type","pattern":"org.matrix.msc3381.poll.end"}],"actions":["notify",{"set_tweak":"sound","value":"default"}]},
{"rule_id":".m.rule.message","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.message"}],"actions":["notify"]},
{"rule_id":".m.rule.encrypted","conditions":[{"kind":"event_match","key":"type","pattern":"m.room.encrypted"}],"actions":["notify"]},
{"rule_id":".org.matrix.msc3930.rule.poll_start","conditions":[{"kind":"event_match","key":"type","pattern":"org.matrix.msc3381.poll.start"}],"actions":["notify"]},
{"rule_id":".org.matrix.msc3930.rule.poll_end","conditions":[{"kind":"event_match","key":"type","pattern":"org.matrix.msc3381.poll.end"}],"actions":["notify"]}
]`

// readsText reports whether a default rule looks for names in the text, and
// so keeps out of messages that say whom they mention.
func readsText(ruleID string) bool {
	switch ruleID {
	case ".m.rule.contains_display_name", ".m.rule.contains_user_name", ".m.rule.roomnotif":
		return true
	}
	return false
}

// defaultRules returns the rules that the server gives to user.
func defaultRules(user id.UserID) *Rules {
	return &Rules{
		Override: defaultsOf(defaultOverride, user), Content: defaultsOf(defaultContent, user),
		PostContent: defaultsOf(defaultPostContent, user), Underride: defaultsOf(defaultUnderride, user),
		Room: []Rule{}, Sender: []Rule{},
	}
}

func defaultsOf(text string, user id.UserID) []Rule {
	var rules []struct {
		Rule
		Enabled *bool `json:"enabled"` // true unless it says otherwise
	}
	if err := json.Unmarshal(fillIn([]byte(text), user), &rules); err != nil {
		panic("push: the default rules are not JSON: " + err.Error()) // a test reads them
	}
	out := make([]Rule, len(rules))
	for i, r := range rules {
		out[i] = r.Rule
		out[i].Default, out[i].Enabled = true, r.Enabled == nil || *r.Enabled
	}
	return out
}

// fillIn names user where the text means whoever it is for.
func fillIn(text []byte, user id.UserID) []byte {
	if user == anyUser {
		return text
	}
	text = bytes.ReplaceAll(text, []byte(anyUser), quoted(string(user)))
	return bytes.ReplaceAll(text, []byte(anyLocalpart), quoted(user.Localpart()))
}

// quoted returns the inside of s as a JSON string.
func quoted(s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		return nil // cannot happen to a string
	}
	return q[1 : len(q)-1]
}

// DefaultContent returns the content of m.push_rules for a user who never
// changed it.
func DefaultContent(user id.UserID) json.RawMessage {
	out, err := json.Marshal(content{*defaultRules(user)})
	if err != nil {
		panic("push: the default rules cannot be written: " + err.Error()) // they were just read
	}
	return out
}
