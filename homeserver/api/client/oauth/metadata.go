package oauth

import (
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"plenum/homeserver/oauth"
)

// metadata is what clients find out. Next to what the library knows are the
// extensions.
//
// Spec: client-server-api#server-metadata-discovery
// Spec: client-server-api#oauth-20-account-management
type metadata struct {
	Issuer         string                     `json:"issuer"`
	Authorization  string                     `json:"authorization_endpoint"`
	Token          string                     `json:"token_endpoint"`
	Revocation     string                     `json:"revocation_endpoint"`
	Registration   string                     `json:"registration_endpoint"`
	Device         string                     `json:"device_authorization_endpoint"`
	Scopes         []string                   `json:"scopes_supported"`
	ResponseTypes  []oidc.ResponseType        `json:"response_types_supported"`
	ResponseModes  []oidc.ResponseMode        `json:"response_modes_supported"`
	Grants         []oidc.GrantType           `json:"grant_types_supported"`
	Challenges     []oidc.CodeChallengeMethod `json:"code_challenge_methods_supported"`
	AuthMethods    []oidc.AuthMethod          `json:"token_endpoint_auth_methods_supported"`
	RevokeMethods  []oidc.AuthMethod          `json:"revocation_endpoint_auth_methods_supported"`
	Prompts        []string                   `json:"prompt_values_supported,omitempty"`
	Locales        []string                   `json:"ui_locales_supported"`
	AccountURI     string                     `json:"account_management_uri"`
	AccountActions []oauth.Action             `json:"account_management_actions_supported"`
	Requests       bool                       `json:"request_parameter_supported"`
	RequestURIs    bool                       `json:"request_uri_parameter_supported"`
}

func metadataOf(opt Options) metadata {
	none := []oidc.AuthMethod{oidc.AuthMethodNone}
	m := metadata{
		Issuer:         opt.PublicURL + "/",
		Authorization:  opt.PublicURL + oauth.AuthorizePath,
		Token:          opt.PublicURL + oauth.TokenPath,
		Revocation:     opt.PublicURL + oauth.RevokePath,
		Registration:   opt.PublicURL + oauth.RegisterPath,
		Device:         opt.PublicURL + oauth.DevicePath,
		Scopes:         []string{"urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"},
		ResponseTypes:  []oidc.ResponseType{oidc.ResponseTypeCode},
		ResponseModes:  []oidc.ResponseMode{oidc.ResponseModeQuery, oidc.ResponseModeFragment},
		Grants:         []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode},
		Challenges:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		AuthMethods:    none,
		RevokeMethods:  none,
		Locales:        []string{"en", "de"},
		AccountURI:     opt.PublicURL + oauth.AccountPath,
		AccountActions: oauth.Actions(),
	}
	if opt.SignUp {
		m.Prompts = []string{"create"}
	}
	return m
}
