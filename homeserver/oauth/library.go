package oauth

import (
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"github.com/zitadel/schema"
)

// libraryClient shows a Client to the library.
type libraryClient struct{ Client }

// The methods that the library asks when it checks requests.

func (c libraryClient) GetID() string               { return c.ID }
func (c libraryClient) RedirectURIs() []string      { return c.Client.RedirectURIs }
func (c libraryClient) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodNone }
func (c libraryClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c libraryClient) GrantTypes() []oidc.GrantType { return c.Grants }
func (c libraryClient) IsScopeAllowed(string) bool   { return true } // parseScope decides
func (c libraryClient) DevMode() bool                { return false }

func (c libraryClient) ApplicationType() op.ApplicationType {
	if c.Type == native {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeUserAgent
}

// The methods about what this server does not have.

func (c libraryClient) PostLogoutRedirectURIs() []string     { return nil }
func (c libraryClient) LoginURL(string) string               { return "" }
func (c libraryClient) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c libraryClient) IDTokenLifetime() time.Duration       { return 0 }
func (c libraryClient) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c libraryClient) ClockSkew() time.Duration             { return 0 }

func (c libraryClient) RestrictAdditionalIdTokenScopes() func([]string) []string     { return same }
func (c libraryClient) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

// decode reads the parameters of a request into dst. The library would take
// STATE for state, and then one of two; here names are what they are.
func decode(dst any, params url.Values) error {
	known := url.Values{}
	for name, values := range params {
		if !isParameter(name) {
			continue
		}
		if len(values) > 1 {
			return oidc.ErrInvalidRequest().WithDescription("a parameter was given twice")
		}
		if !isText(values[0]) {
			return oidc.ErrInvalidRequest().WithDescription("a parameter is not text")
		}
		known[name] = values
	}
	d := schema.NewDecoder()
	d.IgnoreUnknownKeys(true)
	if err := d.Decode(dst, known); err != nil {
		return oidc.ErrInvalidRequest().WithDescription("a parameter has the wrong form")
	}
	return nil
}

// isParameter reports whether a parameter can have that name.
func isParameter(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// isText reports whether s can be stored as text.
func isText(s string) bool {
	for _, r := range s {
		if r == 0 {
			return false
		}
	}
	return utf8.ValidString(s)
}

// isProtocol reports whether err is one that the program is told in words of
// the protocol.
func isProtocol(err error) bool {
	var e *oidc.Error
	return errors.As(err, &e)
}
