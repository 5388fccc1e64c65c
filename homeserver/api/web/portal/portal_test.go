package portal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"plenum/config"
	"plenum/homeserver/api/admin"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

// signedIn opens a browser in which ada is signed in.
func signedIn(t testing.TB, s *hstest.Server) *hstest.Browser {
	t.Helper()
	b := s.Browser().In(t)
	b.Open("/_plenum/account")
	b.Submit("Sign in", map[string]string{"name": "Ada", "password": hstest.Password}).Says(t, http.StatusOK, "@ada:one.example")
	return b
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		s.Client("ada")
		b := s.Browser().In(t)
		page := b.Open("/_plenum/account/devices")
		if page.URL.Path != "/_plenum/account/sign-in" {
			t.Fatalf("the page is %s", page.URL)
		}
		// Whoever has no account learns as little as who has another password.
		unknown := b.Submit("Sign in", map[string]string{"name": "nobody", "password": hstest.Password}).Says(t, http.StatusForbidden, "The name or the password is wrong.")
		wrong := b.Submit("Sign in", map[string]string{"name": "ada", "password": "not this one"}).Says(t, http.StatusForbidden, "The name or the password is wrong.")
		if strings.ReplaceAll(unknown.Body, "nobody", "ada") != wrong.Body {
			t.Error("the answers differ")
		}
		page = b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password}).Says(t, http.StatusOK, "Your devices")
		if page.URL.Path != "/_plenum/account/devices" {
			t.Errorf("the page is %s", page.URL)
		}
		s.Restart()
		b.Open("/_plenum/account").Says(t, http.StatusOK, "@ada:one.example")
		b.Submit("Sign out of these pages", nil).Says(t, http.StatusOK, "Sign in")
		if page := b.Open("/_plenum/account"); page.URL.Path != "/_plenum/account/sign-in" {
			t.Errorf("the page is %s", page.URL)
		}
	})
}

func TestCookiesArePrivate(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	b := s.Browser()
	page := b.Open("/_plenum/account/sign-in")
	set := page.Header.Values("Set-Cookie")
	if len(set) != 1 {
		t.Errorf("cookies %q", set)
	}
	page = b.Post("/_plenum/account/sign-in", signInFields(page, "ada"), nil)
	for _, c := range append(set, page.Header.Values("Set-Cookie")...) {
		for _, want := range []string{"__Host-plenum-", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(c, want) {
				t.Errorf("%q lacks %s", c, want)
			}
		}
		if strings.Contains(c, "Domain") || strings.Contains(c, "Expires") {
			t.Errorf("cookie %q", c)
		}
	}
}

// signInFields are what the page of signing in sends.
func signInFields(p *hstest.Page, name string) url.Values {
	_, rest, _ := strings.Cut(p.Body, `name="form" value="`)
	token, _, _ := strings.Cut(rest, `"`)
	return url.Values{"form": {token}, "name": {name}, "password": {hstest.Password}}
}

func TestFormsOfOtherPagesAreRefused(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	b := signedIn(t, s)
	mine := signInFields(b.Open("/_plenum/account/devices/all"), "")
	foreign := signInFields(s.Browser().Open("/_plenum/account/sign-in"), "")
	const everywhere = "/_plenum/account/devices/all"
	for what, send := range map[string]struct {
		values url.Values
		header http.Header
	}{
		"no token":          {url.Values{}, nil},
		"a made-up token":   {url.Values{"form": {"AAAA"}}, nil},
		"another browser's": {foreign, nil},
		"another site":      {mine, http.Header{"Sec-Fetch-Site": {"cross-site"}}},
		"a sibling":         {mine, http.Header{"Sec-Fetch-Site": {"same-site"}}},
		"another origin":    {mine, http.Header{"Origin": {"https://evil.example"}}},
		"no origin":         {mine, http.Header{"Origin": {"null"}}},
	} {
		b.Post(everywhere, send.values, send.header).Says(t, http.StatusForbidden, "Once more, please")
		if got := ada.Get("/_matrix/client/v3/account/whoami"); got.Get("user_id").Str != "@ada:one.example" {
			t.Fatalf("%s: signed out", what)
		}
	}
	b.Post(everywhere, mine, http.Header{"Origin": {"https://one.example"}})
	ada.Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
}

func TestSigningInTakesAFormOfThisServer(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	b := s.Browser()
	b.Post("/_plenum/account/sign-in", url.Values{"name": {"ada"}, "password": {hstest.Password}}, nil).Says(t, http.StatusForbidden, "Once more")
	if page := b.Open("/_plenum/account"); page.URL.Path != "/_plenum/account/sign-in" {
		t.Errorf("somebody else has signed the browser in: %s", page.URL)
	}
}

