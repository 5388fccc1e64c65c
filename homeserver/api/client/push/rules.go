package push

import (
	"context"
	"encoding/json"

	"plenum/homeserver/push"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// maxRule bounds the body of a rule in bytes.
const maxRule = 32 << 10

type rulesResponse struct {
	Global *push.Rules `json:"global"`
}

// rules is GET /pushrules/.
func (a *API) rules(ctx context.Context, r *httpx.Request[httpx.None]) (rulesResponse, error) {
	rules, err := a.push.Rules(ctx, r.Principal.User)
	return rulesResponse{rules}, err
}

// global is GET /pushrules/global/.
func (a *API) global(ctx context.Context, r *httpx.Request[httpx.None]) (*push.Rules, error) {
	return a.push.Rules(ctx, r.Principal.User)
}

// which returns the rule that the path names.
func which[T any](r *httpx.Request[T]) (kind push.Kind, ruleID string) {
	return push.Kind(r.Path("kind")), r.Path("ruleId")
}

// rule is GET /pushrules/global/{kind}/{ruleId}.
func (a *API) rule(ctx context.Context, r *httpx.Request[httpx.None]) (*push.Rule, error) {
	kind, ruleID := which(r)
	return a.push.Rule(ctx, r.Principal.User, kind, ruleID)
}

// setRule is PUT /pushrules/global/{kind}/{ruleId}.
func (a *API) setRule(ctx context.Context, r *httpx.Request[push.NewRule]) (httpx.None, error) {
	kind, ruleID := which(r)
	at := push.Place{Before: r.Query("before"), After: r.Query("after")}
	return httpx.None{}, a.push.SetRule(ctx, r.Principal.User, kind, ruleID, r.Body, at)
}

// deleteRule is DELETE /pushrules/global/{kind}/{ruleId}.
func (a *API) deleteRule(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	kind, ruleID := which(r)
	return httpx.None{}, a.push.DeleteRule(ctx, r.Principal.User, kind, ruleID)
}

type enabledBody struct {
	Enabled *bool `json:"enabled"`
}

// enabled is GET /pushrules/global/{kind}/{ruleId}/enabled.
func (a *API) enabled(ctx context.Context, r *httpx.Request[httpx.None]) (enabledBody, error) {
	rule, err := a.rule(ctx, r)
	if err != nil {
		return enabledBody{}, err
	}
	return enabledBody{&rule.Enabled}, nil
}

// setEnabled is PUT /pushrules/global/{kind}/{ruleId}/enabled.
func (a *API) setEnabled(ctx context.Context, r *httpx.Request[enabledBody]) (httpx.None, error) {
	if r.Body.Enabled == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "The body must say whether the rule is enabled.")
	}
	kind, ruleID := which(r)
	return httpx.None{}, a.push.SetEnabled(ctx, r.Principal.User, kind, ruleID, *r.Body.Enabled)
}

type actionsBody struct {
	Actions []json.RawMessage `json:"actions"`
}

// actions is GET /pushrules/global/{kind}/{ruleId}/actions.
func (a *API) actions(ctx context.Context, r *httpx.Request[httpx.None]) (actionsBody, error) {
	rule, err := a.rule(ctx, r)
	if err != nil {
		return actionsBody{}, err
	}
	return actionsBody{rule.Actions}, nil
}

// setActions is PUT /pushrules/global/{kind}/{ruleId}/actions.
func (a *API) setActions(ctx context.Context, r *httpx.Request[actionsBody]) (httpx.None, error) {
	kind, ruleID := which(r)
	return httpx.None{}, a.push.SetActions(ctx, r.Principal.User, kind, ruleID, r.Body.Actions)
}
