package portal

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func FuzzNext(f *testing.F) {
	for _, s := range []string{"/_plenum/link", "//evil.example", "/\\evil.example", "/_plenum/../x", "https://evil.example/_plenum/", "/_plenum/a?b=c#d", "/_plenum/%2e%2e/", "/_plenum/\x00", "/_plenum/a\r\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		v := &visit{r: httptest.NewRequest("GET", "/?"+url.Values{"next": {next}}.Encode(), nil)}
		to := v.next()
		if to == "" {
			return
		}
		base := &url.URL{Scheme: "https", Host: "one.example", Path: "/_plenum/account/sign-in"}
		u, err := base.Parse(to)
		if err != nil || u.Host != "one.example" || u.Scheme != "https" || !strings.HasPrefix(u.Path, "/_plenum/") {
			t.Errorf("%q leads to %v, %v", next, u, err)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	for _, s := range []string{"https://app.example/cb", "net.example:/cb", "http://[::1]:5/", "https://a;b'c/", "http://127.0.0.1:5/", "x", "https://a%3b b/", "element://connect"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		p := policy(address)
		_, rest, _ := strings.Cut(p, "form-action ")
		action, _, _ := strings.Cut(rest, ";")
		if strings.Count(p, ";") != 4 || len(strings.Fields(action)) > 2 || strings.ContainsAny(p, "\r\n,") {
			t.Errorf("%q makes the policy %q", address, p)
		}
	})
}

func FuzzBackTo(f *testing.F) {
	for _, s := range []string{"https://app.example/?a=b", "javascript:alert(1)", "JAVASCRIPT:x", "element://connect", "data:,x", "https://", "//x", " javascript:x", "java\nscript:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, ok := backTo(address)
		if ok && (u.Scheme == "" || u.Scheme == "javascript" || u.Scheme == "data" || strings.ContainsAny(u.String(), "\r\n")) {
			t.Errorf("%q leads to %q", address, u)
		}
	})
}
