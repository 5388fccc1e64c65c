package auth

import (
	"math"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms/event"
)

// Infinite is the power level of the creators of rooms of version 12. It is
// above all that a power levels event can say.
const Infinite = math.MaxInt64

// PowerLevels says who may do what in a room. It is immutable.
//
// Spec: client-server-api#mroompower_levels
type PowerLevels struct {
	creators      map[id.UserID]bool
	creatorsLevel int64 // of creators that users does not name

	users         map[id.UserID]int64
	events        map[string]int64
	notifications map[string]int64

	usersDefault, eventsDefault, stateDefault int64
	ban, kick, redact, invite                 int64

	federate bool   // whether users of other servers may take part
	server   string // of the create event's sender
}

// ParsePowerLevels reads the power levels of a room from its create event and
// its power levels event, which may be nil. Values that are no levels count as
// absent: they cannot come in by the rules of Check.
func ParsePowerLevels(rules *event.Rules, create, levels *event.PDU) *PowerLevels {
	p := &PowerLevels{stateDefault: 50, ban: 50, kick: 50, redact: 50, federate: true}
	if create != nil {
		p.readCreate(rules, create)
	}
	if levels == nil {
		return p
	}
	if !rules.Creators {
		p.creators = nil // an event that does not name them takes their power
	}
	gjson.ParseBytes(levels.Content).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "users":
			p.users = readLevels[id.UserID](rules, value)
		case "events":
			p.events = readLevels[string](rules, value)
		case "notifications":
			p.notifications = readLevels[string](rules, value)
		default:
			if field := p.named(name.Str); field != nil {
				if n, ok := parseLevel(rules, value); ok {
					*field = n
				}
			}
		}
		return true
	})
	return p
}

// named returns the level that one word names, nil for another word.
func (p *PowerLevels) named(name string) *int64 {
	switch name {
	case "users_default":
		return &p.usersDefault
	case "events_default":
		return &p.eventsDefault
	case "state_default":
		return &p.stateDefault
	case "ban":
		return &p.ban
	case "kick":
		return &p.kick
	case "redact":
		return &p.redact
	case "invite":
		return &p.invite
	}
	return nil
}

// readCreate takes from the create event who made the room, and for whom.
func (p *PowerLevels) readCreate(rules *event.Rules, create *event.PDU) {
	p.server = event.ServerName(create.Sender)
	p.creators = map[id.UserID]bool{}
	for _, c := range Creators(rules, create) {
		p.creators[c] = true
	}
	p.creatorsLevel = 100
	if rules.Creators {
		p.creatorsLevel = Infinite
	}
	p.federate = gjson.GetBytes(create.Content, `m\.federate`).Type != gjson.False
}

// Creators returns who made the room: the sender of the create event, before
// version 11 whom it names, and in version 12 the additional ones as well.
//
// Spec: rooms/v12#authorisation-rules
func Creators(rules *event.Rules, create *event.PDU) []id.UserID {
	if !rules.ImplicitCreator {
		return []id.UserID{id.UserID(gjson.GetBytes(create.Content, "creator").Str)}
	}
	out := []id.UserID{create.Sender}
	if rules.Creators {
		for _, u := range gjson.GetBytes(create.Content, "additional_creators").Array() {
			out = append(out, id.UserID(u.Str))
		}
	}
	return out
}

func readLevels[K ~string](rules *event.Rules, object gjson.Result) map[K]int64 {
	if !object.IsObject() {
		return nil
	}
	out := map[K]int64{}
	object.ForEach(func(name, value gjson.Result) bool {
		if n, ok := parseLevel(rules, value); ok {
			out[K(name.Str)] = n
		}
		return true
	})
	return out
}

// IsCreator reports whether user is a creator whose power is infinite, which
// exists since version 12.
func (p *PowerLevels) IsCreator(user id.UserID) bool {
	return p.creatorsLevel == Infinite && p.creators[user]
}

// User returns the level of a user.
func (p *PowerLevels) User(user id.UserID) int64 {
	if p.creators[user] {
		return p.creatorsLevel
	}
	if n, ok := p.users[user]; ok {
		return n
	}
	return p.usersDefault
}

// Event returns the level needed to send events of a type, as state or not.
func (p *PowerLevels) Event(typ string, state bool) int64 {
	if n, ok := p.events[typ]; ok {
		return n
	}
	if state {
		return p.stateDefault
	}
	return p.eventsDefault
}

// Notification returns the level needed to notify by key, such as "room".
func (p *PowerLevels) Notification(key string) int64 {
	if n, ok := p.notifications[key]; ok {
		return n
	}
	return 50
}

// Ban returns the level needed to ban.
func (p *PowerLevels) Ban() int64 { return p.ban }

// Kick returns the level needed to remove others.
func (p *PowerLevels) Kick() int64 { return p.kick }

// Redact returns the level needed to redact what others sent.
func (p *PowerLevels) Redact() int64 { return p.redact }

// Invite returns the level needed to invite.
func (p *PowerLevels) Invite() int64 { return p.invite }

// UsersDefault returns the level of users who are not named.
func (p *PowerLevels) UsersDefault() int64 { return p.usersDefault }

// EventsDefault returns the level that message events need that are not named.
func (p *PowerLevels) EventsDefault() int64 { return p.eventsDefault }

// StateDefault returns the level that state events need that are not named.
func (p *PowerLevels) StateDefault() int64 { return p.stateDefault }
