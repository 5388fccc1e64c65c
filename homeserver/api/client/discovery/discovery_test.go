package discovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/api/client/discovery"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
)

// tokens takes a user name for a token; admin is an administrator.
type tokens struct{}

func (tokens) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: id.NewUserID(token, "one.example"), Admin: token == "admin"}, nil
}

func serve(opt discovery.Options) http.Handler {
	return httpx.NewMux(discovery.New(opt).Routes(), httpx.Options{Auth: tokens{}})
}

var usual = discovery.Options{
	PublicURL: "https://matrix.one.example", RoomVersions: []string{"1", "11", "12"}, RoomVersion: "12",
	Healthy: func(context.Context) error { return nil },
}

func get(h http.Handler, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if got := w.Body.String(); w.Code != status || got != body {
		t.Errorf("answered %d %s, want %d %s", w.Code, got, status, body)
	}
}

func refused(t *testing.T, w *httptest.ResponseRecorder, status int, code matrix.Code) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), `"`+string(code)+`"`) {
		t.Errorf("answered %d %s, want %d %s", w.Code, w.Body, status, code)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	w := get(serve(usual), "/_matrix/client/versions", "")
	var said struct {
		Versions []string        `json:"versions"`
		Features map[string]bool `json:"unstable_features"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	// The oldest that matrix-js-sdk, bridges and authenticated media ask for.
	for _, v := range []string{"r0.6.1", "v1.1", "v1.4", "v1.11", "v1.13", "v1.16"} {
		if !slices.Contains(said.Versions, v) {
			t.Errorf("lacks %s: %v", v, said.Versions)
		}
	}
	for _, there := range []string{"org.matrix.msc3916.stable", "org.matrix.simplified_msc3575"} {
		if !said.Features[there] {
			t.Errorf("lacks %s: %v", there, said.Features)
		}
	}
	// What is not there must not be promised: clients would rely on it.
	for _, absent := range []string{"org.matrix.msc4140", "org.matrix.msc4108", "io.element.e2ee_forced.private"} {
		if said.Features[absent] {
			t.Errorf("promises %s", absent)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	h := serve(usual)
	const path = "/_matrix/client/v3/capabilities"
	const most = `"m.room_versions":{"default":"12","available":{"1":"stable","11":"stable","12":"stable"}},` +
		`"m.change_password":{"enabled":true},"m.set_displayname":{"enabled":true},"m.set_avatar_url":{"enabled":true},` +
		`"m.profile_fields":{"enabled":true},"m.3pid_changes":{"enabled":false},"m.get_login_token":{"enabled":true},` +
		`"m.forget_forced_upon_leave":{"enabled":false},"io.element.msc4452.preview_url":{"enabled":false}`
	const later = `,"m.delayed_events":{"max_delay_ms":0,"max_scheduled":0},"org.matrix.msc4140.delayed_events":{"max_delay_ms":0,"max_scheduled":0}`
	want(t, get(h, path, "ada"), 200, `{"capabilities":{`+most+later+`}}`)
	want(t, get(h, path, "admin"), 200, `{"capabilities":{`+most+`,"m.account_moderation":{"lock":true,"suspend":true}`+later+`}}`)
	refused(t, get(h, path, ""), 401, matrix.MissingToken)
}

func TestWellKnown(t *testing.T) {
	t.Parallel()
	h := serve(usual)
	client := get(h, "/.well-known/matrix/client", "")
	want(t, client, 200, `{"m.homeserver":{"base_url":"https://matrix.one.example"},"org.matrix.msc3814":true}`)
	if client.Header().Get("Access-Control-Allow-Origin") != "*" || client.Header().Get("Content-Type") != "application/json" || client.Header().Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("headers %v", client.Header())
	}
	refused(t, get(h, "/.well-known/matrix/server", ""), 404, matrix.NotFound)
	refused(t, get(h, "/.well-known/matrix/support", ""), 404, matrix.NotFound)

	opt := usual
	opt.Federation = "matrix.one.example:443"
	opt.SupportPage = "https://one.example/help"
	opt.Contacts = []discovery.Contact{{Role: "m.role.admin", MatrixID: "@ada:one.example"}, {Role: "m.role.security", Email: "security@one.example"}}
	h = serve(opt)
	want(t, get(h, "/.well-known/matrix/server", ""), 200, `{"m.server":"matrix.one.example:443"}`)
	want(t, get(h, "/.well-known/matrix/support", ""), 200,
		`{"contacts":[{"role":"m.role.admin","matrix_id":"@ada:one.example"},{"role":"m.role.security","email_address":"security@one.example"}],"support_page":"https://one.example/help"}`)
}

func TestEncryptionByDefaultIsTold(t *testing.T) {
	t.Parallel()
	opt := usual
	opt.Encrypted = []string{"private_chat", "trusted_private_chat"}
	h := serve(opt)
	want(t, get(h, "/.well-known/matrix/client", ""), 200,
		`{"io.element.e2ee":{"default":true},"m.homeserver":{"base_url":"https://matrix.one.example"},"org.matrix.msc3814":true}`)
	said := get(h, "/_matrix/client/versions", "").Body.String()
	for feature, want := range map[string]bool{
		`"io.element.e2ee_forced.private":true`:         true,
		`"io.element.e2ee_forced.trusted_private":true`: true,
		`"io.element.e2ee_forced.public"`:               false,
	} {
		if strings.Contains(said, feature) != want {
			t.Errorf("told %s: %v, want %v", feature, !want, want)
		}
	}
}

func TestWhatThereIsNot(t *testing.T) {
	t.Parallel()
	h := serve(usual)
	const v3 = "/_matrix/client/v3"
	want(t, get(h, v3+"/voip/turnServer", "ada"), 200, `{}`)
	refused(t, get(h, v3+"/voip/turnServer", ""), 401, matrix.MissingToken)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	opt := usual
	var err error
	opt.Healthy = func(context.Context) error { return err }
	h := serve(opt)
	want(t, get(h, "/_health", ""), 200, "OK\n")
	err = errors.New("database /var/lib/plenum is locked")
	want(t, get(h, "/_health", ""), 503, "not well\n")
}

func TestRulesAreTold(t *testing.T) {
	t.Parallel()
	opt := usual
	opt.MinPassword = 12
	h := serve(opt)
	want(t, get(h, "/_matrix/client/v3/password_policy", ""), 200, `{"policy":{"m.minimum_length":12}}`)
	const kept = "/_matrix/client/unstable/org.matrix.msc1763/retention/configuration"
	want(t, get(h, kept, "ada"), 200, `{"policies":{},"limits":{}}`)
	refused(t, get(h, kept, ""), 401, matrix.MissingToken)
	refused(t, get(h, "/.well-known/matrix/policy_server", ""), 404, matrix.NotFound)
}

// TestQRCodesNeedOAuth keeps clients from offering what cannot work.
func TestQRCodesNeedOAuth(t *testing.T) {
	t.Parallel()
	opt := usual
	for _, issuer := range []string{"", "https://one.example/"} {
		opt.Issuer = issuer
		body := get(serve(opt), "/_matrix/client/versions", "").Body.String()
		for _, flag := range []string{"org.matrix.msc4108", "io.element.msc4388"} {
			if got := strings.Contains(body, `"`+flag+`":true`); got != (issuer != "") {
				t.Errorf("issuer %q: %s is %v", issuer, flag, got)
			}
		}
	}
}
