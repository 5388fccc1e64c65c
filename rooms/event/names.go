package event

import "strings"

// ValidUser reports whether s is a user id, historical ones included: their
// form was never enforced, so that servers agree only on this much.
//
// Spec: appendices#user-identifiers
func ValidUser(s string) bool {
	local, server, found := strings.Cut(s, ":")
	return found && strings.HasPrefix(local, "@") && server != "" && len(s) <= MaxName
}

// ServerName returns the server part of an identifier, "" when there is none.
//
// Spec: appendices#common-identifier-format
func ServerName[T ~string](identifier T) string {
	_, server, _ := strings.Cut(string(identifier), ":")
	return server
}
