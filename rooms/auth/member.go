package auth

import (
	"slices"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms/event"
)

// Words of membership.
const (
	join   = "join"
	invite = "invite"
	leave  = "leave"
	ban    = "ban"
	knock  = "knock"
)

// membershipOf returns the membership of user in s; leave when there is none.
func membershipOf(s State, user string) string {
	m := s.Get("m.room.member", user)
	if m == nil {
		return leave
	}
	return text(m, "membership")
}

// change is a membership event with what its rules look at.
type change struct {
	p      *event.PDU
	s      State
	levels *PowerLevels
	create *event.PDU
	target string // whose membership it is
	was    string // the target's membership before
	sender string // the sender's membership
}

// checkMember is the rule of m.room.member.
//
// Spec: rooms/v12#authorisation-rules, rule 5
func checkMember(p *event.PDU, s State, create *event.PDU, levels *PowerLevels) error {
	membership := gjson.GetBytes(p.Content, "membership")
	if p.StateKey == nil || membership.Type != gjson.String {
		return forbid("A membership needs a user and a word.")
	}
	c := change{p: p, s: s, levels: levels, create: create, target: *p.StateKey}
	c.was = membershipOf(s, c.target)
	c.sender = c.was
	if c.target != string(p.Sender) {
		c.sender = membershipOf(s, string(p.Sender))
	}
	switch {
	case membership.Str == join:
		return c.join()
	case membership.Str == invite:
		return c.invite()
	case membership.Str == leave:
		return c.leave()
	case membership.Str == ban:
		return c.ban()
	case membership.Str == knock && p.Rules.Knock:
		return c.knock()
	}
	return forbid("%q is no membership.", membership.Str)
}

func (c *change) self() bool { return c.target == string(c.p.Sender) }

func (c *change) join() error {
	if len(c.p.Prev) == 1 && c.p.Prev[0] == c.create.ID && c.target == string(Creators(c.p.Rules, c.create)[0]) {
		return nil
	}
	if !c.self() {
		return forbid("Nobody can join for somebody else.")
	}
	if c.was == ban {
		return forbid("%s is banned from the room.", c.target)
	}
	rule := joinRule(c.s)
	invited := c.was == join || c.was == invite
	switch {
	case rule == "public":
		return nil
	case rule == "invite", rule == "knock" && c.p.Rules.Knock:
		if invited {
			return nil
		}
		return forbid("The room can only be joined after an invitation.")
	case c.restricted(rule):
		if invited {
			return nil
		}
		return c.vouched()
	}
	return forbid("The room cannot be joined.")
}

// restricted reports whether the join rule asks another server to vouch.
func (c *change) restricted(rule string) bool {
	return rule == "restricted" && c.p.Rules.Restricted || rule == "knock_restricted" && c.p.Rules.KnockRestricted
}

// vouched checks the user in whose name a restricted join is allowed. That
// the user's server signed the event is for the receiver to check.
func (c *change) vouched() error {
	via := text(c.p, "join_authorised_via_users_server")
	if via == "" || membershipOf(c.s, via) != join || c.levels.User(id.UserID(via)) < c.levels.invite {
		return forbid("Nobody who may invite has let %s in.", c.target)
	}
	return nil
}

func (c *change) invite() error {
	if tpi := gjson.GetBytes(c.p.Content, "third_party_invite"); tpi.Exists() {
		return c.thirdParty(tpi)
	}
	switch {
	case c.sender != join:
		return forbid("%s is not in the room.", c.p.Sender)
	case c.was == join:
		return forbid("%s is in the room already.", c.target)
	case c.was == ban:
		return forbid("%s is banned from the room.", c.target)
	}
	return need(c.levels.User(c.p.Sender), c.levels.invite, "to invite people")
}

func (c *change) leave() error {
	if c.self() {
		if c.was == join || c.was == invite || c.was == knock && c.p.Rules.Knock {
			return nil
		}
		return forbid("%s is not in the room.", c.target)
	}
	if c.sender != join {
		return forbid("%s is not in the room.", c.p.Sender)
	}
	level := c.levels.User(c.p.Sender)
	if c.was == ban {
		if err := need(level, c.levels.ban, "to lift a ban"); err != nil {
			return err
		}
	}
	if err := need(level, c.levels.kick, "to remove people"); err != nil {
		return err
	}
	return c.above(level)
}

func (c *change) ban() error {
	if c.sender != join {
		return forbid("%s is not in the room.", c.p.Sender)
	}
	level := c.levels.User(c.p.Sender)
	if err := need(level, c.levels.ban, "to ban people"); err != nil {
		return err
	}
	return c.above(level)
}

// above checks that the target has less power than the sender.
func (c *change) above(level int64) error {
	if c.levels.User(id.UserID(c.target)) < level {
		return nil
	}
	return forbid("%s has as much power as %s.", c.target, c.p.Sender)
}

func (c *change) knock() error {
	rule := joinRule(c.s)
	if rule != "knock" && !(rule == "knock_restricted" && c.p.Rules.KnockRestricted) {
		return forbid("Nobody can knock at this room.")
	}
	if !c.self() {
		return forbid("Nobody can knock for somebody else.")
	}
	if slices.Contains([]string{ban, invite, join}, c.was) {
		return forbid("Who is banned, invited or in the room does not knock.")
	}
	return nil
}

// joinRule returns the room's join rule; invite when there is none.
func joinRule(s State) string {
	e := s.Get("m.room.join_rules", "")
	if e == nil {
		return "invite"
	}
	if rule := text(e, "join_rule"); rule != "" {
		return rule
	}
	return "invite"
}
