package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Throwaway is what only a server has that is made for one measurement, by a
// test suite or a benchmark, and deleted after it. It is open to everybody: no
// file and no variable can make a server for people into one.
type Throwaway struct {
	SharedSecret string // for making accounts at /_synapse/admin/v1/register
	TestCA       string // folder with ca.crt and ca.key, which sign our certificate; or ""
}

// ThrowawayOptions are the flags of "plenum serve --throwaway".
type ThrowawayOptions struct {
	ServerName       string
	Data             string // folder; everything is in it
	ClientListen     string
	ClientTLSListen  string
	FederationListen string
	Database         string // postgres:// URL; empty means SQLite in Data
	TLSCert, TLSKey  string
	TestCA           string
	Appservices      string // registration file, or folder of them; or ""
	RoomVersion      string // of new rooms; "" is the default
}

// throwawaySecret is known to everybody: suites expect it.
const throwawaySecret = "complement"

// NewThrowaway returns the settings of a throw-away server: open registration,
// no rate limits, cheap password hashes, presence on. What it acknowledges is
// as durable as anywhere else.
func NewThrowaway(o ThrowawayOptions) (Config, error) {
	c := Default()
	if o.Data == "" {
		return c, errors.New("--throwaway needs --data DIR, a new folder for everything that the server writes")
	}
	c.ServerName = o.ServerName
	c.DataFolder = o.Data
	c.SigningKeyFile = filepath.Join(o.Data, "signing.key")
	c.Media.KeyFile = filepath.Join(o.Data, "media.key")
	c.Listen = Listen{
		Client:     cutList(o.ClientListen),
		ClientTLS:  cutList(o.ClientTLSListen),
		Federation: cutList(o.FederationListen),
	}
	c.TLS.Certificate, c.TLS.Key = o.TLSCert, o.TLSKey
	c.Database.URL = o.Database
	c.Registration.Mode = "open"
	c.Federation.AllowPrivate = true // the other servers of a suite are next door
	c.Passwords = Passwords{MinLength: 1, HashMemory: 8 << 10, HashPasses: 1, WrongInARow: 1 << 30}
	c.RateLimits = RateLimits{}
	c.Rooms.Encrypt = nil // suites read what they send
	c.Presence.Enabled = true
	c.Previews.Enabled, c.Previews.Ports = true, nil
	c.Notices.Account = "_server"
	c.Privacy = Privacy{Profiles: "anyone", Keys: "anyone", Devices: true, PushText: true, LastSeen: true}
	c.Media.LegacyPublic = true
	c.Log.Level = "warn"
	if o.Appservices != "" {
		c.Bridges.Registrations = []string{o.Appservices}
	}
	if o.RoomVersion != "" {
		c.Rooms.DefaultVersion = o.RoomVersion
	}
	c.Throwaway = &Throwaway{SharedSecret: throwawaySecret, TestCA: o.TestCA}

	problems := c.problems()
	if o.TestCA != "" && o.TLSCert != "" {
		problems = append(problems, Problem{"--test-ca", "and --tls-cert cannot be used together."})
	}
	if err := problems.err(); err != nil {
		return c, err
	}
	return c, c.absolute()
}

// Warning is what a throw-away server says at every start.
func (t *Throwaway) Warning() string {
	line := strings.Repeat("*", 72)
	return fmt.Sprintf(`%s
  THROW-AWAY SERVER: NOT FOR PEOPLE.
  Everybody can make an account, even an administrator's, with a secret
  that is public. There are no limits, and passwords are kept badly.
  It is for tests and measurements on this machine. Delete it afterwards.
%s`, line, line)
}
