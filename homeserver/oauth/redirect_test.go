package oauth

import (
	"strings"
	"testing"
)

func TestRedirectRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, uri string
		ok        bool
	}{
		{web, "https://example.com/callback", true},
		{web, "https://app.example.com/callback", true},
		{web, "https://example.com:5173/?query=value", true},
		{web, "https://example.com/callback#fragment", false},
		{web, "https://example.com/callback#", false},
		{web, "http://example.com/callback", false},
		{web, "http://localhost/", false},
		{web, "https://user@example.com/", false},
		{web, "https://notexample.com/", false},
		{web, "https://example.com.evil.net/", false},
		{web, "com.example.app:/callback", false},
		{web, "//example.com/", false},
		{web, "", false},
		{native, "com.example.app:/callback", true},
		{native, "com.example:/", true},
		{native, "com.example:callback", true},
		{native, "http://localhost/callback", true},
		{native, "http://127.0.0.1/callback", true},
		{native, "http://[::1]/callback", true},
		{native, "https://example.com/callback", true},
		{native, "example:/callback", false},
		{native, "com.example.app://callback", false},
		{native, "com.examples:/callback", false},
		{native, "https://localhost/callback", false},
		{native, "http://localhost:1234/callback", false},
		{native, "http://127.0.0.2/callback", false},
		{native, "http://localhost.evil.net/", false},
		{native, "javascript:alert(1)", false},
		{native, "https://example.com/" + strings.Repeat("x", maxURI), false},
	} {
		client := Client{Type: c.kind, URI: "https://example.com/", RedirectURIs: []string{c.uri}}
		if err := client.complete(); (err == nil) != c.ok {
			t.Errorf("%s client with %.80q: %v, want it %v", c.kind, c.uri, err, c.ok)
		}
	}
	single := Client{Type: native, URI: "https://javascript/", RedirectURIs: []string{"javascript:alert(1)"}}
	if single.complete() == nil {
		t.Error("a host without a dot may have the scheme javascript")
	}
}

func TestUserCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		code := newUserCode()
		if len(code) != userCodeLength+1 || code[4] != '-' || strings.Trim(code, userLetters+"-") != "" || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		if hashOfTyped(code) != hashOfTyped(strings.ToLower(strings.ReplaceAll(code, "-", " "))) {
			t.Errorf("%q has to be typed as it stands", code)
		}
	}
}
