package appservice_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/appservice"
	"plenum/internal/matrix"
)

const here = "one.example"

const registration = `
id: irc
url: null
as_token: a
hs_token: b
sender_localpart: bridge
namespaces:
  users:
    - exclusive: true
      regex: '@irc_.*:one\.example'
    - exclusive: false
      regex: '@x.*'
  aliases: []
  rooms: []
`

func parse(t *testing.T, text string) *appservice.Service {
	t.Helper()
	s, err := appservice.Parse([]byte(text), here)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	s := parse(t, registration)
	r := appservice.NewRegistry([]*appservice.Service{s}, appservice.Options{})
	for user, want := range map[id.UserID]struct{ wants, owns, exclusive bool }{
		"@bridge:one.example":       {true, true, true},
		"@irc_ada:one.example":      {true, true, true},
		"@xavier:one.example":       {true, true, false},
		"@xavier:two.example":       {true, false, false},
		"@ada:one.example":          {false, false, false},
		"@ada_@irc_ada:one.example": {false, false, false},
		"@irc_ada:one_example":      {false, false, false},
		"@irc_ada:two.example":      {false, false, false},
	} {
		if s.Wants(user) != want.wants || s.Owns(user) != want.owns || r.IsExclusive(user) != want.exclusive {
			t.Errorf("%s: wanted %v, owned %v, exclusive %v; want %v", user, s.Wants(user), s.Owns(user), r.IsExclusive(user), want)
		}
	}
}

// Whose alias it is, is said by whoever keeps it for themselves.
func TestAliasesOfBridges(t *testing.T) {
	t.Parallel()
	other := strings.NewReplacer("id: irc", "id: xmpp", "as_token: a", "as_token: c", "bridge", "xmpp", "aliases: []", "aliases: [{exclusive: true, regex: '#xmpp_.*'}]").Replace(registration)
	r := appservice.NewRegistry([]*appservice.Service{parse(t, registration), parse(t, other)}, appservice.Options{})
	for service, refused := range map[string]bool{"": true, "irc": true, "xmpp": false} {
		err := r.CheckAlias(matrix.Principal{Appservice: service}, "#xmpp_a:one.example")
		if matrix.IsCode(err, matrix.Exclusive) != refused {
			t.Errorf("%q: %v", service, err)
		}
		if err := r.CheckAlias(matrix.Principal{Appservice: service}, "#a:one.example"); err != nil {
			t.Errorf("%q: %v", service, err)
		}
	}
}

func TestRegistrationsThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ was, is, says string }{
		{"id: irc", "", "id is missing"},
		{"as_token: a", "", "as_token is missing"},
		{"hs_token: b", "", "hs_token is missing"},
		{"hs_token: b", "hs_token: a", "are the same"},
		{"sender_localpart: bridge", "sender_localpart: '@bridge:one.example'", "without these"},
		{"url: null", "url: irc.example", "http://"},
		{"url: null", "url: ftp://irc.example", "http://"},
		{"'@x.*'", "'@x(?!y).*'", "RE2"},
		{"'@x.*'", "'@x(.*'", "missing closing )"},
		{"'@x.*'", "''", "regex is missing"},
		{"aliases: []", "aliases: 7", "not the YAML"},
		{"id: irc", "id: [", "not the YAML"},
	} {
		_, err := appservice.Parse([]byte(strings.Replace(registration, c.was, c.is, 1)), here)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q in place of %q: %v, want something with %q", c.is, c.was, err, c.says)
		}
	}
}

// An expression that takes others exponential time takes no time here.
func TestExpressionsTakeLinearTime(t *testing.T) {
	t.Parallel()
	s := parse(t, strings.Replace(registration, "'@x.*'", "'@(x+x+)+y'", 1))
	user, start := id.UserID("@"+strings.Repeat("x", 200)), time.Now()
	if s.Wants(user) {
		t.Error("it does not end in y")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestFoldersOfRegistrations(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("%40 strange [name].yaml", registration)
	write("second.yml", strings.NewReplacer("id: irc", "id: xmpp", "as_token: a", "as_token: c", "bridge", "xmpp").Replace(registration))
	write("README", "no registration")
	all, err := appservice.Load([]string{folder}, here)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d registrations, %v", len(all), err)
	}
	if _, err := appservice.Load([]string{folder, filepath.Join(folder, "second.yml")}, here); err == nil || !strings.Contains(err.Error(), "same id") {
		t.Errorf("twice the same: %v", err)
	}
	write("third.yaml", "id: [")
	if _, err := appservice.Load([]string{folder}, here); err == nil || !strings.Contains(err.Error(), "third.yaml") {
		t.Errorf("the file is not named: %v", err)
	}
	if _, err := appservice.Load([]string{filepath.Join(folder, "nothing")}, here); err == nil {
		t.Error("a folder that is not there is no mistake")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	r := appservice.NewRegistry([]*appservice.Service{parse(t, registration)}, appservice.Options{})
	if s := r.ByToken("a"); s == nil || s.ID != "irc" || s.Sender != "@bridge:one.example" || s.Unlimited {
		t.Errorf("got %+v", s)
	}
	for _, token := range []string{"", "b", "aa", "A"} {
		if s := r.ByToken(token); s != nil {
			t.Errorf("%q is taken for %s", token, s.ID)
		}
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add([]byte(registration))
	f.Add([]byte("id: [\x00"))
	f.Add([]byte("&a [*a, *a]"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		s, err := appservice.Parse(raw, here)
		if err == nil {
			s.Owns("@irc_ada:one.example")
		}
	})
}
