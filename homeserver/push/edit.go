package push

import (
	"context"
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// Rules returns the push rules of user.
//
// Spec: client-server-api#get_matrixclientv3pushrules
func (p *Push) Rules(ctx context.Context, user id.UserID) (*Rules, error) {
	stored, err := p.data.Stored(ctx, user, "", Type)
	if err != nil {
		return nil, err
	}
	return parse(stored, defaultRules(user))
}

// Rule returns one push rule of user. One that is not there, of whatever kind,
// is M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv3pushrulesglobalkindruleid
func (p *Push) Rule(ctx context.Context, user id.UserID, kind Kind, ruleID string) (*Rule, error) {
	rules, err := p.Rules(ctx, user)
	if err != nil {
		return nil, err
	}
	if r := rules.find(kind, ruleID); r != nil {
		return r, nil
	}
	return nil, errNoRule()
}

func errNoRule() error { return matrix.Errorf(matrix.NotFound, "There is no such push rule.") }

// NewRule is a rule that a user makes or changes.
type NewRule struct {
	Actions    []json.RawMessage `json:"actions"`
	Conditions []json.RawMessage `json:"conditions"`
	Pattern    *string           `json:"pattern"`
}

// Place says where a rule goes among the user's rules of its kind: just before
// or just after another one. With neither, a new rule is the most important
// one and a changed rule stays.
type Place struct{ Before, After string }

// SetRule makes or changes a rule of user. A new rule is enabled.
//
// Spec: client-server-api#put_matrixclientv3pushrulesglobalkindruleid
func (p *Push) SetRule(ctx context.Context, user id.UserID, kind Kind, ruleID string, n NewRule, at Place) error {
	if err := checkNew(kind, ruleID, n); err != nil {
		return err
	}
	made := Rule{ID: ruleID, Enabled: true, Actions: n.Actions}
	switch kind {
	case Override, Underride:
		made.Conditions = n.Conditions
		if made.Conditions == nil {
			made.Conditions = []json.RawMessage{}
		}
	case Content:
		made.Pattern = *n.Pattern
	}
	return p.edit(ctx, user, func(rules *Rules) error {
		list := rules.of(kind)
		changed, err := place(*list, made, at)
		*list = changed
		return err
	})
}

// place puts r into list.
func place(list []Rule, r Rule, at Place) ([]Rule, error) {
	old := indexOf(list, r.ID)
	if old >= 0 {
		r.Enabled = list[old].Enabled
		if at == (Place{}) {
			list[old] = r
			return list, nil
		}
		list = slices.Delete(list, old, old+1)
	}
	to := 0
	switch {
	case at.Before != "":
		to = indexOf(list, at.Before)
	case at.After != "":
		to = indexOf(list, at.After) + 1
	case len(list) > 0 && list[0].ID == masterRule:
		to = 1
	}
	if other := at.Before + at.After; other != "" {
		beside := to
		if at.Before == "" {
			beside = to - 1
		}
		if beside < 0 || list[beside].Default {
			return nil, matrix.Errorf(matrix.Unknown, "There is no rule of yours %q to put it beside.", other)
		}
	}
	return slices.Insert(list, to, r), nil
}

// DeleteRule removes a rule of user.
//
// Spec: client-server-api#delete_matrixclientv3pushrulesglobalkindruleid
func (p *Push) DeleteRule(ctx context.Context, user id.UserID, kind Kind, ruleID string) error {
	return p.edit(ctx, user, func(rules *Rules) error {
		r := rules.find(kind, ruleID)
		if r == nil {
			return errNoRule()
		}
		if r.Default {
			return matrix.Errorf(matrix.InvalidParam, "Rules of the server cannot be deleted, only disabled.")
		}
		list := rules.of(kind)
		*list = slices.DeleteFunc(*list, func(r Rule) bool { return r.ID == ruleID })
		return nil
	})
}

// SetEnabled enables or disables a rule of user.
//
// Spec: client-server-api#put_matrixclientv3pushrulesglobalkindruleidenabled
func (p *Push) SetEnabled(ctx context.Context, user id.UserID, kind Kind, ruleID string, enabled bool) error {
	return p.change(ctx, user, kind, ruleID, func(r *Rule) { r.Enabled = enabled })
}

// SetActions changes what a rule of user does.
//
// Spec: client-server-api#put_matrixclientv3pushrulesglobalkindruleidactions
func (p *Push) SetActions(ctx context.Context, user id.UserID, kind Kind, ruleID string, actions []json.RawMessage) error {
	if err := checkActions(actions); err != nil {
		return err
	}
	return p.change(ctx, user, kind, ruleID, func(r *Rule) { r.Actions = actions })
}

// change changes a rule that exists.
func (p *Push) change(ctx context.Context, user id.UserID, kind Kind, ruleID string, fn func(*Rule)) error {
	return p.edit(ctx, user, func(rules *Rules) error {
		r := rules.find(kind, ruleID)
		if r == nil {
			return errNoRule()
		}
		fn(r)
		return nil
	})
}

// edit changes the rules of user in one go. fn may run more than once.
func (p *Push) edit(ctx context.Context, user id.UserID, fn func(*Rules) error) error {
	err := p.data.UpdateAccountData(ctx, user, "", Type, func(stored json.RawMessage) (json.RawMessage, error) {
		rules, err := parse(stored, defaultRules(user))
		if err != nil {
			return nil, err
		}
		if err := fn(rules); err != nil {
			return nil, err
		}
		return json.Marshal(content{*rules})
	})
	p.forgetBook(user)
	return err
}
