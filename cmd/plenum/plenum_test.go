package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shell runs commands with the settings of one folder.
type shell struct {
	t   *testing.T
	dir string
	env []string
}

// newShell returns a shell with a file of settings. Whatever they say, the
// server listens on a port of its own.
func newShell(t *testing.T, settings string) *shell {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plenum.toml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return &shell{t: t, dir: dir, env: []string{
		"PLENUM_CONFIG=" + filepath.Join(dir, "plenum.toml"),
		"PLENUM_LISTEN_CLIENT=127.0.0.1:0",
		"PLENUM_PASSWORDS_HASH_MEMORY=8 KiB",
	}}
}

// outcome is what a command did.
type outcome struct {
	t        *testing.T
	call     string
	code     int
	out, err string
}

// plenum runs a command. input is what it reads.
func (s *shell) plenum(input string, args ...string) outcome {
	s.t.Helper()
	var out, errs bytes.Buffer
	code := run(s.t.Context(), args, console{In: strings.NewReader(input), Out: &out, Err: &errs, Env: s.env})
	return outcome{s.t, "plenum " + strings.Join(args, " "), code, out.String(), errs.String()}
}

// succeeds checks that the command worked and wrote what matches pattern.
func (o outcome) succeeds(pattern string) outcome {
	o.t.Helper()
	if o.code != exitOK || !regexp.MustCompile(pattern).MatchString(o.out) {
		o.t.Errorf("%s: code %d, out %q, err %q, want %q", o.call, o.code, o.out, o.err, pattern)
	}
	return o
}

// fails checks that the command did not work and said what matches pattern.
func (o outcome) fails(code int, pattern string) {
	o.t.Helper()
	if o.code != code || !regexp.MustCompile(pattern).MatchString(o.err) {
		o.t.Errorf("%s: code %d, out %q, err %q, want code %d and %q", o.call, o.code, o.out, o.err, code, pattern)
	}
}

// serve runs "plenum serve" until the test ends or stop is called, and returns
// what it says at the start.
func (s *shell) serve(args ...string) (welcome string, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"serve"}, args...), console{In: strings.NewReader(""), Out: write, Err: &errs, Env: s.env})
		_ = write.Close()
		ended <- code
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if code := <-ended; code != exitOK {
			s.t.Errorf("serve ends with %d: %s", code, errs.String())
		}
	}
	s.t.Cleanup(stop)
	said := make([]byte, 4096)
	for !strings.Contains(welcome, "Ctrl-C") {
		n, err := read.Read(said)
		if err != nil {
			s.t.Fatalf("serve does not start: %v, %s", err, errs.String())
		}
		welcome += string(said[:n])
	}
	go func() {
		_, _ = io.Copy(io.Discard, read)
	}()
	return welcome, stop
}

func find1(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %q in %q", pattern, text)
	}
	return m[1]
}

func TestAccountsWithoutARunningServer(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("much to guess\n", "user", "create", "--admin", "ada").succeeds(`^@ada:one.example\n$`)
	s.plenum("much to guess\n", "user", "create", "ada").fails(exitFailed, `M_USER_IN_USE`)
	s.plenum("short\n", "user", "create", "bob").fails(exitFailed, `M_WEAK_PASSWORD`)
	s.plenum("", "user", "create", "bob").succeeds(`^@bob:one.example\npassword: \w{5}-\w{5}-\w{5}-\w{5}\n$`)
	s.plenum("", "user", "password", "@bob:one.example").succeeds(`^password: `)
	s.plenum("something\n", "user", "password", "nobody").fails(exitFailed, `M_NOT_FOUND`)
	s.plenum("", "user", "deactivate", "bob").succeeds(`^$`)
	s.plenum("", "user", "list").succeeds(`(?s)^@ada:one.example +since \d{4}-\d\d-\d\d +administrator\n@bob:one.example +since \d{4}-\d\d-\d\d +deactivated\n$`)
}

func TestRegistrationTokens(t *testing.T) {
	t.Parallel()
	s := newShell(t, "[registration]\nmode = \"token\"")
	made := s.plenum("", "token", "create", "--uses", "3", "--expires", "30 days", "--note", "for the choir").succeeds(`^\w{12,}\n$`)
	s.plenum("", "token", "create", "--uses", "0", "--expires", "0", "open-door").succeeds(`^open-door\n$`)
	s.plenum("", "token", "create", "open-door").fails(exitFailed, `There is such a token already`)
	s.plenum("", "token", "create", "--expires", "a month").fails(exitUsage, `must be a span of time such as "30 days"`)
	list := s.plenum("", "token", "list").succeeds(`used 0 of 3 +until \d{4}-\d\d-\d\d \d\d:\d\d UTC +for the choir`)
	list.succeeds(`open-door +used 0 of any number +does not expire`)
	s.plenum("", "token", "revoke", strings.TrimSpace(made.out)).succeeds(`^$`)
	s.plenum("", "token", "revoke", "nothing").fails(exitFailed, `M_NOT_FOUND`)
	s.plenum("", "token", "list").succeeds(`^open-door [^\n]*\n$`)
}