func TestNobodyIsSentElsewhereAfterSigningIn(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	for _, next := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "/_plenum/../..//evil.example", "/_plenum//evil.example",
		"javascript:alert(1)", "/other", "/_plenum/\r\nSet-Cookie: a=b", "https:/_plenum/", "/_plenum/%2e%2e//evil.example", "\x00",
	} {
		b := s.Browser()
		b.Open("/_plenum/account/sign-in?" + url.Values{"next": {strings.ReplaceAll(next, "\x00", "")}}.Encode())
		page := b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password})
		if page.Left != "" || page.URL.Path != "/_plenum/account" {
			t.Errorf("%q leads to %s %q", next, page.URL, page.Left)
		}
	}
}

func TestSigningUp(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{Configure: func(c *config.Config) {
		c.Registration = config.Registration{Mode: "token", TermsURL: "https://one.example/terms", TermsName: "House <rules>", TermsVersion: "1"}
	}}, func(t *testing.T, s *hstest.Server) {
		token, err := s.Admin().CreateToken(t.Context(), admin.NewToken{UsesAllowed: one()})
		if err != nil {
			t.Fatal(err)
		}
		b := s.Browser().In(t)
		b.Open("/_plenum/account/sign-in").Says(t, http.StatusOK, "Make a new account")
		b.Open("/_plenum/account/sign-up?token=made-up").Says(t, http.StatusOK, `value="made-up"`).Says(t, http.StatusOK, "House <rules>")
		typed := map[string]string{"name": "Grace", "password": "long enough", "again": "long enough", "accept": "yes", "token": "made-up"}
		b.Submit("Make the account", typed).Says(t, http.StatusForbidden, "This registration token is not valid")
		typed["token"] = token.Token
		typed["again"] = "other"
		page := b.Submit("Make the account", typed).Says(t, http.StatusBadRequest, "The two passwords differ.")
		if strings.Contains(page.Body, "long enough") {
			t.Error("the page repeats the password")
		}
		typed["again"] = typed["password"]
		typed["accept"] = ""
		b.Submit("Make the account", typed).Says(t, http.StatusBadRequest, "your agreement")
		typed["accept"] = "yes"
		typed["name"] = "gr ace"
		b.Submit("Make the account", typed).Says(t, http.StatusBadRequest, "This name cannot be used.")
		typed["name"] = "Grace"
		typed["password"], typed["again"] = "short", "short"
		b.Submit("Make the account", typed).Says(t, http.StatusBadRequest, "This password is too short.")
		typed["password"], typed["again"] = "long enough", "long enough"
		b.Submit("Make the account", typed).Says(t, http.StatusOK, "@grace:one.example")

		again := s.Browser().In(t)
		again.Open("/_plenum/account/sign-up")
		typed["name"] = "hedy"
		again.Submit("Make the account", typed).Says(t, http.StatusForbidden, "This registration token is not valid") // it was good once
	})
}

func one() *int64 { n := int64(1); return &n }

func TestSigningUpWhereNobodyCan(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Registration.Mode = "closed" }})
	b := s.Browser()
	if page := b.Open("/_plenum/account/sign-in"); strings.Contains(page.Body, "sign-up") {
		t.Error("a new account is offered")
	}
	b.Open("/_plenum/account/sign-up").Says(t, http.StatusForbidden, "No new accounts")
}

func TestDevices(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada, bob := s.Client("ada").In(t), s.Client("bob").In(t)
		other := s.SignIn(ada.User).In(t)
		other.Put(hstest.Path("/_matrix/client/v3/devices", other.Device), map[string]any{"display_name": `<img src=x onerror=alert(1)>`})
		b := signedIn(t, s)
		page := b.Open("/_plenum/account?action=org.matrix.sessions_list").Says(t, http.StatusOK, "Your devices")
		if strings.Contains(page.Body, "<img") || !strings.Contains(page.Body, "&lt;img") {
			t.Errorf("a name is not shown as text:\n%s", page.Body)
		}
		b.Open("/_plenum/account?action=org.matrix.device_delete&device_id="+string(other.Device)).Says(t, http.StatusOK, "Sign this device out")
		b.Submit("Sign this device out", nil).Says(t, http.StatusOK, "Your devices")
		other.Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
		ada.Get("/_matrix/client/v3/account/whoami")
		// Those of others are not there.
		b.Open("/_plenum/account/device?device_id="+url.QueryEscape(string(bob.Device))).Says(t, http.StatusNotFound, "There is no such device")
		b.Open("/_plenum/account/device?device_id=" + string(ada.Device))
		values := signInFields(b.Open("/_plenum/account/device?device_id="+string(ada.Device)), "")
		b.Post("/_plenum/account/device?device_id="+string(bob.Device), values, nil)
		bob.Get("/_matrix/client/v3/account/whoami")
		b.Open("/_plenum/account/devices/all")
		b.Submit("Sign out everywhere", nil).Says(t, http.StatusOK, "You are signed in nowhere.")
		ada.Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
	})
}

