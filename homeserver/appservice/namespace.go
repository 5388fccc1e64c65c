package appservice

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"maunium.net/go/mautrix/id"
)

// pattern is a namespace, ready to match.
type pattern struct {
	*regexp.Regexp
	exclusive bool
}

// compile makes the expressions of namespaces ready. They match from the
// beginning of a name, but need not reach its end, as services expect it of
// servers. They take time in proportion to the name, whatever they are.
func compile(from []Namespace) ([]pattern, error) {
	var all []pattern
	for _, n := range from {
		if n.Regex == "" {
			return nil, errors.New("a regex is missing")
		}
		re, err := regexp.Compile(`\A(?:` + n.Regex + `)`)
		if err != nil {
			return nil, fmt.Errorf("the regex %q cannot be used (it must be an RE2 expression, which has no lookahead and no back references): %s",
				n.Regex, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		all = append(all, pattern{re, n.Exclusive})
	}
	return all, nil
}

// match reports whether name is in one of patterns, and in an exclusive one.
func match(patterns []pattern, name string) (in, exclusive bool) {
	for _, p := range patterns {
		if p.MatchString(name) {
			in = true
			if p.exclusive {
				return true, true
			}
		}
	}
	return in, false
}

// Wants reports whether the service is interested in user, of whatever server.
func (s *Service) Wants(user id.UserID) bool {
	if user == s.Sender {
		return true
	}
	in, _ := match(s.users, string(user))
	return in
}

// Owns reports whether the service may speak for user.
func (s *Service) Owns(user id.UserID) bool {
	return user.Homeserver() == s.host && s.Wants(user)
}

// keeps reports whether nobody else may have the user id.
func (s *Service) keeps(user id.UserID) bool {
	_, exclusive := match(s.users, string(user))
	return exclusive || user == s.Sender
}
