package rooms

import (
	"encoding/json"
	"maps"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// powerLevels adds the power levels of a new room.
//
// Spec: client-server-api#mroompower_levels
func (pl *roomPlan) powerLevels(q CreateRequest, set preset) error {
	if pl.given[StateKey{"m.room.power_levels", ""}] {
		return nil
	}
	users := map[string]any{}
	if !pl.rules.Creators {
		users[string(pl.creator)] = 100
		if set.trusted {
			for _, user := range q.Invite {
				users[string(user)] = 100
			}
		}
	}
	content := map[string]any{
		"users": users, "users_default": 0,
		"events": pl.eventLevels(), "events_default": 0, "state_default": 50,
		"ban": 50, "kick": 50, "redact": 50, "invite": 50, "historical": 100,
	}
	if set.joinRule != "public" {
		content["invite"] = 0
	}
	if len(q.PowerLevelOverride) > 0 {
		var override map[string]any
		if err := json.Unmarshal(q.PowerLevelOverride, &override); err != nil {
			return matrix.Errorf(matrix.BadJSON, "power_level_content_override is not a JSON object.")
		}
		maps.Copy(content, override)
	}
	if pl.rules.Creators {
		if err := pl.unlistCreators(content); err != nil {
			return err
		}
	}
	return pl.add("m.room.power_levels", "", content)
}

// unlistCreators takes the creators out of the users of an override. Clients
// that do not know room version 12 list them; they stand above every level. A
// client that asks for that version is told so.
func (pl *roomPlan) unlistCreators(content map[string]any) error {
	users, _ := content["users"].(map[string]any)
	for _, user := range pl.creators() {
		if _, listed := users[string(user)]; listed && !pl.unaware {
			return errListedCreator(string(user))
		}
		delete(users, string(user))
	}
	return nil
}

// errListedCreator is for power levels that name somebody who stands above them:
// the rules of authorisation refuse them too, but it is the content that is
// wrong, and not that the sender lacks power.
//
// Spec: rooms/v12#authorization-rules
func errListedCreator(user string) error {
	return matrix.Errorf(matrix.BadJSON, "%s created the room and has all power; power levels cannot name them.", user)
}

// checkListed refuses power levels that name a creator of the room.
func (v *view) checkListed(typ string, content []byte) (err error) {
	if typ != "m.room.power_levels" || !v.rm.rules.Creators {
		return nil
	}
	levels := v.Levels()
	gjson.GetBytes(content, "users").ForEach(func(user, _ gjson.Result) bool {
		if levels.IsCreator(id.UserID(user.Str)) {
			err = errListedCreator(user.Str)
		}
		return err == nil
	})
	return err
}

func (pl *roomPlan) eventLevels() map[string]any {
	levels := map[string]any{
		"m.room.name": 50, "m.room.avatar": 50, "m.room.canonical_alias": 50, "m.room.topic": 50,
		"m.room.power_levels": 100, "m.room.history_visibility": 100,
		"m.room.server_acl": 100, "m.room.encryption": 100, "m.room.tombstone": 100,
		// Everybody may take part in a call.
		"org.matrix.msc3401.call.member": 0,
	}
	if pl.rules.Creators {
		levels["m.room.tombstone"] = 150 // only the creators and whom they name
	}
	return levels
}
