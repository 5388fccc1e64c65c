package auth

import (
	"github.com/tidwall/gjson"

	"plenum/rooms/event"
)

// Needed returns which entries of the state the auth_events of p are taken
// from, as far as they exist. In version 12 the create event is not among
// them: the room id stands for it.
//
// Spec: server-server-api#auth-events-selection
func Needed(p *event.PDU) []Key {
	if p.Type == "m.room.create" && p.StateKey != nil && *p.StateKey == "" {
		return nil
	}
	out := make([]Key, 0, 6)
	if !p.Rules.Creators {
		out = append(out, Key{"m.room.create", ""})
	}
	out = append(out, Key{"m.room.power_levels", ""}, Key{"m.room.member", string(p.Sender)})
	if p.Type == "m.room.member" && p.StateKey != nil {
		out = appendMemberKeys(out, p)
	}
	return out
}

// appendMemberKeys adds what a membership change needs besides.
func appendMemberKeys(out []Key, p *event.PDU) []Key {
	if *p.StateKey != string(p.Sender) {
		out = append(out, Key{"m.room.member", *p.StateKey})
	}
	membership := gjson.GetBytes(p.Content, "membership").Str
	switch membership {
	case "join", "invite", "knock":
		out = append(out, Key{"m.room.join_rules", ""})
	}
	if membership == "invite" {
		if token := gjson.GetBytes(p.Content, "third_party_invite.signed.token"); token.Type == gjson.String {
			out = append(out, Key{"m.room.third_party_invite", token.Str})
		}
	}
	if membership == "join" && p.Rules.Restricted {
		via := gjson.GetBytes(p.Content, "join_authorised_via_users_server").Str
		if via != "" && via != string(p.Sender) && via != *p.StateKey {
			out = append(out, Key{"m.room.member", via})
		}
	}
	return out
}