func TestCommandsReachTheRunningServer(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	welcome, stop := s.serve()
	url := find1(t, welcome, `clients +(http://127\.0\.0\.1:\d+)\n`)
	find1(t, welcome, `(user create --admin NAME)`)

	info, err := os.Stat(filepath.Join(s.dir, "plenum-data", "admin.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("socket %v, %v", info, err)
	}
	s.plenum("much to guess\n", "user", "create", "--admin", "ada").succeeds(`^@ada:one.example\n$`)
	s.plenum("", "check").succeeds(`server: it runs \(process \d+`)
	body := `{"type":"m.login.password","identifier":{"type":"m.id.user","user":"ada"},"password":"much to guess"}`
	resp, err := http.Post(url+"/_matrix/client/v3/login", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("sign in: %s", resp.Status)
	}
	stop()
	if _, err := os.Stat(filepath.Join(s.dir, "plenum-data", "admin.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket stays: %v", err)
	}
	s.plenum("", "user", "list").succeeds(`^@ada:one.example `)
}

func TestFirstAccountByLink(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	welcome, stop := s.serve()
	link := find1(t, welcome, `in a browser: +(http://127\S+)\n`)
	find1(t, welcome, `\n +or  (https://one.example/_plenum/first-admin/\w+)\n`)
	stop()
	welcome, stop = s.serve()
	again := find1(t, welcome, `in a browser: +(http://127\S+)\n`)
	if path := link[strings.Index(link, "/_plenum"):]; !strings.HasSuffix(again, path) {
		t.Errorf("the link was %s, and is %s after a restart", link, again)
	}
	form := url.Values{"name": {"ada"}, "password": {"much to guess"}, "again": {"much to guess"}}
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		resp, err := http.PostForm(again, form)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("form: %s, want %d", resp.Status, want)
		}
	}
	stop()
	if welcome, _ = s.serve(); strings.Contains(welcome, "no account") {
		t.Errorf("there is one: %s", welcome)
	}
	s.plenum("", "user", "list").succeeds(`^@ada:one.example .*administrator`)
}

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newShell(t, "[listen]\nmetrics = \"127.0.0.1:0\"")
	welcome, _ := s.serve()
	clients, figures := find1(t, welcome, `clients +(http://\S+)\n`), find1(t, welcome, `metrics +(http://\S+)\n`)
	get := func(address string) (int, string) {
		t.Helper()
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, _ := get(clients + "/_matrix/client/v3/rooms/!secret:localhost/messages"); status != http.StatusUnauthorized {
		t.Errorf("messages: %d", status)
	}
	if status, _ := get(clients + "/metrics"); status != http.StatusNotFound {
		t.Errorf("figures where everybody is: %d", status)
	}
	if status, _ := get(clients + "/_health"); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	status, body := get(figures + "/metrics")
	for _, want := range []string{
		`plenum_http_requests_total{method="GET",route="/_matrix/client/v3/rooms/{roomId}/messages",status="401"} 1`,
		`plenum_build_info{version="`, "plenum_db_commits_total ", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("figures: %d without %s", status, want)
		}
	}
	if strings.Contains(body, "secret") {
		t.Error("the figures name a room")
	}
}

func TestSettingsWithMistakes(t *testing.T) {
	t.Parallel()
	s := newShell(t, "server_nam = \"one.example\"\n[log]\nlevel = \"loud\"")
	for _, args := range [][]string{{"serve"}, {"check"}, {"user", "list"}} {
		s.plenum("", args...).fails(exitFailed, `(?s)something to correct.*server_nam is no setting that Plenum knows\. Did you mean server_name\?`)
	}
}

func TestServerNameStays(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("", "user", "list").succeeds(`^$`)
	s.env = append(s.env, "PLENUM_SERVER_NAME=two.example") // nothing carries the name yet
	s.plenum("", "user", "create", "ada").succeeds(`^@ada:two.example\n`)
	s.env = append(s.env, "PLENUM_SERVER_NAME=three.example")
	want := `belongs to the server "two.example", but server_name is "three.example"`
	s.plenum("", "user", "list").fails(exitFailed, want)
	o := s.plenum("", "check")
	if o.code != exitFailed || !strings.Contains(o.out, want) {
		t.Errorf("check: code %d, %s", o.code, o.out)
	}
}

