package auth

import (
	"slices"

	"plenum/rooms/event"
)

// CheckAuthEvents reports why the auth_events of an event from elsewhere are
// not what they have to be. The events are those that p names; that none of
// them has been rejected is for the caller to know.
//
// Spec: rooms/v12#authorisation-rules, rule 3
func CheckAuthEvents(p *event.PDU, events []*event.PDU) error {
	needed := Needed(p)
	var seen []Key
	for _, e := range events {
		if e.StateKey == nil {
			return forbid("Event %s is authorised by something that is no state.", p.ID)
		}
		k := Key{e.Type, *e.StateKey}
		switch {
		case slices.Contains(seen, k):
			return forbid("Event %s is authorised by two events of %s.", p.ID, k.Type)
		case !slices.Contains(needed, k):
			return forbid("Event %s has nothing to do with %s.", p.ID, k.Type)
		case e.Room != p.Room:
			return forbid("Event %s is authorised by another room.", p.ID)
		}
		seen = append(seen, k)
	}
	create := Key{"m.room.create", ""}
	if slices.Contains(needed, create) && !slices.Contains(seen, create) {
		return forbid("Event %s does not name the create event.", p.ID)
	}
	return nil
}