func TestAnotherPassword(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada").In(t)
		b, elsewhere := signedIn(t, s), signedIn(t, s)
		b.Open("/_plenum/account/password")
		b.Submit("Save", map[string]string{"password": "not this one", "new": "something else", "again": "something else"}).Says(t, http.StatusForbidden, "is wrong")
		b.Submit("Save", map[string]string{"password": hstest.Password, "new": "something else", "again": "some other"}).Says(t, http.StatusBadRequest, "differ")
		b.Submit("Save", map[string]string{"password": hstest.Password, "new": "short", "again": "short"}).Says(t, http.StatusBadRequest, "too short")
		b.Submit("Save", map[string]string{"password": hstest.Password, "new": "something else", "again": "something else"}).Says(t, http.StatusOK, "You have a new password.")
		b.Open("/_plenum/account").Says(t, http.StatusOK, "@ada:one.example")
		if page := elsewhere.Open("/_plenum/account"); page.URL.Path != "/_plenum/account/sign-in" {
			t.Errorf("the other browser is at %s", page.URL)
		}
		ada.Get("/_matrix/client/v3/account/whoami")
		b.Open("/_plenum/account/password")
		b.Submit("Save", map[string]string{"password": "something else", "new": "a third one", "again": "a third one", "everywhere": "yes"})
		ada.Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
	})
}

func TestTheName(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	b := signedIn(t, s)
	b.Open("/_plenum/account?action=org.matrix.profile").Says(t, http.StatusOK, "Your name")
	b.Submit("Save", map[string]string{"name": `Ada "the first"`}).Says(t, http.StatusOK, "Saved")
	if name := ada.Get(hstest.Path("/_matrix/client/v3/profile", ada.User)).Get("displayname").Str; name != `Ada "the first"` {
		t.Errorf("the name is %q", name)
	}
	b.Open("/_plenum/account/name").Says(t, http.StatusOK, `value="Ada "the first""`)
}

func TestClosingAnAccount(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		ada := s.Client("ada").In(t)
		b := signedIn(t, s)
		b.Open("/_plenum/account?action=org.matrix.account_deactivate").Says(t, http.StatusOK, "This is for ever.")
		b.Submit("Close the account for ever", map[string]string{"password": hstest.Password}).Says(t, http.StatusBadRequest, "Tick the box")
		b.Submit("Close the account for ever", map[string]string{"password": "not this one", "sure": "yes"}).Says(t, http.StatusForbidden, "is wrong")
		ada.Get("/_matrix/client/v3/account/whoami")
		b.Submit("Close the account for ever", map[string]string{"password": hstest.Password, "sure": "yes", "erase": "yes"}).Says(t, http.StatusOK, "Your account is closed")
		ada.Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
		if page := b.Open("/_plenum/account"); page.URL.Path != "/_plenum/account/sign-in" {
			t.Errorf("the page is %s", page.URL)
		}
	})
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	b := s.Browser()
	b.Language = "de-AT, en;q=0.5"
	page := b.Open("/_plenum/account/sign-in?next=%2F_plenum%2Flink").Says(t, http.StatusOK, "Passwort")
	if page.Header.Get("Content-Language") != "de" || !strings.Contains(page.Body, `<html lang="de">`) || !strings.Contains(page.Header.Get("Vary"), "Accept-Language") {
		t.Errorf("header %v", page.Header)
	}
	if !strings.Contains(page.Body, `href="/_plenum/account/sign-in?lang=en&amp;next=%2F_plenum%2Flink" lang="en"`) {
		t.Errorf("the other language is not offered:\n%s", page.Body)
	}
	b.Open("/_plenum/account/sign-in?lang=en").Says(t, http.StatusOK, "Password")
	b.Open("/_plenum/account/sign-in").Says(t, http.StatusOK, "Password") // it was chosen
	b.Open("/_plenum/account/sign-in?lang=xx").Says(t, http.StatusOK, "Password")
}

func TestPagesLoadNothingAndRunNothing(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	s.Client("ada")
	b := signedIn(t, s)
	for _, path := range []string{"/_plenum/account", "/_plenum/account/devices", "/_plenum/account/password", "/_plenum/account/close", "/_plenum/account/reset", "/_plenum/account/name", "/_plenum/link", "/_plenum/account/sign-up", "/_plenum/account/sign-in"} {
		page := b.Open(path)
		policy := page.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self';", "style-src 'sha256-"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %s", path, policy, want)
			}
		}
		for _, loads := range []string{"<script", "<link", "<img", " src=", " style=", " onclick="} {
			if strings.Contains(page.Body, loads) {
				t.Errorf("%s has %s", path, loads)
			}
		}
		if page.Header.Get("Cache-Control") != "no-store" || page.Header.Get("Access-Control-Allow-Origin") != "" || page.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: header %v", path, page.Header)
		}
	}
}

