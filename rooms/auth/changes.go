package auth

import (
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms/event"
)

// singleLevels are the power levels that one word names.
func singleLevels() [7]string {
	return [...]string{"users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"}
}

// levelMaps returns the members of a power levels event that are maps of
// levels and that the version guards.
func levelMaps(rules *event.Rules) []string {
	if rules.NotifyLevels {
		return []string{"events", "notifications"}
	}
	return []string{"events"}
}

// checkLevels is the rule of m.room.power_levels: nobody gives or takes what
// they do not have.
//
// Spec: rooms/v12#authorisation-rules, rule 10
func checkLevels(p *event.PDU, s State, levels *PowerLevels) error {
	content := gjson.ParseBytes(p.Content)
	if err := checkLevelForms(p.Rules, content, levels); err != nil {
		return err
	}
	before := s.Get("m.room.power_levels", "")
	if before == nil {
		return nil
	}
	old := gjson.ParseBytes(before.Content)
	have := levels.User(p.Sender)
	for _, name := range singleLevels() {
		if err := checkAltered(p.Rules, name, old.Get(name), content.Get(name), have); err != nil {
			return err
		}
	}
	for _, name := range levelMaps(p.Rules) {
		err := eachAltered(old.Get(name), content.Get(name), func(key string, was, is gjson.Result) error {
			return checkAltered(p.Rules, key, was, is, have)
		})
		if err != nil {
			return err
		}
	}
	return eachAltered(old.Get("users"), content.Get("users"), func(user string, was, is gjson.Result) error {
		return checkUserAltered(p, id.UserID(user), was, is, have)
	})
}

// checkLevelForms checks that everything is a level that has to be one.
func checkLevelForms(rules *event.Rules, content gjson.Result, levels *PowerLevels) error {
	for _, name := range singleLevels() {
		if v := content.Get(name); v.Exists() {
			if _, ok := parseLevel(rules, v); !ok {
				return forbid("%s has to be an integer.", name)
			}
		}
	}
	for _, name := range []string{"events", "notifications", "users"} {
		if err := checkLevelMap(rules, name, content.Get(name)); err != nil {
			return err
		}
	}
	var err error
	content.Get("users").ForEach(func(user, _ gjson.Result) bool {
		switch {
		case !event.ValidUser(user.Str):
			err = forbid("%q is no user id.", user.Str)
		case levels.IsCreator(id.UserID(user.Str)):
			err = forbid("%s created the room and has all power.", user.Str)
		}
		return err == nil
	})
	return err
}

func checkLevelMap(rules *event.Rules, name string, object gjson.Result) error {
	if !object.Exists() {
		return nil
	}
	if !object.IsObject() {
		return forbid("%s has to be an object.", name)
	}
	var err error
	object.ForEach(func(key, value gjson.Result) bool {
		if _, ok := parseLevel(rules, value); !ok {
			err = forbid("The level of %s has to be an integer.", key.Str)
		}
		return err == nil
	})
	return err
}

// eachAltered calls fn with the members of two objects that are not written
// alike, until it returns an error. Absent values do not exist.
func eachAltered(old, now gjson.Result, fn func(key string, was, is gjson.Result) error) error {
	before := old.Map()
	var err error
	now.ForEach(func(key, is gjson.Result) bool {
		was := before[key.Str]
		delete(before, key.Str)
		if was.Raw != is.Raw {
			err = fn(key.Str, was, is)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	for key, was := range before {
		if err := fn(key, was, gjson.Result{}); err != nil {
			return err
		}
	}
	return nil
}

// checkAltered checks one level that may have been added, changed or removed
// by somebody whose own level is have.
func checkAltered(rules *event.Rules, name string, was, is gjson.Result, have int64) error {
	old, existed := parseLevel(rules, was)
	now, exists := parseLevel(rules, is)
	if existed == exists && old == now {
		return nil
	}
	if existed && old > have || exists && now > have {
		return forbid("The level of %s is out of reach for power level %d.", name, have)
	}
	return nil
}

// checkUserAltered is checkAltered for a user's level: equals cannot demote
// each other, but everybody can demote themselves.
func checkUserAltered(p *event.PDU, user id.UserID, was, is gjson.Result, have int64) error {
	old, existed := parseLevel(p.Rules, was)
	now, exists := parseLevel(p.Rules, is)
	if existed == exists && old == now {
		return nil
	}
	if existed && user != p.Sender && old >= have {
		return forbid("%s has as much power as %s.", user, p.Sender)
	}
	if exists && now > have {
		return forbid("%s cannot give more power than they have.", p.Sender)
	}
	return nil
}
