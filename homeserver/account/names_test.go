package account

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

func named(server string) *Accounts {
	return &Accounts{opt: Options{ServerName: server, Exclusive: func(u id.UserID) bool { return u == "@bridge:one.example" }}}
}

func TestNewUser(t *testing.T) {
	t.Parallel()
	a := named("one.example")
	for name, want := range map[string]string{
		"ada":                    "@ada:one.example",
		"Ada-UPPER":              "@ada-upper:one.example",
		"a.b_c=d-e/f+9":          "@a.b_c=d-e/f+9:one.example",
		"":                       "M_INVALID_USERNAME",
		"_ada":                   "M_INVALID_USERNAME",
		"@ada:one.example":       "M_INVALID_USERNAME",
		"a b":                    "M_INVALID_USERNAME",
		"ada!":                   "M_INVALID_USERNAME",
		"é":                      "M_INVALID_USERNAME",
		"\u212a":                 "M_INVALID_USERNAME", // KELVIN SIGN, which is a k when made small
		"a\n":                    "M_INVALID_USERNAME",
		strings.Repeat("a", 242): "@" + strings.Repeat("a", 242) + ":one.example",
		strings.Repeat("a", 243): "M_INVALID_USERNAME",
		"bridge":                 "M_EXCLUSIVE",
	} {
		user, err := a.newUser(name)
		got := string(user)
		if e := (*matrix.Error)(nil); errors.As(err, &e) {
			got = string(e.Code)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestFindUser(t *testing.T) {
	t.Parallel()
	a := named("One.example:8448")
	for typed, want := range map[string]id.UserID{
		"ada":                      "@ada:One.example:8448",
		" ADA ":                    "@ada:One.example:8448",
		"@Ada:one.EXAMPLE:8448":    "@ada:One.example:8448",
		"ada:one.example:8448":     "@ada:One.example:8448",
		"@ada":                     "",
		"@ada:one.example":         "",
		"@ada:two.example":         "",
		"@:one.example:8448":       "",
		"":                         "",
		"@":                        "",
		"@a@b:one.example:8448":    "",
		"@\u212a:one.example:8448": "",
	} {
		got, ok := a.findUser(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %s, %v; want %s", typed, got, ok, want)
		}
	}
}

func FuzzUserNames(f *testing.F) {
	for _, s := range []string{"ada", "@ada:one.example", "Ada", "@@:", "a:b:c", "\x00", "ÄÖ", "@_x:one.example", " a"} {
		f.Add(s)
	}
	a := named("one.example")
	f.Fuzz(func(t *testing.T, typed string) {
		if user, ok := a.findUser(typed); ok {
			local, server, err := user.Parse()
			if err != nil || server != "one.example" || !isLocalpart(local) || len(user) > 255 || !utf8.ValidString(string(user)) {
				t.Errorf("%q finds %q", typed, user)
			}
			if again, ok := a.findUser(string(user)); !ok || again != user {
				t.Errorf("%q finds %q, which finds %q", typed, user, again)
			}
		}
		if user, err := a.newUser(typed); err == nil {
			if found, ok := a.findUser(string(user)); !ok || found != user {
				t.Errorf("%q makes %q, which is not found", typed, user)
			}
		}
	})
}
