package appservice

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"maunium.net/go/mautrix/id"
)

// Registration is what an administrator says about an application service, in
// the file that the service has made for it.
//
// Spec: application-service-api#registration
type Registration struct {
	ID          string     `yaml:"id"`
	URL         string     `yaml:"url"` // empty or null: it is not told anything
	ASToken     string     `yaml:"as_token"`
	HSToken     string     `yaml:"hs_token"`
	Localpart   string     `yaml:"sender_localpart"`
	RateLimited *bool      `yaml:"rate_limited"` // nil: it is
	Namespaces  Namespaces `yaml:"namespaces"`
	Protocols   []string   `yaml:"protocols"`

	ReceiveEphemeral bool `yaml:"receive_ephemeral"`
	PushEphemeral    bool `yaml:"push_ephemeral"`                     // older name of ReceiveEphemeral
	SoruEphemeral    bool `yaml:"de.sorunome.msc2409.push_ephemeral"` // still older
	MSC3202          bool `yaml:"org.matrix.msc3202"`                 // it encrypts, and hears of devices in transactions
}

// Namespaces are the users, aliases and rooms that a service is interested in.
type Namespaces struct {
	Users   []Namespace `yaml:"users"`
	Aliases []Namespace `yaml:"aliases"`
	Rooms   []Namespace `yaml:"rooms"`
}

// Namespace is some of them.
type Namespace struct {
	Exclusive bool   `yaml:"exclusive"` // nobody else may have such a name
	Regex     string `yaml:"regex"`
}

// Parse reads a registration for the server called host.
func Parse(raw []byte, host string) (*Service, error) {
	var r Registration
	if err := yaml.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("it is not the YAML of a registration: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return newService(r, host)
}

// check refuses a registration that cannot work.
func (r *Registration) check() error {
	for _, must := range []struct{ name, value string }{
		{"id", r.ID}, {"as_token", r.ASToken}, {"hs_token", r.HSToken}, {"sender_localpart", r.Localpart},
	} {
		if must.value == "" {
			return fmt.Errorf("%s is missing", must.name)
		}
	}
	if r.ASToken == r.HSToken {
		return errors.New("as_token and hs_token are the same; they must differ")
	}
	if strings.ContainsAny(r.Localpart, "@:") {
		return errors.New("sender_localpart is the part of the user id between @ and the colon, without these")
	}
	if r.URL == "" {
		return nil
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("url %q is not an address that begins with http:// or https://", r.URL)
	}
	return nil
}

// Load reads the registrations at paths for the server called host. Each is a
// file, or a folder in which every *.yaml and *.yml is one.
func Load(paths []string, host string) ([]*Service, error) {
	var files []string
	for _, path := range paths {
		more, err := registrationFiles(path)
		if err != nil {
			return nil, fmt.Errorf("registrations of application services: %w", err)
		}
		files = append(files, more...)
	}
	var all []*Service
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("registration of an application service: %w", err)
		}
		s, err := Parse(raw, host)
		if err != nil {
			return nil, fmt.Errorf("registration of an application service in %s: %w", file, err)
		}
		s.file = file
		all = append(all, s)
	}
	return all, conflict(all)
}

func registrationFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	var files []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml", ".yml":
			if !e.IsDir() {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return files, err
}

// conflict tells what two registrations may not have in common.
func conflict(all []*Service) error {
	for i, a := range all {
		for _, b := range all[:i] {
			for _, same := range []struct {
				what  string
				equal bool
			}{
				{"id", a.ID == b.ID}, {"as_token", a.ASToken == b.ASToken}, {"sender_localpart", a.Sender == b.Sender},
			} {
				if same.equal {
					return fmt.Errorf("the registrations %s and %s have the same %s", b.file, a.file, same.what)
				}
			}
		}
	}
	return nil
}

// Service is an application service that this server knows.
type Service struct {
	Registration
	Sender id.UserID // its own user

	file                  string
	host                  string // the server's name
	users, aliases, rooms []pattern
	ephemeral, devices    bool // what it is told beside events

	// poke holds a token when the service has shown a sign of life since.
	poke chan struct{}
}

func newService(r Registration, host string) (*Service, error) {
	s := &Service{
		Registration: r, Sender: id.NewUserID(r.Localpart, host), host: host, poke: make(chan struct{}, 1),
		ephemeral: r.ReceiveEphemeral || r.PushEphemeral || r.SoruEphemeral, devices: r.MSC3202,
	}
	for _, of := range []struct {
		name string
		from []Namespace
		into *[]pattern
	}{{"users", r.Namespaces.Users, &s.users}, {"aliases", r.Namespaces.Aliases, &s.aliases}, {"rooms", r.Namespaces.Rooms, &s.rooms}} {
		var err error
		if *of.into, err = compile(of.from); err != nil {
			return nil, fmt.Errorf("namespaces.%s: %w", of.name, err)
		}
	}
	return s, nil
}

// IsLimited reports whether the limits for people count for the service too.
func (s *Service) IsLimited() bool { return s.RateLimited == nil || *s.RateLimited }

// Bridges reports whether the service leads to the network of a protocol.
func (s *Service) Bridges(protocol string) bool { return slices.Contains(s.Protocols, protocol) }
