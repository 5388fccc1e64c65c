package servername_test

import (
	"strings"
	"testing"

	"plenum/internal/servername"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"example.org": true, "example.org:8448": true, "1.2.3.4": true, "1.2.3.4:80": true, "[::1]": true, "[::1]:8448": true, "LOCALHOST": true,
		"": false, ":8448": false, "example.org:": false, "example.org:http": false, "example.org:+1": false, "example.org:0": false,
		"example.org:70000": false, "dom$ain$.com": false, "a b": false, "[1.2.3.4]": false, "[::1": false, "::1": false, "a..b": false, strings.Repeat("a", 256): false,
	} {
		if got := servername.Valid(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
	if n, _ := servername.Parse("[::1]:8448"); n.Host != "::1" || n.Port != "8448" || !n.IsLiteral() {
		t.Errorf("taken apart: %+v", n)
	}
	if n, _ := servername.Parse("abc.Onion"); !n.IsOnion() {
		t.Error("a service inside Tor is not taken for one")
	}
}
