package event

import "github.com/tidwall/gjson"

// Redact returns the canonical redacted form of an event: what remains of it
// when its content has to go. Hashes and signatures stay.
//
// Spec: client-server-api#redactions
func Redact(rules *Rules, raw []byte) ([]byte, error) {
	canonical, err := AppendCanonical(nil, raw, rules.StrictJSON)
	if err != nil {
		return nil, err
	}
	if canonical[0] != '{' {
		return nil, errNotObject
	}
	return appendRedacted(nil, rules, canonical, true), nil
}

// appendRedacted appends the redacted form of a canonical event.
func appendRedacted(dst []byte, rules *Rules, canonical []byte, signatures bool) []byte {
	typ := parse(canonical).Get("type").Str
	dst = append(dst, '{')
	eachMember(canonical, func(name string, value gjson.Result) {
		switch {
		case name == "content":
			dst = appendMember(dst, name, "")
			dst = appendRedactedContent(dst, rules, typ, value)
		case name == "signatures" && !signatures:
		case rules.keeps(name):
			dst = appendMember(dst, name, value.Raw)
		}
	})
	return append(dst, '}')
}

// keeps reports whether a member of the event itself survives redaction.
//
// Spec: rooms/v11#redactions
func (r *Rules) keeps(name string) bool {
	switch name {
	case "event_id", "type", "room_id", "sender", "state_key", "content", "hashes", "signatures",
		"depth", "prev_events", "auth_events", "origin_server_ts":
		return true
	case "prev_state", "origin", "membership":
		return !r.Redaction.Eleven
	}
	return false
}

// appendRedactedContent appends what remains of the content of an event of typ.
func appendRedactedContent(dst []byte, rules *Rules, typ string, content gjson.Result) []byte {
	red := &rules.Redaction
	if typ == "m.room.create" && red.Eleven || !content.IsObject() {
		return append(dst, content.Raw...) // the latter is for readers to refuse
	}
	dst = append(dst, '{')
	if !red.keepsSome(typ) {
		return append(dst, '}')
	}
	content.ForEach(func(key, value gjson.Result) bool {
		switch name := key.Str; {
		case red.keepsContent(typ, name):
			dst = appendMember(dst, name, value.Raw)
		case red.Eleven && typ == "m.room.member" && name == "third_party_invite" && value.IsObject():
			// Only the part that the identity server signed. An object without
			// one stays as an empty object: ids depend on it.
			dst = append(appendMember(dst, name, ""), '{')
			if signed := value.Get("signed"); signed.Exists() {
				dst = appendMember(dst, "signed", signed.Raw)
			}
			dst = append(dst, '}')
		}
		return true
	})
	return append(dst, '}')
}

// keepsSome reports whether anything of the content of typ may survive: not so
// for nearly all events.
func (r *Redaction) keepsSome(typ string) bool {
	switch typ {
	case "m.room.member", "m.room.create", "m.room.join_rules", "m.room.power_levels",
		"m.room.aliases", "m.room.history_visibility", "m.room.redaction":
		return true
	}
	return false
}

// keepsContent reports whether a member of the content of typ survives whole.
//
// Spec: rooms/v1#redactions
func (r *Redaction) keepsContent(typ, name string) bool {
	switch typ {
	case "m.room.member":
		return name == "membership" || r.KeepAuthorised && name == "join_authorised_via_users_server"
	case "m.room.create":
		return name == "creator"
	case "m.room.join_rules":
		return name == "join_rule" || r.KeepAllow && name == "allow"
	case "m.room.power_levels":
		switch name {
		case "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default":
			return true
		case "invite":
			return r.Eleven
		}
	case "m.room.aliases":
		return r.KeepAliases && name == "aliases"
	case "m.room.history_visibility":
		return name == "history_visibility"
	case "m.room.redaction":
		return r.RedactsInContent && name == "redacts"
	}
	return false
}
