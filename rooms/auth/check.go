package auth

import (
	"strings"

	"github.com/tidwall/gjson"

	"plenum/internal/matrix"
	"plenum/rooms/event"
)

// Check reports why p may not be added to a room in state s: nil, or a
// *matrix.Error whose text is for people.
//
// Spec: rooms/v12#authorisation-rules
func Check(p *event.PDU, s State) error {
	if p.Type == "m.room.create" {
		return checkCreate(p)
	}
	create := s.Get("m.room.create", "")
	if create == nil || create.Room != p.Room {
		return forbid("There is no such room.")
	}
	levels := s.Levels()
	if !levels.federate && event.ServerName(p.Sender) != levels.server {
		return forbid("The room is only for users of %s.", levels.server)
	}
	switch {
	case p.Type == "m.room.aliases" && p.Rules.AliasAuth:
		return checkAliases(p)
	case p.Type == "m.room.member":
		return checkMember(p, s, create, levels)
	}
	return checkOrdinary(p, s, levels)
}

// checkOrdinary is for all events that only members send.
func checkOrdinary(p *event.PDU, s State, levels *PowerLevels) error {
	if membershipOf(s, string(p.Sender)) != join {
		return forbid("%s is not in the room.", p.Sender)
	}
	level := levels.User(p.Sender)
	if p.Type == "m.room.third_party_invite" {
		return need(level, levels.invite, "to invite people")
	}
	if want := levels.Event(p.Type, p.StateKey != nil); level < want {
		return forbid("Power level %d is needed to send %s.", want, p.Type)
	}
	if p.StateKey != nil && strings.HasPrefix(*p.StateKey, "@") && *p.StateKey != string(p.Sender) {
		return forbid("Only %s may set state of that name.", *p.StateKey)
	}
	switch {
	case p.Type == "m.room.power_levels":
		return checkLevels(p, s, levels)
	case p.Type == "m.room.redaction" && p.Rules.IDs == event.OwnID:
		return checkRedaction(p, level, levels)
	}
	return nil
}

// checkAliases keeps each server to its own aliases.
//
// Spec: rooms/v1#authorisation-rules, rule 4
func checkAliases(p *event.PDU) error {
	if p.StateKey == nil || *p.StateKey != event.ServerName(p.Sender) {
		return forbid("A server may only publish aliases of its own.")
	}
	return nil
}

// checkRedaction is for versions 1 and 2. Later ones accept every redaction
// and decide afterwards whether it takes effect.
//
// Spec: rooms/v1#authorisation-rules, rule 11
func checkRedaction(p *event.PDU, level int64, levels *PowerLevels) error {
	if level >= levels.redact || event.ServerName(p.Redacts) == event.ServerName(p.ID) {
		return nil
	}
	return forbid("Power level %d is needed to redact what others sent.", levels.redact)
}

// need checks a power level.
func need(have, want int64, what string) error {
	if have >= want {
		return nil
	}
	return forbid("Power level %d is needed %s.", want, what)
}

func forbid(format string, args ...any) error {
	return matrix.Errorf(matrix.Forbidden, format, args...)
}

// text returns a string of an event's content.
func text(p *event.PDU, path string) string {
	v := gjson.GetBytes(p.Content, path)
	if v.Type != gjson.String {
		return ""
	}
	return v.Str
}