func TestLegacySingleSignOn(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		s.Client("ada")
		b := s.Browser().In(t)
		const sso = "/_matrix/client/v3/login/sso/redirect"
		b.Open(sso + "/plenum?redirectUrl=" + url.QueryEscape("element://connect?a=b&loginToken=old"))
		page := b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password}).Says(t, http.StatusOK, "Sign in there?")
		if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' element:;") {
			t.Errorf("policy %q", policy)
		}
		to, err := url.Parse(b.Submit("Sign in", nil).Left)
		if err != nil || to.Scheme != "element" || to.Host != "connect" || to.Query().Get("a") != "b" || len(to.Query()["loginToken"]) != 1 {
			t.Fatalf("the browser went to %s", to)
		}
		body, err := json.Marshal(map[string]string{"type": "m.login.token", "token": to.Query().Get("loginToken")})
		if err != nil {
			t.Fatal(err)
		}
		nobody := s.Nobody().In(t)
		if a := nobody.Post("/_matrix/client/v3/login", json.RawMessage(body)); a.Get("user_id").Str != "@ada:one.example" {
			t.Errorf("signed in: %s", a)
		}
		nobody.Refused(matrix.Forbidden).Post("/_matrix/client/v3/login", json.RawMessage(body))

		if page := b.Open(sso + "?action=register&redirectUrl=https%3A%2F%2Fapp.example.net%2F"); !strings.Contains(page.Body, "app.example.net") {
			t.Errorf("the page does not say where it leads:\n%s", page.Body)
		}
		if page := b.Submit("No", nil); page.Left != "" || strings.Contains(page.Body, "loginToken") {
			t.Errorf("left for %q", page.Left)
		}
		if page := s.Browser().Open(sso + "?action=register&redirectUrl=https%3A%2F%2Fapp.example.net%2F"); page.URL.Path != "/_plenum/account/sign-up" {
			t.Errorf("the page is %s", page.URL)
		}
		nobody.Refused(matrix.MissingParam).Get(sso)
		nobody.Refused(matrix.NotFound).Get(sso + "/other?redirectUrl=https%3A%2F%2Fapp.example.net%2F")
		for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "/here", "https://", "JavaScript:x", "https://me@app.example.net/", " javascript:x"} {
			nobody.Refused(matrix.InvalidParam).Get(sso + "?redirectUrl=" + url.QueryEscape(bad))
		}
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Passwords.WrongInARow = 3 }})
	s.Client("ada")
	b := s.Browser()
	b.Open("/_plenum/account/sign-in")
	for range 3 {
		b.Submit("Sign in", map[string]string{"name": "ada", "password": "not this one"}).Says(t, http.StatusForbidden, "is wrong")
	}
	b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password}).Says(t, http.StatusTooManyRequests, "too many attempts")
}

func TestConsentShowsNamesAsText(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	ada := s.Client("ada")
	b := signedIn(t, s)
	raw, err := json.Marshal(map[string]any{
		"client_name": "</strong><script>alert(1)</script>\u202egnihton \u0000", "client_uri": "https://example.net/\"onclick=x", "redirect_uris": []string{"https://example.net/cb"},
		"tos_uri": "https://example.net/t", "token_endpoint_auth_method": "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	resp := s.Nobody().Send(http.MethodPost, "/_plenum/oauth/register", strings.NewReader(strings.ReplaceAll(string(raw), `\u0000`, "")), nil)
	defer resp.Body.Close()
	var made map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("status %d, %v: %v", resp.StatusCode, err, made)
	}
	q := url.Values{
		"client_id": {made["client_id"].(string)}, "redirect_uri": {"https://example.net/cb"}, "response_type": {"code"},
		"scope": {"urn:matrix:client:api:* urn:matrix:client:device:" + string(ada.Device)}, "code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"},
		"state": {`"><script>alert(2)</script>`},
	}
	page := b.Open("/_plenum/oauth/authorize?"+q.Encode()).Says(t, http.StatusOK, "Let this app in?")
	for _, bad := range []string{"<script", "\u202e", `"onclick`} {
		if strings.Contains(page.Body, bad) {
			t.Errorf("the page holds %q:\n%s", bad, page.Body)
		}
	}
	page.Says(t, http.StatusOK, "It takes the place of a device that you have already")
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://example.net;") {
		t.Errorf("policy %q", policy)
	}
	// The same person as somebody else.
	b.Submit("Use another account", nil).Says(t, http.StatusOK, "with your account on")
}
