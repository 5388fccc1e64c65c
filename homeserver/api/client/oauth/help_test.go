package oauth_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/api/admin"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const (
	verifier = "a-verifier-that-is-long-enough-for-everybody-0123456789"
	callback = "https://app.example.net/callback"
	device   = "PHONE12345"

	stableScope = "urn:matrix:client:api:* urn:matrix:client:device:" + device
)

// program is an app that signs people in.
type program struct {
	t        testing.TB
	nobody   *hstest.Client
	metadata hstest.JSON
	id       string
}

// metadata of the program.
func described() map[string]any {
	return map[string]any{
		"client_name": "Chat <b>App</b>", "client_uri": "https://example.net/", "application_type": "web",
		"redirect_uris": []string{callback}, "response_types": []string{"code"}, "token_endpoint_auth_method": "none",
		"grant_types": []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "urn:other"},
	}
}

// newProgram finds the server out and registers.
func newProgram(t testing.TB, s *hstest.Server, change map[string]any) *program {
	t.Helper()
	p := &program{t: t, nobody: s.Nobody().In(t)}
	p.metadata = p.nobody.Get("/_matrix/client/v1/auth_metadata")
	d := described()
	for k, v := range change {
		d[k] = v
	}
	status, answer := p.register(d)
	if status != http.StatusCreated {
		t.Fatalf("not registered: %d %s", status, answer)
	}
	p.id = answer.Get("client_id").Str
	return p
}

// path is where an endpoint of the metadata is.
func (p *program) path(endpoint string) string {
	p.t.Helper()
	u, err := url.Parse(p.metadata.Get(endpoint).Str)
	if err != nil || u.Scheme != "https" || u.Path == "" {
		p.t.Fatalf("%s is %q: %v", endpoint, p.metadata.Get(endpoint), err)
	}
	return u.RequestURI()
}

func (p *program) send(endpoint, contentType, body string) (int, hstest.JSON) {
	p.t.Helper()
	resp := p.nobody.Send(http.MethodPost, p.path(endpoint), strings.NewReader(body), http.Header{"Content-Type": {contentType}})
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || !gjson.ValidBytes(raw) {
		p.t.Fatalf("%s: %v, %q", endpoint, err, raw)
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		p.t.Errorf("%s cannot be used by programs in browsers", endpoint)
	}
	return resp.StatusCode, gjson.ParseBytes(raw)
}

func (p *program) register(d map[string]any) (int, hstest.JSON) {
	p.t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send("registration_endpoint", "application/json", string(raw))
}

// form sends a form with the id of the program.
func (p *program) form(endpoint string, fields url.Values) (int, hstest.JSON) {
	p.t.Helper()
	if !fields.Has("client_id") {
		fields.Set("client_id", p.id)
	}
	return p.send(endpoint, "application/x-www-form-urlencoded", fields.Encode())
}

// asks returns the address to which the program sends people.
func (p *program) asks(change url.Values) string {
	p.t.Helper()
	q := url.Values{
		"response_type": {"code"}, "client_id": {p.id}, "redirect_uri": {callback}, "scope": {stableScope}, "state": {"st&te"},
		"response_mode": {"fragment"}, "code_challenge": {oidc.NewSHACodeChallenge(verifier)}, "code_challenge_method": {"S256"},
	}
	for k, v := range change {
		if q[k] = v; len(v) == 0 {
			q.Del(k)
		}
	}
	return p.path("authorization_endpoint") + "?" + q.Encode()
}

// answer reads what the program is told at its address.
func answer(t testing.TB, address string) url.Values {
	t.Helper()
	where, fragment, ok := strings.Cut(address, "#")
	if !ok {
		where, fragment, ok = strings.Cut(address, "?")
	}
	q, err := url.ParseQuery(fragment)
	if !ok || where != callback || err != nil {
		t.Fatalf("the browser went to %q", address)
	}
	return q
}

// enter lets the program into ada's account and returns the code.
func (p *program) enter(b *hstest.Browser) string {
	p.t.Helper()
	page := b.Open(p.asks(nil))
	if strings.Contains(page.URL.Path, "sign-in") {
		b.Submit("Sign in", map[string]string{"name": "ada", "password": hstest.Password})
	}
	q := answer(p.t, b.Submit("Let it in", nil).Left)
	if q.Get("state") != "st&te" || q.Get("code") == "" {
		p.t.Fatalf("the program is told %v", q)
	}
	return q.Get("code")
}

func (p *program) exchange(code string, change url.Values) (int, hstest.JSON) {
	p.t.Helper()
	fields := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for k, v := range change {
		fields[k] = v
	}
	return p.form("token_endpoint", fields)
}

// signIn signs ada in and returns the tokens.
func (p *program) signIn(b *hstest.Browser) hstest.JSON {
	p.t.Helper()
	status, tokens := p.exchange(p.enter(b), nil)
	if status != http.StatusOK {
		p.t.Fatalf("no tokens: %d %s", status, tokens)
	}
	return tokens
}

func (p *program) refresh(token string) (int, hstest.JSON) {
	p.t.Helper()
	return p.form("token_endpoint", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// as returns a client that uses an access token.
func (p *program) as(token string) *hstest.Client {
	c := *p.nobody
	c.Token = token
	return &c
}

// dead fails the test if a token is still good.
func (p *program) dead(token string) {
	p.t.Helper()
	p.as(token).Refused(matrix.UnknownToken).Get("/_matrix/client/v3/account/whoami")
}

// refused fails the test unless an answer is an error of OAuth 2.0.
func refused(t testing.TB, status int, a hstest.JSON, code string) {
	t.Helper()
	want := http.StatusBadRequest
	if code == "invalid_client" {
		want = http.StatusUnauthorized
	}
	if status != want || a.Get("error").Str != code {
		t.Errorf("answered %d %s, want %d %s", status, a, want, code)
	}
}

// lock locks an account.
func lock(t testing.TB, s *hstest.Server, user id.UserID) {
	t.Helper()
	if _, err := s.Admin().CreateUser(t.Context(), admin.NewUser{Name: "root", Password: hstest.Password, Admin: true}); err != nil {
		t.Fatal(err)
	}
	s.SignIn("@root:one.example").Put(hstest.Path("/_matrix/client/v1/admin/lock", user), map[string]any{"locked": true})
}
