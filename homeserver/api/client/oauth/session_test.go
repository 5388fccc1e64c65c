package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const whoami = "/_matrix/client/v3/account/whoami"

func TestALostAnswerCostsNothing(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		s.Client("ada")
		p, b := newProgram(t, s, nil), s.Browser().In(t)
		first := p.signIn(b).Get("refresh_token").Str
		_, lost := p.refresh(first)
		status, second := p.refresh(first) // the answer did not come
		if status != http.StatusOK || second.Get("token_type").Str != "Bearer" || second.Get("refresh_token").Str == lost.Get("refresh_token").Str {
			t.Fatalf("answered %d %s", status, second)
		}
		p.as(second.Get("access_token").Str).Get(whoami) // it has
		// Whoever comes with the first one now has stolen it, or was stolen from.
		status, a := p.refresh(first)
		refused(t, status, a, "invalid_grant")
		p.dead(second.Get("access_token").Str)
		status, a = p.refresh(second.Get("refresh_token").Str)
		refused(t, status, a, "invalid_grant")
		if all := s.SignIn("@ada:one.example").In(t).Get("/_matrix/client/v3/devices").Get("devices.#(device_id==" + device + ")"); all.Exists() {
			t.Error("the device is left")
		}
	})
}

func TestTokensAreRenewedWhereTheyCameFrom(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	other := newProgram(t, s, map[string]any{"client_name": "Another"})
	tokens := p.signIn(b)
	status, a := other.refresh(tokens.Get("refresh_token").Str)
	refused(t, status, a, "invalid_grant")
	p.nobody.Refused(matrix.UnknownToken).Post("/_matrix/client/v3/refresh", map[string]any{"refresh_token": tokens.Get("refresh_token").Str})
	plain := p.nobody.Post("/_matrix/client/v3/login", map[string]any{
		"type": "m.login.password", "password": hstest.Password, "refresh_token": true,
		"identifier": map[string]any{"type": "m.id.user", "user": "ada"},
	})
	status, a = p.refresh(plain.Get("refresh_token").Str)
	refused(t, status, a, "invalid_grant")
	for _, bad := range []string{"", "plr_", "x"} {
		if status, a := p.refresh(bad); status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", bad, status, a)
		}
	}
	if status, a := p.refresh(tokens.Get("refresh_token").Str); status != http.StatusOK {
		t.Errorf("what others try ends the session: %d %s", status, a)
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada").In(t)
		p, b := newProgram(t, s, nil), s.Browser().In(t)
		for _, kind := range []string{"access_token", "refresh_token"} {
			tokens := p.signIn(b)
			// The hint may be wrong, and whoever has found a token is no program.
			status, a := p.form("revocation_endpoint", url.Values{"token": {tokens.Get(kind).Str}, "token_type_hint": {"access_token"}, "client_id": {""}})
			if status != http.StatusOK {
				t.Fatalf("%s: %d %s", kind, status, a)
			}
			p.dead(tokens.Get("access_token").Str)
			status, a = p.refresh(tokens.Get("refresh_token").Str)
			refused(t, status, a, "invalid_grant")
			ada.Refused(matrix.NotFound).Get("/_matrix/client/v3/devices/" + device)
			if status, _ := p.form("revocation_endpoint", url.Values{"token": {tokens.Get(kind).Str}}); status != http.StatusOK {
				t.Errorf("%s once more: %d", kind, status)
			}
		}
		if status, _ := p.form("revocation_endpoint", url.Values{"token": {"made up"}}); status != http.StatusOK {
			t.Errorf("an unknown token: %d", status)
		}
		status, a := p.form("revocation_endpoint", url.Values{})
		refused(t, status, a, "invalid_request")
	})
}

func TestWhatTakesAPasswordIsDoneOnThePages(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	me := p.as(p.signIn(b).Get("access_token").Str)
	auth := map[string]any{"type": "m.login.password", "password": hstest.Password, "identifier": map[string]any{"type": "m.id.user", "user": "ada"}}
	no := me.Refused(matrix.Forbidden)
	no.Delete("/_matrix/client/v3/devices/"+string(ada.Device), map[string]any{"auth": auth})
	no.Post("/_matrix/client/v3/delete_devices", map[string]any{"devices": []string{"X"}, "auth": auth})
	no.Post("/_matrix/client/v3/account/deactivate", map[string]any{"auth": auth})
	no.Post("/_matrix/client/v3/account/password", map[string]any{"new_password": "something else", "auth": auth})
	no.Post("/_matrix/client/v1/login/get_token", map[string]any{"auth": auth})
	me.Post("/_matrix/client/v3/logout", nil)
	me.Refused(matrix.UnknownToken).Get(whoami)
	ada.Get(whoami)
}

// keys are cross-signing keys that say nothing.
func keys(user, key string) map[string]any {
	return map[string]any{"master_key": map[string]any{
		"user_id": user, "usage": []string{"master"}, "keys": map[string]any{"ed25519:" + key: key},
	}}
}

func TestNewKeysAreAllowedOnAPage(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	p, b := newProgram(t, s, nil), s.Browser()
	me := p.as(p.signIn(b).Get("access_token").Str)
	const path = "/_matrix/client/v3/keys/device_signing/upload"
	first, second := "nqOvzeuGWT/sRx3h7+MHoInYj3Uk2LD/unI9kDYcHwk", "CoJNRI/vnNKcsRlQ1QrjmDuVmLKJwUAxjOpRXyf6kQ0"
	me.Post(path, keys(string(ada.User), first)) // there were none
	asked := me.Challenged().Post(path, keys(string(ada.User), second))
	for _, stage := range []string{"m\\.oauth", "org\\.matrix\\.cross_signing_reset"} {
		if page := asked.Get("params." + stage + ".url").Str; page != "https://one.example/_plenum/account?action=org.matrix.cross_signing_reset" {
			t.Errorf("%s: the page is %q in %s", stage, page, asked)
		}
	}
	if asked.Get("flows.0.stages.0").Str != "m.oauth" {
		t.Errorf("asked for %s", asked)
	}
	again := keys(string(ada.User), second)
	again["auth"] = map[string]any{"session": asked.Get("session").Str}
	me.Challenged().Post(path, again) // nobody has allowed it
	again["auth"] = map[string]any{"session": asked.Get("session").Str, "type": "m.oauth"}
	me.Challenged().Post(path, again)
	again["auth"] = map[string]any{"session": asked.Get("session").Str, "type": "m.login.dummy"}
	me.Challenged().Post(path, again)

	b.Open(asked.Get("params.m\\.oauth.url").Str)
	b.Submit("Allow the reset", map[string]string{"password": "not this"}).Says(t, http.StatusForbidden, "is wrong")
	me.Challenged().Post(path, again)
	b.Submit("Allow the reset", map[string]string{"password": hstest.Password}).Says(t, http.StatusOK, "Allowed")
	again["auth"] = map[string]any{"session": asked.Get("session").Str}
	me.Post(path, again)
	// Once.
	me.Challenged().Post(path, keys(string(ada.User), first))
}
