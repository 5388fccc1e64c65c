package push

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/internal/matrix"
)

// Limits of a rule.
const (
	maxRuleID     = 255 // bytes
	maxPattern    = 255 // bytes
	maxConditions = 32
	maxActions    = 16
)

// checkNew refuses a rule that cannot be.
func checkNew(kind Kind, ruleID string, n NewRule) error {
	switch {
	case (&Rules{}).of(kind) == nil:
		return matrix.Errorf(matrix.InvalidParam, "There are no push rules of kind %q.", kind)
	case kind == PostContent:
		return matrix.Errorf(matrix.InvalidParam, "Push rules of kind %q are for the server.", kind)
	case ruleID == "" || len(ruleID) > maxRuleID:
		return matrix.Errorf(matrix.InvalidParam, "The id of a rule must have 1 to %d bytes.", maxRuleID)
	case ruleID[0] == '.':
		return matrix.Errorf(matrix.InvalidParam, "Ids of rules that begin with a dot are for the server.")
	case strings.ContainsAny(ruleID, `/\`):
		return matrix.Errorf(matrix.InvalidParam, "The id of a rule must not contain slashes or backslashes.")
	case kind == Content && n.Pattern == nil:
		return matrix.Errorf(matrix.MissingParam, "A content rule needs a pattern.")
	case kind == Content && len(*n.Pattern) > maxPattern:
		return matrix.Errorf(matrix.InvalidParam, "A pattern may have at most %d bytes.", maxPattern)
	}
	if err := checkConditions(n.Conditions); err != nil {
		return err
	}
	return checkActions(n.Actions)
}

// checkConditions refuses what is no condition. Kinds that the server does
// not know are for clients, and never match here.
func checkConditions(conditions []json.RawMessage) error {
	if len(conditions) > maxConditions {
		return matrix.Errorf(matrix.InvalidParam, "A rule may have at most %d conditions.", maxConditions)
	}
	for _, raw := range conditions {
		c := gjson.ParseBytes(raw)
		if !c.IsObject() || c.Get("kind").Type != gjson.String {
			return matrix.Errorf(matrix.BadJSON, "A condition must be an object with a kind.")
		}
		if len(c.Get("pattern").Str) > maxPattern {
			return matrix.Errorf(matrix.InvalidParam, "A pattern may have at most %d bytes.", maxPattern)
		}
	}
	return nil
}

// checkActions refuses what is no action.
//
// Spec: client-server-api#actions
func checkActions(actions []json.RawMessage) error {
	if actions == nil {
		return matrix.Errorf(matrix.MissingParam, "A rule needs actions, even if there are none: [].")
	}
	if len(actions) > maxActions {
		return matrix.Errorf(matrix.InvalidParam, "A rule may have at most %d actions.", maxActions)
	}
	for _, raw := range actions {
		a := gjson.ParseBytes(raw)
		switch {
		case a.Str == "notify" || a.Str == "dont_notify" || a.Str == "coalesce":
		case a.IsObject() && a.Get("set_tweak").Type == gjson.String:
		default:
			return matrix.Errorf(matrix.InvalidParam, "An action must be notify or set a tweak.")
		}
	}
	return nil
}
