// Package push is the client-server API of notifications: push rules and
// pushers.
package push

import (
	"context"
	"encoding/json"

	"plenum/homeserver/push"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

const (
	v3   = "/_matrix/client/v3"
	spec = "client-server-api#"
)

// API serves push rules and pushers.
type API struct {
	push *push.Push
}

// New returns the API over p.
func New(p *push.Push) *API { return &API{push: p} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		all  = v3 + "/pushrules"
		rule = v3 + "/pushrules/global/{kind}/{ruleId}"
	)
	return []httpx.Route{
		httpx.Get(all, httpx.User, spec+"get_matrixclientv3pushrules", httpx.RateDefault, a.all).Also(all + "/"),
		httpx.Get(all+"/global", httpx.User, spec+"get_matrixclientv3pushrulesglobal", httpx.RateDefault, a.global).Also(all + "/global/"),
		httpx.Get(rule, httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.rule),
		httpx.Put(rule, httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.setRule),
		httpx.Delete(rule, httpx.User, spec+"delete_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.deleteRule),
		httpx.Get(rule+"/enabled", httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleidenabled", httpx.RateDefault, a.enabled),
		httpx.Put(rule+"/enabled", httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleidenabled", httpx.RateDefault, a.setEnabled),
		httpx.Get(rule+"/actions", httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleidactions", httpx.RateDefault, a.actions),
		httpx.Put(rule+"/actions", httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleidactions", httpx.RateDefault, a.setActions),
		httpx.Get(v3+"/pushers", httpx.User, spec+"get_matrixclientv3pushers", httpx.RateDefault, a.pushers),
		httpx.Post(v3+"/pushers/set", httpx.User, spec+"post_matrixclientv3pushersset", httpx.RateDefault, a.setPusher),
	}
}

type rulesResponse struct {
	Global *push.Rules `json:"global"`
}

// all is GET /pushrules/.
func (a *API) all(ctx context.Context, r *httpx.Request[httpx.None]) (rulesResponse, error) {
	rules, err := a.push.Rules(ctx, r.Principal.User)
	return rulesResponse{rules}, err
}

// global is GET /pushrules/global/.
func (a *API) global(ctx context.Context, r *httpx.Request[httpx.None]) (*push.Rules, error) {
	return a.push.Rules(ctx, r.Principal.User)
}

// named are kind and id of the rule in the path.
func named[T any](r *httpx.Request[T]) (push.Kind, string) {
	return push.Kind(r.Path("kind")), r.Path("ruleId")
}

// rule is GET /pushrules/global/{kind}/{ruleId}.
func (a *API) rule(ctx context.Context, r *httpx.Request[httpx.None]) (*push.Rule, error) {
	kind, name := named(r)
	return a.push.Rule(ctx, r.Principal.User, kind, name)
}

// setRule is PUT /pushrules/global/{kind}/{ruleId}.
func (a *API) setRule(ctx context.Context, r *httpx.Request[push.NewRule]) (httpx.None, error) {
	kind, name := named(r)
	return httpx.None{}, a.push.SetRule(ctx, r.Principal.User, kind, name, r.Body, push.Place{Before: r.Query("before"), After: r.Query("after")})
}

// deleteRule is DELETE /pushrules/global/{kind}/{ruleId}.
func (a *API) deleteRule(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.None, error) {
	kind, name := named(r)
	return httpx.None{}, a.push.DeleteRule(ctx, r.Principal.User, kind, name)
}

type enabledResponse struct {
	Enabled bool `json:"enabled"`
}

// enabled is GET /pushrules/global/{kind}/{ruleId}/enabled.
func (a *API) enabled(ctx context.Context, r *httpx.Request[httpx.None]) (enabledResponse, error) {
	rule, err := a.rule(ctx, r)
	if err != nil {
		return enabledResponse{}, err
	}
	return enabledResponse{rule.Enabled}, nil
}

type enabledRequest struct {
	Enabled *bool `json:"enabled"`
}

// setEnabled is PUT /pushrules/global/{kind}/{ruleId}/enabled.
func (a *API) setEnabled(ctx context.Context, r *httpx.Request[enabledRequest]) (httpx.None, error) {
	if r.Body.Enabled == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "enabled is missing.")
	}
	kind, name := named(r)
	return httpx.None{}, a.push.SetEnabled(ctx, r.Principal.User, kind, name, *r.Body.Enabled)
}

type actions struct {
	Actions []json.RawMessage `json:"actions"`
}

// actions is GET /pushrules/global/{kind}/{ruleId}/actions.
func (a *API) actions(ctx context.Context, r *httpx.Request[httpx.None]) (actions, error) {
	rule, err := a.rule(ctx, r)
	if err != nil {
		return actions{}, err
	}
	return actions{append([]json.RawMessage{}, rule.Actions...)}, nil
}

// setActions is PUT /pushrules/global/{kind}/{ruleId}/actions.
func (a *API) setActions(ctx context.Context, r *httpx.Request[actions]) (httpx.None, error) {
	if r.Body.Actions == nil {
		return httpx.None{}, matrix.Errorf(matrix.MissingParam, "actions is missing.")
	}
	kind, name := named(r)
	return httpx.None{}, a.push.SetActions(ctx, r.Principal.User, kind, name, r.Body.Actions)
}

type pushersResponse struct {
	Pushers []push.Pusher `json:"pushers"`
}

// pushers is GET /pushers.
func (a *API) pushers(ctx context.Context, r *httpx.Request[httpx.None]) (pushersResponse, error) {
	list, err := a.push.Pushers(ctx, r.Principal.User)
	return pushersResponse{append([]push.Pusher{}, list...)}, err
}

type pusherRequest struct {
	push.Pusher
	Append bool `json:"append"`
}

// setPusher is POST /pushers/set.
func (a *API) setPusher(ctx context.Context, r *httpx.Request[pusherRequest]) (httpx.None, error) {
	return httpx.None{}, a.push.SetPusher(ctx, r.Principal, r.Body.Pusher, r.Body.Append)
}
