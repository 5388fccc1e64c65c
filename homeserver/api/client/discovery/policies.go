package discovery

import (
	"context"

	"plenum/internal/httpx"
)

// policyRoutes are what people want to know of the rules of this server before
// they run into them.
func (a *API) policyRoutes() []httpx.Route {
	return []httpx.Route{
		httpx.Get(v3+"/password_policy", httpx.Anyone, "MSC2000", httpx.RateDefault, a.getPasswordPolicy),
		httpx.Get("/_matrix/client/unstable/org.matrix.msc1763/retention/configuration", httpx.User, "MSC1763", httpx.RateDefault, getRetention),
		httpx.Get("/.well-known/matrix/policy_server", httpx.Anyone, spec+"getwell-knownmatrixpolicy_server", httpx.RateDefault, told(nil)).
			Also("/.well-known/matrix/org.matrix.msc4284.policy_server"), // this server is none
	}
}

type passwordPolicy struct {
	MinLength int `json:"m.minimum_length,omitempty"`
}

// getPasswordPolicy is GET /_matrix/client/v3/password_policy.
func (a *API) getPasswordPolicy(context.Context, *httpx.Request[httpx.None]) (map[string]passwordPolicy, error) {
	return map[string]passwordPolicy{"policy": {a.minPassword}}, nil
}

type retention struct {
	Policies struct{} `json:"policies"`
	Limits   struct{} `json:"limits"`
}

// getRetention is GET /retention/configuration: what is said here is kept.
func getRetention(context.Context, *httpx.Request[httpx.None]) (retention, error) {
	return retention{}, nil
}
