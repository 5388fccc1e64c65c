package peers

import (
	"strings"

	"plenum/internal/servername"
)

// Policy says which servers we speak to. Patterns are server names without
// port, in which * stands for any letters and ? for one.
type Policy struct {
	Off   bool     // nobody
	Allow []string // nobody but these; empty: everybody
	Deny  []string // not even if allowed
	Onion bool     // only services inside Tor
}

// Allows reports whether we speak to server.
func (p Policy) Allows(server string) bool {
	name, ok := servername.Parse(server)
	if !ok || p.Off || p.Onion && !name.IsOnion() {
		return false
	}
	host := strings.ToLower(name.Host)
	return !matchesAny(p.Deny, host) && (len(p.Allow) == 0 || matchesAny(p.Allow, host))
}

func matchesAny(patterns []string, host string) bool {
	for _, p := range patterns {
		if matches(strings.ToLower(p), host) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern fits the whole of s. It takes time in
// proportion to the product of their lengths at most.
func matches(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0 // where to go on when the rest does not fit
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
