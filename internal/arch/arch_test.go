package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "plenum"

// rules say on which floor a package is; the first whose pattern matches
// counts. Imports go down only. docs/architecture.md explains the floors.
var rules = []struct {
	floor   int
	pattern string
}{
	{1, `internal/httpx`},
	{0, `internal(/.*)?`},
	{0, `config`},
	{1, `storage`},
	{0, `storage/migrations`},
	{2, `storage/storagetest`},
	{2, `storage/\w+`},
	{2, `rooms/event`},
	{3, `rooms(/.*)?`},
	{3, `homeserver/media(/.*)?`},
	{3, `homeserver/(listen|archive)(/.*)?`},
	{3, `homeserver/search/words`},
	{4, `e2ee(/.*)?`},
	{4, `calls(/.*)?`},
	{4, `homeserver/(account|userdata|push|search|tell|preview|rendezvous|delayed)(/.*)?`},
	{5, `homeserver/peers/outbox`},
	{4, `homeserver/peers(/.*)?`},
	{5, `homeserver/(oauth|sync|sliding|appservice|notice|export|inbound)(/.*)?`},
	{6, `homeserver/api/.*`},
	{8, `homeserver`},
	{8, `homeserver/hstest`},
	{9, `cmd/.*`},
}

// sideways lists imports between packages of one floor that are wanted though
// neither is in a folder of the other.
var sideways = map[string][]string{
	"homeserver/hstest": {"homeserver"}, // servers for tests
	"rooms":             {"rooms/event", "rooms/auth", "rooms/resolve"},
}

// floor returns the floor of a package of ours, named without the module.
func floor(t *testing.T, name string) int {
	t.Helper()
	for _, r := range rules {
		if regexp.MustCompile(`^(?:` + r.pattern + `)$`).MatchString(name) {
			return r.floor
		}
	}
	t.Errorf("package %s is on no floor: say in internal/arch where it belongs", name)
	return 0
}

// pkg is what the go command tells of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Doc          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// name is the import path without the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages asks the go command for our packages.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Doc,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", module+"/...")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// ours returns the name of an imported package of ours.
func ours(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// within reports whether name is in a folder of parent.
func within(name, parent string) bool { return strings.HasPrefix(name, parent+"/") }

func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		here := floor(t, p.name())
		for _, path := range p.Imports {
			imp, ok := ours(path)
			if !ok || within(imp, p.name()) || slices.Contains(sideways[p.name()], imp) {
				continue
			}
			there := floor(t, imp)
			siblings := here == 0 && there == 0 || within(p.name(), "rooms") && within(imp, "rooms")
			if there >= here && !siblings {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only", p.name(), here, imp, there)
			}
			if within(p.name(), "homeserver/api") && (imp == "storage" || within(imp, "storage")) {
				t.Errorf("%s imports %s: the API knows no storage", p.name(), imp)
			}
		}
	}
}

// allowed lists who may import what only few should.
var allowed = []struct {
	library string
	only    []string
	why     string
}{
	{"database/sql", []string{"storage", "storage/storagetest"}, "only storage speaks to databases"},
	{"github.com/jackc/pgx", []string{"storage", "storage/storagetest"}, "only storage speaks to databases"},
	{"modernc.org/sqlite", []string{"storage", "storage/storagetest"}, "only storage speaks to databases"},
	{"github.com/matrix-org/gomatrixserverlib", nil, "it is an oracle for tests; what we run is ours"},
	{"log", []string{"homeserver/listen"}, "logs go through log/slog; net/http takes nothing else for its complaints"},
	{"testing", []string{"storage/storagetest", "homeserver/hstest"}, "programs do not carry test code"},
	{"unsafe", []string{"rooms/event"}, "only the hottest path reads bytes as text without a copy"},
}

func TestLibrariesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			for _, a := range allowed {
				if (path == a.library || strings.HasPrefix(path, a.library+"/") && a.library != "log" && a.library != "testing") && !slices.Contains(a.only, p.name()) {
					t.Errorf("%s imports %s: %s", p.name(), path, a.why)
				}
			}
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}

// file is a parsed file of ours.
type file struct {
	name string
	set  *token.FileSet
	tree *ast.File
	text []byte
}

func (f file) at(n ast.Node) string { return f.set.Position(n.Pos()).String() }

// files parses those of our files that choose names.
func files(t *testing.T, choose func(pkg) []string) []file {
	t.Helper()
	var all []file
	for _, p := range packages(t) {
		for _, name := range choose(p) {
			path := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f := file{name: p.name() + "/" + name, set: token.NewFileSet(), text: text}
			if f.tree, err = parser.ParseFile(f.set, f.name, text, parser.ParseComments); err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
	}
	return all
}

func sources(p pkg) []string { return p.GoFiles }

func tests(p pkg) []string { return append(slices.Clone(p.TestGoFiles), p.XTestGoFiles...) }

var statement = regexp.MustCompile(`^\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE (TABLE|INDEX)|WITH (RECURSIVE )?\w+ AS)\s`)

func TestSQLStaysBelowStorage(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, sources) {
		if strings.HasPrefix(f.name, "storage/") {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && statement.MatchString(text) {
				t.Errorf("%s: SQL outside of storage", f.at(n))
			}
			return true
		})
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, sources) {
		for _, d := range f.tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: there is no init in Plenum; let the caller construct what it needs", f.at(fn))
			}
		}
	}
}

// TestTestsDoNotSleep finds tests that hope that something has happened after
// a while. In a synctest bubble time is not real, and passes at once.
func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	for _, f := range files(t, tests) {
		bubbles := bytes.Contains(f.text, []byte(`"testing/synctest"`))
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && !bubbles && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s: a test that sleeps is slow or fails by chance; use testing/synctest, or wait for a signal", f.at(n))
				}
			}
			return true
		})
	}
}
