package oauth_test

import (
	"net/http"
	"slices"
	"testing"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	nobody := s.Nobody()
	m := nobody.Get("/_matrix/client/v1/auth_metadata")
	for _, path := range []string{"/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		if other := nobody.Get(path); other.Raw != m.Raw {
			t.Errorf("%s says %s", path, other)
		}
	}
	known := nobody.Get("/.well-known/matrix/client").Get("org\\.matrix\\.msc2965\\.authentication")
	if m.Get("issuer").Str != "https://one.example/" || known.Get("issuer").Str != m.Get("issuer").Str || known.Get("account").Str != m.Get("account_management_uri").Str {
		t.Errorf("issuer and account: %s and %s", m, known)
	}
	for field, values := range map[string][]string{
		"response_types_supported":         {"code"},
		"response_modes_supported":         {"query", "fragment"},
		"grant_types_supported":            {"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
		"code_challenge_methods_supported": {"S256"},
		"prompt_values_supported":          {"create"},
		"account_management_actions_supported": {
			"org.matrix.profile", "org.matrix.devices_list", "org.matrix.device_view", "org.matrix.device_delete",
			"org.matrix.account_deactivate", "org.matrix.cross_signing_reset",
		},
	} {
		var said []string
		for _, v := range m.Get(field).Array() {
			said = append(said, v.Str)
		}
		for _, v := range values {
			if !slices.Contains(said, v) {
				t.Errorf("%s lacks %s: %v", field, v, said)
			}
		}
	}
}

func TestClientsFindOutThatThereIsNone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"switched off":  func(c *config.Config) { c.Oauth.Enabled = false },
		"without https": func(c *config.Config) { c.PublicURL = "http://one.example" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hstest.New(t, hstest.Options{Configure: change})
			s.Nobody().Refused(matrix.Unrecognized).Get("/_matrix/client/v1/auth_metadata")
			if flows := s.Nobody().Get("/_matrix/client/v3/login").Get(`flows.#(type=="m.login.sso")`); flows.Exists() {
				t.Error("single sign-on is offered")
			}
			if known := s.Nobody().Get("/.well-known/matrix/client").Get("org\\.matrix\\.msc2965\\.authentication"); known.Exists() {
				t.Error("an issuer is named")
			}
		})
	}
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.PublicURL = "http://127.0.0.1:8008"; c.Registration.Mode = "closed" }})
	if m := s.Nobody().Get("/_matrix/client/v1/auth_metadata"); m.Get("prompt_values_supported").Exists() {
		t.Errorf("accounts can be opened where they cannot: %s", m)
	}
}

func TestLegacyLoginIsStillThere(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	flows := s.Nobody().Get("/_matrix/client/v3/login")
	if flows.Get("flows.0.type").Str != "m.login.password" {
		t.Errorf("flows %s", flows)
	}
	sso := flows.Get(`flows.#(type=="m.login.sso")`)
	if !sso.Get("oauth_aware_preferred").Bool() || !sso.Get("org\\.matrix\\.msc3824\\.delegated_oidc_compatibility").Bool() || sso.Get("identity_providers.0.id").Str != "plenum" {
		t.Errorf("flows %s", flows)
	}
}

func TestTheSameMetadataIsTheSameProgram(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		p := newProgram(t, s, nil)
		again := newProgram(t, s, map[string]any{"contacts": []string{"a@example.net"}, "client_id": "mine", "grant_types": []string{
			"urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code", "authorization_code",
		}})
		other := newProgram(t, s, map[string]any{"client_name": "Another"})
		if p.id != again.id || p.id == other.id || p.id == "" {
			t.Errorf("ids %q, %q, %q", p.id, again.id, other.id)
		}
		status, a := p.register(described())
		if status != http.StatusCreated || a.Get("client_name").Str != "Chat <b>App</b>" || a.Get("token_endpoint_auth_method").Str != "none" || a.Get("grant_types.#").Int() != 3 {
			t.Errorf("answered %d %s", status, a)
		}
		s.Restart()
		if status, a := p.refresh("plr_x"); a.Get("error").Str != "invalid_grant" { // and not invalid_client
			t.Errorf("after a restart: %d %s", status, a)
		}
	})
}

func TestRegistrationsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	p := newProgram(t, s, nil)
	for what, change := range map[string]map[string]any{
		"no home page":          {"client_uri": ""},
		"a home page of others": {"client_uri": "https://evil.example/"},
		"http":                  {"client_uri": "http://example.net/"},
		"a user in it":          {"client_uri": "https://me@example.net/"},
		"a secret":              {"token_endpoint_auth_method": "client_secret_basic"},
		"another kind":          {"application_type": "desktop"},
		"no grant":              {"grant_types": []string{"password"}},
		"no code":               {"response_types": []string{"token"}},
		"no redirects":          {"redirect_uris": []string{}},
		"foreign terms":         {"tos_uri": "https://evil.example/"},
		"scripted privacy":      {"policy_uri": "javascript:alert(1)"},
		"a logo by http":        {"logo_uri": "http://example.net/logo.png"},
	} {
		d := described()
		for k, v := range change {
			d[k] = v
		}
		if status, a := p.register(d); status != http.StatusBadRequest || a.Get("error").Str != "invalid_client_metadata" && a.Get("error").Str != "invalid_redirect_uri" {
			t.Errorf("%s: answered %d %s", what, status, a)
		}
	}
	status, a := p.send("registration_endpoint", "application/json", `{"client_uri": 1}`)
	if status != http.StatusBadRequest {
		t.Errorf("answered %d %s", status, a)
	}
}

func TestNativeProgramsTakeAnyPort(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	p := newProgram(t, s, map[string]any{"application_type": "native", "redirect_uris": []string{"http://127.0.0.1/cb", "http://[::1]/cb", "net.example.chat:/cb"}})
	b := s.Browser()
	for _, ok := range []string{"http://127.0.0.1:40123/cb", "http://[::1]:5/cb", "net.example.chat:/cb"} {
		page := b.Open(p.asks(map[string][]string{"redirect_uri": {ok}}))
		page.Says(t, http.StatusOK, "Sign in")
	}
	for _, bad := range []string{"http://127.0.0.1:40123/other", "http://example.net:1/cb", "net.example.other:/cb", "net.example.chat:/cb2", "https://127.0.0.1.evil.example/cb"} {
		if page := b.Open(p.asks(map[string][]string{"redirect_uri": {bad}})); page.Status != http.StatusBadRequest || page.Left != "" {
			t.Errorf("%s: status %d, sent to %q", bad, page.Status, page.Left)
		}
	}
}
