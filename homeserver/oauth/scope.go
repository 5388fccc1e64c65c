package oauth

import (
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"maunium.net/go/mautrix/id"
)

// The scopes, and the names that they had before the specification.
//
// Spec: client-server-api#scope
const (
	scopeAPI         = "urn:matrix:client:api:*"
	scopeDevice      = "urn:matrix:client:device:"
	earlyScopeAPI    = "urn:matrix:org.matrix.msc2967.client:api:*"
	earlyScopeDevice = "urn:matrix:org.matrix.msc2967.client:device:"
)

const (
	minDevice = 1
	maxDevice = 255
	maxScopes = 20
)

// scope is what a program asks for.
type scope struct {
	granted string // what of it is granted, for the program
	device  id.DeviceID
}

// parseScope reads what a program asks for. It must be the whole API and one
// device; what else there is this server does not know, and does not grant.
func parseScope(all []string) (scope, error) {
	var s scope
	var granted []string
	api, devices := false, 0
	if len(all) > maxScopes {
		return s, oidc.ErrInvalidScope().WithDescription("these are too many scopes")
	}
	for _, token := range all {
		device, isDevice := strings.CutPrefix(token, scopeDevice)
		if !isDevice {
			device, isDevice = strings.CutPrefix(token, earlyScopeDevice)
		}
		switch {
		case token == scopeAPI || token == earlyScopeAPI:
			api = true
		case isDevice:
			if s.device != "" && s.device != id.DeviceID(device) {
				devices++
			}
			s.device = id.DeviceID(device)
		default:
			continue
		}
		granted = append(granted, token)
	}
	s.granted = strings.Join(granted, " ")
	switch {
	case !api:
		return s, oidc.ErrInvalidScope().WithDescription("the scope must contain " + scopeAPI)
	case devices > 0 || !isDeviceID(string(s.device)):
		return s, oidc.ErrInvalidScope().WithDescription("the scope must contain exactly one " + scopeDevice + "<device_id>")
	}
	return s, nil
}

// isDeviceID reports whether s consists of what scopes consist of.
func isDeviceID(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return len(s) >= minDevice && len(s) <= maxDevice
}
