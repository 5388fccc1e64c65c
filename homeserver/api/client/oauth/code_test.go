package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"plenum/homeserver/hstest"
)

func TestAProgramSignsSomebodyIn(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada").In(t)
		p, b := newProgram(t, s, nil), s.Browser().In(t)
		tokens := p.signIn(b)
		if tokens.Get("token_type").Str != "Bearer" || tokens.Get("expires_in").Int() != 3600 || tokens.Get("scope").Str != stableScope {
			t.Errorf("tokens %s", tokens)
		}
		me := p.as(tokens.Get("access_token").Str)
		who := me.Get("/_matrix/client/v3/account/whoami")
		if who.Get("user_id").Str != string(ada.User) || who.Get("device_id").Str != device {
			t.Errorf("the token is for %s", who)
		}
		// It is a device like any other.
		if name := ada.Get("/_matrix/client/v3/devices/" + device).Get("display_name").Str; name != "Chat <b>App</b>" {
			t.Errorf("the device is called %q", name)
		}
		room := me.CreateRoom(hstest.Private)
		me.User = ada.User
		me.Say(room, "hello")
		ada.Delete("/_matrix/client/v3/devices/"+device, map[string]any{"auth": map[string]any{
			"type": "m.login.password", "password": hstest.Password, "identifier": map[string]any{"type": "m.id.user", "user": "ada"},
		}})
		p.dead(tokens.Get("access_token").Str)
	})
}

func TestScopesOfOlderPrograms(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	early := "openid urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:OLDER12345"
	b.Open(p.asks(url.Values{"scope": {early}, "response_mode": {"query"}}))
	b.Submit("Sign in", map[string]string{"name": "@ada:one.example", "password": hstest.Password})
	to := b.Submit("Let it in", nil).Left
	if !strings.HasPrefix(to, callback+"?") {
		t.Fatalf("the browser went to %q", to)
	}
	_, tokens := p.exchange(answer(t, to).Get("code"), nil)
	if tokens.Get("scope").Str != strings.TrimPrefix(early, "openid ") {
		t.Errorf("tokens %s", tokens)
	}
	if who := p.as(tokens.Get("access_token").Str).Get("/_matrix/client/v3/account/whoami"); who.Get("device_id").Str != "OLDER12345" {
		t.Errorf("the token is for %s", who)
	}
}

func TestSomebodyDoesNotAgree(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	b.Open(p.asks(nil))
	b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password})
	if q := answer(t, b.Submit("No", nil).Left); q.Get("error") != "access_denied" || q.Get("state") != "st&te" || q.Has("code") {
		t.Errorf("the program is told %v", q)
	}
}

func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		s.Client("ada")
		p, b := newProgram(t, s, nil), s.Browser().In(t)
		code := p.enter(b)
		_, tokens := p.exchange(code, nil)
		me := p.as(tokens.Get("access_token").Str)
		me.Get("/_matrix/client/v3/account/whoami")
		status, again := p.exchange(code, nil)
		refused(t, status, again, "invalid_grant")
		p.dead(tokens.Get("access_token").Str) // somebody had stolen the code
	})
}

func TestACodeIsForWhoHasAskedForIt(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	other := newProgram(t, s, map[string]any{"client_name": "Another"})
	code := p.enter(b)
	for what, change := range map[string]url.Values{
		"another verifier":  {"code_verifier": {strings.ToUpper(verifier)}},
		"a short verifier":  {"code_verifier": {"short"}},
		"no verifier":       {"code_verifier": {""}},
		"another address":   {"redirect_uri": {callback + "/"}},
		"another program":   {"client_id": {other.id}},
		"a code with a NUL": {"code": {"\x00"}},
		"another code":      {"code": {strings.ToLower(code) + "x"}},
	} {
		status, a := p.exchange(code, change)
		if status != http.StatusBadRequest || a.Get("error").Str == "" {
			t.Errorf("%s: answered %d %s", what, status, a)
		}
	}
	status, a := p.exchange(code, url.Values{"client_id": {"unknown"}})
	refused(t, status, a, "invalid_client")
	status, a = p.exchange(code, url.Values{"grant_type": {"password"}})
	refused(t, status, a, "unsupported_grant_type")
	if status, a := p.exchange(code, nil); status != http.StatusOK {
		t.Errorf("the code is spoilt by what others have tried: %d %s", status, a)
	}
}

func TestRequestsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	p, b := newProgram(t, s, nil), s.Browser()
	for what, ask := range map[string]struct {
		change url.Values
		code   string
	}{
		"no PKCE":       {url.Values{"code_challenge": nil}, "invalid_request"},
		"plain PKCE":    {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"PKCE unnamed":  {url.Values{"code_challenge_method": nil}, "invalid_request"},
		"implicit":      {url.Values{"response_type": {"token"}}, "unauthorized_client"},
		"form_post":     {url.Values{"response_mode": {"form_post"}}, "invalid_request"},
		"no scope":      {url.Values{"scope": nil}, "invalid_scope"},
		"no device":     {url.Values{"scope": {"urn:matrix:client:api:*"}}, "invalid_scope"},
		"two devices":   {url.Values{"scope": {stableScope + " urn:matrix:client:device:OTHER"}}, "invalid_scope"},
		"no API":        {url.Values{"scope": {"urn:matrix:client:device:A"}}, "invalid_scope"},
		"not asking":    {url.Values{"prompt": {"none"}}, "interaction_required"},
		"an object":     {url.Values{"request": {"e30.e30."}}, "request_not_supported"},
		"a bad device":  {url.Values{"scope": {"urn:matrix:client:api:* urn:matrix:client:device:"}}, "invalid_scope"},
		"none and more": {url.Values{"prompt": {"none login"}}, "invalid_request"},
	} {
		page := b.Open(p.asks(ask.change))
		if page.Left == "" {
			t.Errorf("%s: status %d with %s", what, page.Status, page.Body)
			continue
		}
		if q := answer(t, page.Left); q.Get("error") != ask.code || q.Get("state") != "st&te" {
			t.Errorf("%s: the program is told %v, want %s", what, q, ask.code)
		}
	}
}

func TestNobodyIsSentToOtherAddresses(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	p, b := newProgram(t, s, nil), s.Browser()
	for _, to := range []string{
		"", "https://evil.example/", callback + "/more", callback + "?x=1", callback + "#x", "https://app.example.net@evil.example/callback",
		"https://app.example.net.evil.example/callback", "http://app.example.net/callback", "javascript:alert(1)", "//evil.example", "data:text/html,x",
		"https://APP.example.net/callback", "http://localhost/callback",
	} {
		page := b.Open(p.asks(url.Values{"redirect_uri": {to}}))
		if page.Status != http.StatusBadRequest || page.Left != "" || !strings.Contains(page.Body, "This did not work") {
			t.Errorf("%q: status %d, sent to %q", to, page.Status, page.Left)
		}
	}
	for _, address := range []string{p.asks(url.Values{"client_id": {"unknown"}}), p.asks(nil) + "&redirect_uri=https://evil.example/", p.asks(nil) + "&state=two", p.asks(url.Values{"state": {strings.Repeat("x", 9000)}})} {
		if page := b.Open(address); page.Status != http.StatusBadRequest || page.Left != "" {
			t.Errorf("%.200q: status %d, sent to %q", address, page.Status, page.Left)
		}
	}
}

func TestTheTokenEndpointTakesFormsOnly(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	code := p.enter(b)
	fields := url.Values{"client_id": {p.id}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	resp := p.nobody.Send(http.MethodPost, p.path("token_endpoint")+"?"+fields.Encode(), strings.NewReader(""), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a token for what stands in the address: %d", resp.StatusCode)
	}
	resp = p.nobody.Send(http.MethodPost, p.path("token_endpoint"), strings.NewReader(fields.Encode()+"&code=again"), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a parameter twice: %d", resp.StatusCode)
	}
	resp = p.nobody.Send(http.MethodGet, p.path("token_endpoint"), nil, nil)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if status, a := p.exchange(code, nil); status != http.StatusOK {
		t.Errorf("%d %s", status, a)
	}
}

func TestLockedAccountsGetNoTokens(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	code := p.enter(b)
	lock(t, s, ada.User)
	status, a := p.exchange(code, nil)
	refused(t, status, a, "invalid_grant")
	if page := b.Open("/_plenum/account"); !strings.Contains(page.URL.Path, "sign-in") {
		t.Errorf("the pages are open to a locked account: %s", page.URL)
	}
}
