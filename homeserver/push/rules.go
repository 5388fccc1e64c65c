package push

import (
	"encoding/json"
	"slices"
)

// Type is the type of account data that holds a user's push rules.
const Type = "m.push_rules"

// Kind is a kind of push rule.
//
// Spec: client-server-api#push-rules
type Kind string

// The kinds, in the order in which they are checked.
const (
	Override    Kind = "override"
	Content     Kind = "content"
	PostContent Kind = "postcontent" // rules of the server alone
	Room        Kind = "room"
	Sender      Kind = "sender"
	Underride   Kind = "underride"
)

// Rule is a push rule, as clients see it. It is immutable.
type Rule struct {
	ID         string            `json:"rule_id"`
	Default    bool              `json:"default"`
	Enabled    bool              `json:"enabled"`
	Conditions []json.RawMessage `json:"conditions,omitzero"` // of Override, PostContent and Underride; nil for the others
	Pattern    string            `json:"pattern,omitempty"`   // of Content
	Actions    []json.RawMessage `json:"actions"`
}

// Rules are all push rules of a user, each kind in the order of importance.
type Rules struct {
	Override    []Rule `json:"override"`
	Content     []Rule `json:"content"`
	PostContent []Rule `json:"postcontent"`
	Room        []Rule `json:"room"`
	Sender      []Rule `json:"sender"`
	Underride   []Rule `json:"underride"`
}

// Content is what clients see under m.push_rules.
type content struct {
	Global Rules `json:"global"`
}

// of returns the rules of kind, nil when there is no such kind.
func (r *Rules) of(kind Kind) *[]Rule {
	switch kind {
	case Override:
		return &r.Override
	case Content:
		return &r.Content
	case PostContent:
		return &r.PostContent
	case Room:
		return &r.Room
	case Sender:
		return &r.Sender
	case Underride:
		return &r.Underride
	}
	return nil
}

// find returns the rule of kind that is called ruleID, nil when there is none.
func (r *Rules) find(kind Kind, ruleID string) *Rule {
	list := r.of(kind)
	if list == nil {
		return nil
	}
	if i := indexOf(*list, ruleID); i >= 0 {
		return &(*list)[i]
	}
	return nil
}

func indexOf(list []Rule, ruleID string) int {
	return slices.IndexFunc(list, func(r Rule) bool { return r.ID == ruleID })
}

func kinds() []Kind { return []Kind{Override, Content, PostContent, Room, Sender, Underride} }

// parse reads stored rules. Rules that the server gives to everybody are
// those of today, defaults, with what the user changed of them.
func parse(stored json.RawMessage, defaults *Rules) (*Rules, error) {
	if stored == nil {
		return defaults, nil
	}
	var own content
	if err := json.Unmarshal(stored, &own); err != nil {
		return nil, err
	}
	var rules Rules
	for _, kind := range kinds() {
		*rules.of(kind) = merge(kind, *defaults.of(kind), *own.Global.of(kind))
	}
	return &rules, nil
}

// merge puts a user's rules of one kind in place: the master switch first,
// then their own, then the server's.
func merge(kind Kind, defaults, stored []Rule) []Rule {
	merged := make([]Rule, 0, len(defaults)+len(stored))
	if kind == Override {
		merged, defaults = append(merged, defaults[0]), defaults[1:]
	}
	for _, r := range stored {
		if !r.Default {
			merged = append(merged, r)
		}
	}
	merged = append(merged, defaults...)
	for i := range merged {
		if !merged[i].Default {
			continue
		}
		if at := indexOf(stored, merged[i].ID); at >= 0 {
			merged[i].Enabled, merged[i].Actions = stored[at].Enabled, stored[at].Actions
		}
	}
	return merged
}
