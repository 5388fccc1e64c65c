package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

const (
	// DefaultFile is read when no file is named and it is in the working folder.
	DefaultFile = "plenum.toml"

	envPrefix = "PLENUM_"
	envFile   = "PLENUM_CONFIG"
	envTests  = "PLENUM_TEST_" // read by our tests, not by the server
)

// Default returns the settings when nobody has set any. Paths in it start at
// the working folder.
func Default() Config {
	var c Config
	for _, s := range sections(&c) {
		for _, f := range s.Fields {
			if f.Default == "" {
				continue
			}
			if err := f.setText(f.Default); err != nil {
				panic(fmt.Sprintf("config: the default of %s %s", f.Key(), err)) // a test loads all defaults
			}
		}
	}
	return c
}

// Load reads the settings from the file at path and from env, a list like that
// of os.Environ. With an empty path it is the file that PLENUM_CONFIG names,
// or else plenum.toml in the working folder if there is one.
//
// The error is Problems when there is anything to correct, and holds all that
// was found at once; the settings are then those that could be read.
func Load(path string, env []string) (Config, error) {
	vars := environment(env)
	if path == "" {
		path = vars[envFile]
	}
	named := path != ""
	if !named {
		path = DefaultFile
	}
	c := Default()
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		c.file, c.folder = path, filepath.Dir(path)
	case !named && errors.Is(err, fs.ErrNotExist):
	default:
		return c, fmt.Errorf("the settings cannot be read: %w", err)
	}
	problems := c.fromTOML(string(text))
	problems = append(problems, c.fromEnv(vars)...)
	if err := c.absolute(); err != nil {
		return c, err
	}
	if len(problems) == 0 { // a setting that could not be read would be complained about twice
		problems = c.problems()
	}
	return c, problems.err()
}

// Parse reads the settings from the text of a file alone. Paths stay as they are.
func Parse(text string) (Config, error) {
	c := Default()
	problems := c.fromTOML(text)
	if len(problems) == 0 {
		problems = c.problems()
	}
	return c, problems.err()
}

// fromTOML sets what text says.
func (c *Config) fromTOML(text string) Problems {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		return Problems{syntaxProblem(err)}
	}
	known := fields(c)
	var problems Problems
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		table, isTable := tree[key].(map[string]any)
		switch {
		case !isTable:
			problems = append(problems, set(known, key, tree[key])...)
			continue
		case !isSection(known, key):
			problems = append(problems, Problem{"[" + key + "]", unknown(key, sectionNames(c), "section")})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(table)) {
			problems = append(problems, set(known, key+"."+name, table[name])...)
		}
	}
	return problems
}

// set sets one setting of the file.
func set(known map[string]field, key string, value any) Problems {
	f, ok := known[key]
	switch {
	case ok:
		if err := f.setTOML(value); err != nil {
			return Problems{{key, err.Error() + "."}}
		}
		return nil
	case isSection(known, key):
		return Problems{{key, fmt.Sprintf("is a section: write [%s] on a line of its own, and its settings below.", key)}}
	}
	return Problems{{key, unknown(key, slices.Sorted(maps.Keys(known)), "setting")}}
}

func isSection(known map[string]field, key string) bool {
	for _, f := range known {
		if f.Section == key {
			return true
		}
	}
	return false
}

func sectionNames(c *Config) []string {
	var names []string
	for _, s := range sections(c)[1:] {
		names = append(names, s.Name)
	}
	return names
}

// syntaxProblem says where the text is no TOML.
func syntaxProblem(err error) Problem {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return Problem{fmt.Sprintf("line %d", parse.Position.Line), "cannot be understood: " + parse.Message + "."}
	}
	return Problem{"the file", "cannot be understood: " + err.Error() + "."}
}

// environment keeps our variables of env.
func environment(env []string) map[string]string {
	vars := make(map[string]string)
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, envPrefix) && !strings.HasPrefix(name, envTests) {
			vars[name] = value
		}
	}
	return vars
}

// fromEnv sets what the environment says.
func (c *Config) fromEnv(vars map[string]string) Problems {
	known := make(map[string]field)
	for _, f := range fields(c) {
		known[f.Env()] = f
	}
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		f, ok := known[name]
		switch {
		case ok:
			if err := f.setText(vars[name]); err != nil {
				problems = append(problems, Problem{name, err.Error() + "."})
			}
		case name != envFile:
			problems = append(problems, Problem{name, unknown(name, slices.Sorted(maps.Keys(known)), "variable")})
		}
	}
	return problems
}

// absolute makes every path absolute.
func (c *Config) absolute() (err error) {
	if c.folder, err = filepath.Abs(c.folder); err != nil {
		return fmt.Errorf("the working folder cannot be found: %w", err)
	}
	paths := []*string{&c.DataFolder, &c.SigningKeyFile, &c.Media.KeyFile, &c.TLS.Certificate, &c.TLS.Key}
	for i := range c.Bridges.Registrations {
		paths = append(paths, &c.Bridges.Registrations[i])
	}
	if c.Database.IsFile() {
		paths = append(paths, &c.Database.URL)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(c.folder, *p)
		}
	}
	return nil
}

// IsFile reports whether the database is a file, and not a PostgreSQL server.
func (d Database) IsFile() bool {
	return !strings.HasPrefix(d.URL, "postgres://") && !strings.HasPrefix(d.URL, "postgresql://")
}

// DSN is what to open as database.
func (c Config) DSN() string {
	if c.Database.URL == "" {
		return filepath.Join(c.DataFolder, "plenum.db")
	}
	return c.Database.URL
}
