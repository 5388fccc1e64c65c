package event

import (
	"net/netip"
	"strconv"
	"strings"
)

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

// ValidServer reports whether s can be the name of a server.
//
// Spec: appendices#server-name
func ValidServer(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
			return false
		}
	}
	if ip, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(ip, "]"))
		return err == nil && addr.Is6()
	}
	outside := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.')
	}
	return host != "" && len(s) <= 230 && !strings.ContainsFunc(host, outside)
}
