package push

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// set is the rules that can matter in one room, compiled and in order. Equal
// rules of several users are one set.
type set struct{ rules []*compiled }

type setKey [sha256.Size]byte

// compiled is an enabled rule.
type compiled struct {
	key        setKey // of what the rule says
	conditions []condition
	quiet      bool // keeps out of messages that say whom they mention
	outcome    outcome
}

// outcome is what a rule says to do.
type outcome struct {
	Actions   []json.RawMessage
	Notify    bool
	Highlight bool
	Sound     string // empty: none
}

// book is the compiled rules of one user.
type book struct {
	rules    []bookRule           // all enabled ones, in order
	rooms    map[string]bool      // with rules of their own, in lower case
	defaults map[string]*compiled // the server's among them, by id
}

// bookRule is a compiled rule and the only room in which it can match, in
// lower case; empty for any room.
type bookRule struct {
	*compiled
	room string
}

// compile compiles the rules of user, disabled ones left out. Those of the
// server are for anyUser, and are taken from common as far as user left them
// alone.
func compile(rules *Rules, user id.UserID, common *book) *book {
	b := &book{rooms: map[string]bool{}, defaults: map[string]*compiled{}}
	for _, kind := range kinds() {
		for _, r := range *rules.of(kind) {
			if !r.Enabled {
				continue
			}
			one := bookRule{common.find(r), ""}
			if one.compiled == nil {
				one = bookRule{compileRule(kind, r, ownerOf(r, user)), roomOf(kind, r)}
			}
			if r.Default {
				b.defaults[r.ID] = one.compiled
			}
			b.rules = append(b.rules, one)
			if one.room != "" {
				b.rooms[one.room] = true
			}
		}
	}
	return b
}

// ownerOf returns whom a rule of user means by the user.
func ownerOf(r Rule, user id.UserID) id.UserID {
	if r.Default {
		return anyUser
	}
	return user
}

// find returns rule r of the server if b has just the same.
func (b *book) find(r Rule) *compiled {
	if b == nil || !r.Default || b.defaults[r.ID] == nil {
		return nil
	}
	known := b.defaults[r.ID]
	if !slices.EqualFunc(known.outcome.Actions, r.Actions, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		return nil
	}
	return known
}

// roomOf returns the only room in which a rule can match.
func roomOf(kind Kind, r Rule) string {
	if kind == Room {
		return lower(id.RoomID(r.ID))
	}
	for _, raw := range r.Conditions {
		var c conditionJSON
		if json.Unmarshal(raw, &c) != nil || c.Kind != "event_match" || c.Key == nil || c.Pattern == nil {
			continue
		}
		if newPath(*c.Key).isRoom() && newGlob(*c.Pattern).isPlain() {
			return lower(id.RoomID(*c.Pattern))
		}
	}
	return ""
}

// lower returns room as it is compared with patterns, without regard to case.
func lower(room id.RoomID) string { return strings.ToLower(string(room)) }

// in returns the rules that can matter in room, and their key.
func (b *book) in(room id.RoomID) (*set, setKey) {
	own := lower(room)
	if !b.rooms[own] {
		own = "" // the same set for all rooms without rules of their own
	}
	s := &set{}
	hash := sha256.New()
	for _, r := range b.rules {
		if r.room == "" || r.room == own {
			s.rules = append(s.rules, r.compiled)
			hash.Write(r.key[:])
		}
	}
	return s, setKey(hash.Sum(nil))
}

func compileRule(kind Kind, r Rule, user id.UserID) *compiled {
	c := &compiled{quiet: r.Default && readsText(r.ID), outcome: newOutcome(r.Actions), key: keyOf(kind, r, user)}
	switch kind {
	case Override, PostContent, Underride:
		for _, raw := range r.Conditions {
			c.conditions = append(c.conditions, compileCondition(raw, string(user)))
		}
	case Content:
		if r.Default && r.ID == ".m.rule.contains_user_name" {
			c.conditions = []condition{containsLocalpart}
		} else {
			c.conditions = []condition{wordCondition(r.Pattern)}
		}
	case Room:
		c.conditions = []condition{func(s *subject) (answer, need) { return plainly(string(s.event.Room) == r.ID) }}
	case Sender:
		c.conditions = []condition{func(s *subject) (answer, need) { return plainly(string(s.event.Sender) == r.ID) }}
	}
	return c
}

// keyOf returns a name for what a rule of user says, the same for rules of
// other users that say the same of them. Every part is quoted, so that nobody
// can make a rule that passes for another one.
func keyOf(kind Kind, r Rule, user id.UserID) setKey {
	said := []string{string(kind)}
	switch {
	case kind == Room || kind == Sender || r.Default:
		said = append(said, strconv.Quote(r.ID))
	case kind == Content:
		said = append(said, strconv.Quote(r.Pattern))
	}
	for _, raw := range r.Conditions {
		said = append(said, conditionKey(raw, string(user)))
	}
	for _, raw := range r.Actions {
		said = append(said, string(raw))
	}
	return sha256.Sum256([]byte(strings.Join(said, "\n")))
}

func conditionKey(raw json.RawMessage, self string) string {
	var c conditionJSON
	if json.Unmarshal(raw, &c) != nil {
		return "never"
	}
	text := func(s *string) string {
		switch {
		case s == nil:
			return "-"
		case *s == self:
			return "self"
		}
		return strconv.Quote(*s)
	}
	value := string(c.Value)
	if v := gjson.ParseBytes(c.Value); v.Type == gjson.String {
		value = text(&v.Str)
	}
	return strings.Join([]string{strconv.Quote(c.Kind), text(c.Key), text(c.Pattern), value, strconv.Quote(c.Is), c.subscribed()}, " ")
}

// newOutcome reads the actions of a rule. What is not known is ignored, such
// as dont_notify and coalesce of older clients.
//
// Spec: client-server-api#actions
func newOutcome(actions []json.RawMessage) outcome {
	o := outcome{Actions: actions}
	for _, raw := range actions {
		a := gjson.ParseBytes(raw)
		switch {
		case a.Str == "notify":
			o.Notify = true
		case a.Get("set_tweak").Str == "highlight":
			o.Highlight = a.Get("value").Type != gjson.False
		case a.Get("set_tweak").Str == "sound":
			o.Sound = a.Get("value").Str
		}
	}
	return o
}
