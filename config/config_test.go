package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// write makes a file of settings in a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plenum.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNoSettingsAtAllWork(t *testing.T) {
	t.Parallel()
	c, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	if c.ServerName != "localhost" || c.Listen.Client[0] != "127.0.0.1:8008" || c.Registration.Mode != "closed" || c.Presence.Enabled {
		t.Errorf("defaults: %+v", c)
	}
	if c.Media.MaxUpload != 50<<20 || c.RateLimits.Message != (Rate{10, 50}) || c.Rooms.DefaultVersion != "12" {
		t.Errorf("defaults: %+v", c)
	}
}

func TestFileAndEnvironment(t *testing.T) {
	t.Parallel()
	path := write(t, `
server_name = "one.example"
[listen]
client = ["127.0.0.1:1234", "[::1]:1234"]
[media]
max_upload = "1 GB"
remote_life = "30 days"
[rate_limits]
message = "off"
login = "30/min, burst 3"
[log]
level = "debug"
`)
	c, err := Load(path, []string{
		"PLENUM_LOG_LEVEL=warn", "PLENUM_ROOMS_ENCRYPT=private_chat,public_chat", "PLENUM_PRESENCE_ENABLED=true",
		"PLENUM_TEST_POSTGRES=postgres://ignored", "HOME=/nowhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.ServerName != "one.example" || len(c.Listen.Client) != 2 || c.Media.MaxUpload != 1e9 {
		t.Errorf("from the file: %+v", c)
	}
	if c.Media.RemoteLife.Std() != 30*24*time.Hour || c.RateLimits.Message != (Rate{}) || c.RateLimits.Login != (Rate{0.5, 3}) {
		t.Errorf("from the file: %+v", c)
	}
	if c.Log.Level != "warn" || strings.Join(c.Rooms.Encrypt, " ") != "private_chat public_chat" || !c.Presence.Enabled {
		t.Errorf("the environment comes before the file: %+v", c)
	}
}

func TestPathsStartAtTheFile(t *testing.T) {
	t.Parallel()
	path := write(t, `data_folder = "data"
[database]
url = "somewhere.db"
[media]
key_file = "/secret/media.key"`)
	c, err := Load("", []string{"PLENUM_CONFIG=" + path})
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Dir(path)
	for got, want := range map[string]string{
		c.DataFolder:     filepath.Join(here, "data"),
		c.SigningKeyFile: filepath.Join(here, "plenum-keys", "signing.key"),
		c.DSN():          filepath.Join(here, "somewhere.db"),
		c.Media.KeyFile:  "/secret/media.key",
	} {
		if got != want {
			t.Errorf("path %s, want %s", got, want)
		}
	}
	c.Database.URL = ""
	if want := filepath.Join(here, "data", "plenum.db"); c.DSN() != want {
		t.Errorf("database %s, want %s", c.DSN(), want)
	}
	c.Database.URL = "postgres://localhost/plenum"
	if c.DSN() != c.Database.URL || c.Database.IsFile() {
		t.Errorf("database %s", c.DSN())
	}
}

func TestNamedFileMustExist(t *testing.T) {
	t.Parallel()
	_, err := Load(filepath.Join(t.TempDir(), "none.toml"), nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestProblems shows what people are told about their mistakes.
func TestProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`server-name = "one.example"`:                         `server-name is no setting that Plenum knows. Did you mean server_name?`,
		"[listen]\nclinet = []":                               `listen.clinet is no setting that Plenum knows. Did you mean listen.client?`,
		"[media]\nmode = \"open\"":                            `media.mode is no setting that Plenum knows. Did you mean registration.mode?`,
		"[registraton]\nmode = \"open\"":                      `[registraton] is no section that Plenum knows. Did you mean registration?`,
		`colour = "green"`:                                    `colour is no setting that Plenum knows. They are all in docs/config.md.`,
		`registration = "open"`:                               `registration is a section: write [registration] on a line of its own, and its settings below.`,
		"a = 1\nb = ":                                         `line 2 cannot be understood: unexpected EOF; expected value.`,
		`server_name = 5`:                                     `server_name must be text in quotation marks.`,
		"[listen]\nclient = \":8008\"":                        `listen.client must be a list of texts, such as ["127.0.0.1:8008"].`,
		"[presence]\nenabled = \"yes\"":                       `presence.enabled must be true or false, without quotation marks.`,
		"[media]\nmax_pending = \"many\"":                     `media.max_pending must be a whole number, without quotation marks.`,
		"[media]\nmax_upload = \"50 megs\"":                   `media.max_upload must be a size in B, KiB, MiB, GiB or TiB, not "50 megs".`,
		"[media]\nremote_life = \"a week\"":                   `media.remote_life must be a span of time such as "30 days" or "1 hour", not "a week".`,
		"[rate_limits]\nlogin = \"10\"":                       `rate_limits.login must be a rate such as "10/s, burst 50" or "off", not "10".`,
		`server_name = "https://one.example/"`:                `server_name must be a name alone, such as example.org, without https:// and without a path; not "https://one.example/".`,
		`server_name = "One.Example"`:                         `server_name must be in small letters: "one.example" instead of "One.Example".`,
		`server_name = "one.example:99999"`:                   `server_name ends in "99999", which is no port. A port is a number from 1 to 65535, such as in example.org:8448; most servers need none.`,
		`server_name = "one example"`:                         `server_name may contain only the letters a to z, digits, dots and hyphens, and begin and end with a letter or a digit; not "one example".`,
		`server_name = "[::zz]"`:                              `server_name is no IPv6 address in brackets: "[::zz]".`,
		`public_url = "matrix.one.example"`:                   `public_url must be an address such as https://matrix.example.org, not "matrix.one.example".`,
		`public_url = "https://one.example/chat"`:             `public_url must end after the name and the port: https://one.example.`,
		"[listen]\nclient = [\"8008\"]":                       `listen.client must be an address with a port, such as "127.0.0.1:8008", or ":443" for all addresses of this machine; not "8008".`,
		"[listen]\nclient = [\"one.example:80\"]":             `listen.client must begin with an IP address of this machine, or with nothing for all of them, not with "one.example".`,
		"[listen]\nmetrics = \"127.0.0.1:8008\"":              `listen.metrics uses 127.0.0.1:8008, which listen.client uses already.`,
		"[listen]\nclient_tls = [\":443\"]":                   `tls.certificate and tls.key are needed for listen.client_tls and listen.federation; or set tls.acme = true.`,
		"[listen]\nclient = []":                               `listen.client must name an address, or else listen.client_tls must: nobody could reach the server.`,
		"[tls]\ncertificate = \"a.pem\"":                      `tls.certificate and tls.key belong together: set both or neither.`,
		"[tls]\nacme = true\n[listen]\nclient_tls=[\":443\"]": `tls.acme needs a server_name that is known in the internet, not "localhost".`,
		"[registration]\nmode = \"invite\"":                   `registration.mode must be one of closed, token, open, not "invite".`,
		"[rooms]\ndefault_version = \"13\"":                   `rooms.default_version must be "1" to "12", not "13".`,
		"[rooms]\nencrypt = [\"private\"]":                    `rooms.encrypt must be one of private_chat, trusted_private_chat, public_chat, not "private".`,
		"[database]\nurl = \"mysql://localhost\"":             `database.url begins with mysql://, but it must be a path, or begin with postgres://.`,
		"[media]\nquota = \"1 MiB\"":                          `media.quota is smaller than media.max_upload, so that the largest files could never be sent.`,
	} {
		_, err := Parse(text)
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load(write(t, "colour = 1\n[log]\nlevle = \"info\""), []string{"PLENUM_LOG_LEVLE=info", "PLENUM_PRESENCE_ENABLED=perhaps"})
	want := `colour is no setting that Plenum knows. They are all in docs/config.md.
log.levle is no setting that Plenum knows. Did you mean log.level?
PLENUM_LOG_LEVLE is no variable that Plenum knows. Did you mean PLENUM_LOG_LEVEL?
PLENUM_PRESENCE_ENABLED must be true or false, not "perhaps".`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestExampleFileIsValid(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	if err := WriteExample(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(text.String()); err != nil {
		t.Errorf("as it is: %v", err)
	}
	all := regexp.MustCompile(`(?m)^#(\w+ = )`).ReplaceAllString(text.String(), "$1")
	if _, err := Parse(all); err != nil {
		t.Errorf("with every setting: %v", err)
	}
}

func TestThrowaway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := NewThrowaway(ThrowawayOptions{ServerName: "hs1", Data: dir, ClientListen: ":8008", FederationListen: ":8448", TestCA: "/ca"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Throwaway == nil || c.Throwaway.SharedSecret != "complement" || c.Registration.Mode != "open" || !c.Presence.Enabled {
		t.Errorf("settings %+v", c)
	}
	if c.RateLimits != (RateLimits{}) || c.Database.Synchronous != "full" {
		t.Errorf("settings %+v", c)
	}
	for _, path := range []string{c.DSN(), c.SigningKeyFile, c.Media.KeyFile} {
		if filepath.Dir(path) != dir {
			t.Errorf("%s is outside of the folder", path)
		}
	}
	if _, err := NewThrowaway(ThrowawayOptions{ServerName: "hs1", ClientListen: ":8008"}); err == nil {
		t.Error("it needs a folder of its own")
	}
	if _, err := NewThrowaway(ThrowawayOptions{ServerName: "https://hs1", Data: dir, ClientListen: ":8008"}); err == nil {
		t.Error("the name is checked here too")
	}
}