func TestThrowaway(t *testing.T) {
	t.Parallel()
	s := newShell(t, "")
	dir := filepath.Join(s.dir, "waste")
	args := []string{"--throwaway", "--server-name", "hs1", "--data", dir, "--client-listen", "127.0.0.1:0", "--federation-listen", "127.0.0.1:0"}
	s.env = nil
	for range 2 { // and again on the same folder
		welcome, stop := s.serve(args...)
		url := find1(t, welcome, `clients +(http://\S+)\n`)
		find1(t, welcome, `other servers +(https://\S+)\n`)
		body := `{"username":"ada","password":"x","auth":{"type":"m.login.dummy"}}`
		resp, err := http.Post(url+"/_matrix/client/v3/register", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		stop()
	}
	s.env = []string{"PLENUM_DATA_FOLDER=" + dir, "PLENUM_LISTEN_CLIENT=127.0.0.1:0", "PLENUM_SIGNING_KEY_FILE=" + filepath.Join(s.dir, "a"), "PLENUM_MEDIA_KEY_FILE=" + filepath.Join(s.dir, "b")}
	s.plenum("", "serve").fails(exitFailed, `belongs to a throw-away server`)

	kept := filepath.Join(s.dir, "kept")
	s.env[0] = "PLENUM_DATA_FOLDER=" + kept
	s.plenum("", "user", "create", "ada").succeeds(`^@ada:localhost\n`)
	s.env = nil
	s.plenum("", "serve", "--throwaway", "--data", kept, "--client-listen", "127.0.0.1:0").fails(exitFailed, `(?s)NOT FOR PEOPLE.*was not made by "plenum serve --throwaway"`)
	s.plenum("", "serve", "--throwaway").fails(exitFailed, `needs --data DIR`)
	s.plenum("", "serve", "--server-name", "hs1").fails(exitUsage, `--server-name goes together with --throwaway only`)

	s.env = []string{"SERVER_NAME=hs2"}
	welcome, _ := s.serve("--throwaway", "--data", filepath.Join(s.dir, "waste2"), "--client-listen", "127.0.0.1:0")
	find1(t, welcome, `(serves hs2\.)`)
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newShell(t, "")
	s.env = append(s.env, "PLENUM_LISTEN_CLIENT="+taken.Addr().String(), "PLENUM_DATABASE_URL=postgres://127.0.0.1:1/plenum?connect_timeout=2")
	keys := filepath.Join(s.dir, "plenum-keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "media.key"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "plenum-data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.plenum("", "check")
	for _, want := range []string{
		`PROBLEM  data folder: .*plenum-data is a file, not a folder`,
		`PROBLEM  database: PostgreSQL cannot be reached`,
		fmt.Sprintf(`PROBLEM  port: %s is taken by another program`, taken.Addr()),
	} {
		if !regexp.MustCompile(want).MatchString(o.out) || o.code != exitFailed {
			t.Errorf("code %d, no %q in\n%s", o.code, want, o.out)
		}
	}
	if err := os.Remove(filepath.Join(s.dir, "plenum-data")); err != nil {
		t.Fatal(err)
	}
	if o := s.plenum("", "check"); !regexp.MustCompile(`PROBLEM  media key: other users of this machine can read .*media.key`).MatchString(o.out) {
		t.Errorf("check:\n%s", o.out)
	}
}

func TestCheckChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t, "")
	s.plenum("", "check").succeeds(`data folder: .* will be made at the first start`)
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestMistypedCommands(t *testing.T) {
	t.Parallel()
	s := newShell(t, "")
	s.plenum("", "users").fails(exitUsage, `no command "users"\. Did you mean "user create" or`)
	s.plenum("", "user", "create").fails(exitUsage, `(?s)it takes one NAME.*Usage: plenum user create \[FLAGS\] NAME`)
	s.plenum("", "user", "create", "ada", "--root").fails(exitUsage, `flag provided but not defined: -root`)
	s.plenum("", "check", "this").fails(exitUsage, `"this" is not wanted here`)
	s.plenum("", "help").succeeds(`user create +Make an account`)
	s.plenum("", "help", "token").succeeds(`(?s)token create.*--expires SPAN.*token revoke`)
	s.plenum("", "user", "list", "--help").succeeds(`Usage: plenum user list`)
	s.plenum("", "help", "nothing").fails(exitUsage, `no command "nothing"`)
	s.plenum("", "version").succeeds(`^Plenum \d+\.\d+`)
	s.plenum("", "config", "example").succeeds(`#server_name = `)
}
