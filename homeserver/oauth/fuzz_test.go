package oauth

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

func FuzzScope(f *testing.F) {
	for _, s := range []string{
		scopeAPI + " " + scopeDevice + "ABC", earlyScopeAPI + " " + earlyScopeDevice + "ABC openid", scopeAPI, scopeDevice,
		scopeAPI + " " + scopeDevice + "A " + scopeDevice + "B", scopeAPI + " " + scopeDevice + "A " + earlyScopeDevice + "A", "", " ", scopeAPI + " " + scopeDevice + "ä",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseScope(strings.Split(text, " "))
		if err != nil {
			return
		}
		if !isDeviceID(string(s.device)) || !strings.Contains(s.granted, string(s.device)) || !strings.Contains(s.granted, "client:api:*") {
			t.Errorf("%q is taken for %+v", text, s)
		}
		again, err := parseScope(strings.Split(s.granted, " "))
		if err != nil || again != s {
			t.Errorf("%q: what was granted cannot be asked for: %+v, %v", text, again, err)
		}
	})
}

func FuzzClient(f *testing.F) {
	for _, s := range []string{
		`{"client_uri":"https://example.net/","redirect_uris":["https://app.example.net/cb"]}`,
		`{"client_uri":"https://example.net/","application_type":"native","redirect_uris":["net.example:/cb","http://localhost/"]}`,
		`{"client_uri":"https://javascript/","application_type":"native","redirect_uris":["javascript:alert(1)"]}`,
		`{"client_uri":"https://example.net:1/","redirect_uris":["https://example.net.evil.example/"],"client_name":"\u202ea\nb"}`,
		`{}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c Client
		if json.Unmarshal([]byte(text), &c) != nil || c.complete() != nil {
			return
		}
		host := c.Host()
		if host == "" || strings.ContainsAny(c.Name, "\n\u202e\x00") {
			t.Errorf("%q: host %q, name %q", text, host, c.Name)
		}
		for _, raw := range c.RedirectURIs {
			u, err := url.Parse(raw)
			if err != nil || u.Fragment != "" || slices.Contains([]string{"javascript", "data", "file", "blob"}, u.Scheme) {
				t.Fatalf("%q may redirect to %q", text, raw)
			}
			if u.Scheme == "https" && !onHost(u.Hostname(), host) {
				t.Errorf("%q may redirect to %q", text, raw)
			}
		}
		again := c
		if err := again.complete(); err != nil {
			t.Errorf("%q: what was registered cannot be: %v", text, err)
		}
	})
}

func FuzzParameters(f *testing.F) {
	for _, s := range []string{"client_id=a&scope=b+c&max_age=5", "max_age=x", "state=%00", "state=%ff", "a=1&a=2", "ui_locales=de+xx", "stAte=00", "\u017ftate=1&state=2", "prompt=none+login", "scope"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		params, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		var asked oidc.AuthRequest
		if err := decode(&asked, params); err == nil && (!isText(asked.State) || asked.State != params.Get("state")) {
			t.Errorf("%q: state %q", query, asked.State)
		}
	})
}

func FuzzUserCode(f *testing.F) {
	f.Add("bcdf ghjk")
	f.Add("BCDF-GHJK")
	f.Add("\xff\x00ß")
	f.Fuzz(func(t *testing.T, typed string) {
		if hashOfTyped(typed) != hashOfTyped(strings.ToLower(" "+typed+"-")) && isASCII(typed) {
			t.Errorf("%q depends on how it is typed", typed)
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
