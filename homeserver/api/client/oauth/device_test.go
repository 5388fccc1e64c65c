package oauth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"plenum/homeserver/hstest"
)

// wait lets the program wait for somebody to type its code.
func (p *program) wait() hstest.JSON {
	p.t.Helper()
	status, a := p.form("device_authorization_endpoint", url.Values{"scope": {stableScope}})
	if status != http.StatusOK || a.Get("interval").Int() != 5 || a.Get("expires_in").Int() < 60 {
		p.t.Fatalf("answered %d %s", status, a)
	}
	if code := a.Get("user_code").Str; !regexp.MustCompile(`^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$`).MatchString(code) {
		p.t.Fatalf("the code to type is %q", code)
	}
	return a
}

func (p *program) poll(waiting hstest.JSON) (int, hstest.JSON) {
	p.t.Helper()
	return p.form("token_endpoint", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {waiting.Get("device_code").Str}})
}

func TestAProgramWithoutABrowserSignsIn(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		s.Client("ada")
		p, b := newProgram(t, s, nil), s.Browser().In(t)
		waiting := p.wait()
		status, a := p.poll(waiting)
		refused(t, status, a, "authorization_pending")
		status, a = p.poll(waiting)
		refused(t, status, a, "slow_down")

		b.Open(waiting.Get("verification_uri").Str)
		b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password})
		b.Submit("Continue", map[string]string{"code": "BBBB-BBBB"}).Says(t, http.StatusNotFound, "This code is wrong")
		typed := strings.ToLower(strings.ReplaceAll(waiting.Get("user_code").Str, "-", " "))
		b.Submit("Continue", map[string]string{"code": typed}).Says(t, http.StatusOK, "Let this app in?")
		status, a = p.poll(waiting) // nobody has decided yet
		if a.Get("access_token").Exists() || status != http.StatusBadRequest {
			t.Errorf("answered %d %s", status, a)
		}
		b.Submit("Let it in", nil).Says(t, http.StatusOK, "Done")
		other := newProgram(t, s, map[string]any{"client_name": "Another"})
		status, a = other.poll(waiting)
		refused(t, status, a, "invalid_grant")
		status, tokens := p.poll(waiting)
		if status != http.StatusOK || tokens.Get("scope").Str != stableScope {
			t.Fatalf("answered %d %s", status, tokens)
		}
		who := p.as(tokens.Get("access_token").Str).Get(whoami)
		if who.Get("user_id").Str != "@ada:one.example" || who.Get("device_id").Str != device {
			t.Errorf("the token is for %s", who)
		}
		status, a = p.poll(waiting)
		refused(t, status, a, "invalid_grant")
		if status, a := p.refresh(tokens.Get("refresh_token").Str); status != http.StatusOK {
			t.Errorf("not renewed: %d %s", status, a)
		}
		// Nor can it be typed again.
		b.Open(waiting.Get("verification_uri_complete").Str).Says(t, http.StatusNotFound, "This code is wrong")
	})
}

func TestAProgramWithoutABrowserIsDenied(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	waiting := p.wait()
	b.Open(waiting.Get("verification_uri_complete").Str)
	b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password}).Says(t, http.StatusOK, waiting.Get("user_code").Str)
	b.Submit("No", nil).Says(t, http.StatusOK, "Not let in")
	status, a := p.poll(waiting)
	refused(t, status, a, "access_denied")
}

func TestWaitingThatCannotBe(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	p := newProgram(t, s, map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}})
	status, a := p.form("device_authorization_endpoint", url.Values{"scope": {stableScope}})
	refused(t, status, a, "unauthorized_client")
	status, a = p.form("device_authorization_endpoint", url.Values{"scope": {stableScope}, "client_id": {"unknown"}})
	refused(t, status, a, "invalid_client")
	q := newProgram(t, s, nil)
	status, a = q.form("device_authorization_endpoint", url.Values{"scope": {"openid"}})
	refused(t, status, a, "invalid_scope")
}
