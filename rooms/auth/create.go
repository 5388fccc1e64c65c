package auth

import (
	"github.com/tidwall/gjson"

	"plenum/rooms/event"
)

// checkCreate is rule 1: what a create event has to be.
//
// Spec: rooms/v1#authorisation-rules, rule 1
// Spec: rooms/v12#authorisation-rules, rule 1
func checkCreate(p *event.PDU) error {
	if len(p.Prev) > 0 {
		return forbid("A room is created only once.")
	}
	if p.Rules.Creators {
		if gjson.GetBytes(p.JSON, "room_id").Exists() {
			return forbid("The create event is what gives the room its id.")
		}
	} else if event.ServerName(p.Room) != event.ServerName(p.Sender) {
		return forbid("The room id belongs to another server.")
	}
	if v := gjson.GetBytes(p.Content, "room_version"); v.Exists() {
		if _, known := event.RulesFor(v.Str); v.Type != gjson.String || !known {
			return forbid("Room version %s is not known.", v.Raw)
		}
	}
	if !p.Rules.ImplicitCreator && !gjson.GetBytes(p.Content, "creator").Exists() {
		return forbid("The create event names no creator.")
	}
	if p.Rules.Creators {
		return checkAdditionalCreators(p)
	}
	return nil
}

func checkAdditionalCreators(p *event.PDU) error {
	list := gjson.GetBytes(p.Content, "additional_creators")
	if !list.Exists() {
		return nil
	}
	if !list.IsArray() {
		return forbid("additional_creators has to be a list of user ids.")
	}
	for _, u := range list.Array() {
		if u.Type != gjson.String || !event.ValidUser(u.Str) {
			return forbid("additional_creators has to be a list of user ids.")
		}
	}
	return nil
}
