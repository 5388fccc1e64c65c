package rooms

import "encoding/json"

// strippedTypes is what somebody may learn of a room before they are in it.
//
// Spec: client-server-api#stripped-state
var strippedTypes = [...]string{
	"m.room.create", "m.room.name", "m.room.avatar", "m.room.topic", "m.room.join_rules",
	"m.room.canonical_alias", "m.room.encryption",
}

// stripped is what is shown of the room to the user whom e invites, or who
// knocks: a JSON list of stripped state, with e itself at the end.
func (v *view) stripped(e *Event) json.RawMessage {
	out := []byte{'['}
	for _, typ := range strippedTypes {
		if s := v.Event(typ, ""); s != nil {
			out = append(appendStripped(out, s), ',')
		}
	}
	if sender := v.Event("m.room.member", string(e.Sender)); sender != nil && *e.StateKey != string(e.Sender) {
		out = append(appendStripped(out, sender), ',')
	}
	return append(appendStripped(out, e), ']')
}

// appendStripped writes e, a state event, without what a stranger need not know.
// The event that makes a room is whole where the room's id follows from it.
func appendStripped(dst []byte, e *Event) []byte {
	if e.Is("m.room.create", "") && e.pdu.Rules.Creators {
		return append(dst, e.Client...)
	}
	dst = append(append(dst, `{"content":`...), e.pdu.Content...)
	dst = append(dst, `,"sender":`...)
	dst = appendText(dst, string(e.Sender))
	dst = append(dst, `,"state_key":`...)
	dst = appendText(dst, *e.StateKey)
	dst = append(dst, `,"type":`...)
	return append(appendText(dst, e.Type), '}')
}

// appendText writes s as a JSON string.
func appendText(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...) // strings always marshal
	}
	return append(dst, b...)
}
