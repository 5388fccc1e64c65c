// Package push is the client-server API of push rules, pushers and
// notifications. What notifies is decided by homeserver/push; here is how it
// travels.
package push

import (
	"plenum/homeserver/push"
	"plenum/internal/httpx"
)

const (
	v3   = "/_matrix/client/v3"
	spec = "client-server-api#"
)

// API serves push rules and pushers to clients.
type API struct {
	push *push.Push
}

// New returns the API over p.
func New(p *push.Push) *API { return &API{push: p} }

// Routes lists the endpoints.
func (a *API) Routes() []httpx.Route {
	const (
		rules = v3 + "/pushrules"
		rule  = rules + "/global/{kind}/{ruleId}"
	)
	return []httpx.Route{
		httpx.Get(rules+"/", httpx.User, spec+"get_matrixclientv3pushrules", httpx.RateDefault, a.rules).Also(rules),
		httpx.Get(rules+"/global/", httpx.User, spec+"get_matrixclientv3pushrulesglobal", httpx.RateDefault, a.global).Also(rules + "/global"),
		httpx.Get(rule, httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.rule),
		httpx.Put(rule, httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.setRule).Limit(maxRule),
		httpx.Delete(rule, httpx.User, spec+"delete_matrixclientv3pushrulesglobalkindruleid", httpx.RateDefault, a.deleteRule),
		httpx.Get(rule+"/enabled", httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleidenabled", httpx.RateDefault, a.enabled),
		httpx.Put(rule+"/enabled", httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleidenabled", httpx.RateDefault, a.setEnabled),
		httpx.Get(rule+"/actions", httpx.User, spec+"get_matrixclientv3pushrulesglobalkindruleidactions", httpx.RateDefault, a.actions),
		httpx.Put(rule+"/actions", httpx.User, spec+"put_matrixclientv3pushrulesglobalkindruleidactions", httpx.RateDefault, a.setActions).Limit(maxRule),

		httpx.Get(v3+"/pushers", httpx.User, spec+"get_matrixclientv3pushers", httpx.RateDefault, a.pushers),
		httpx.Post(v3+"/pushers/set", httpx.User, spec+"post_matrixclientv3pushersset", httpx.RateDefault, a.setPusher),
		httpx.Post(v3+"/pushers/ack", httpx.User, "MSC4174", httpx.NoLimit, a.ack).
			Also("/_matrix/client/unstable/org.matrix.msc4174/pushers/ack"),
		httpx.Get(v3+"/notifications", httpx.User, spec+"get_matrixclientv3notifications", httpx.RateDefault, a.notifications),
	}
}
