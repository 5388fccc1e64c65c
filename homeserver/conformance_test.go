package homeserver_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"plenum/homeserver/hstest"
	"plenum/internal/httpx"
	"plenum/internal/spec"
)

//go:generate go test . -run ^TestConformancePage$ -update

var update = flag.Bool("update", false, "write docs/conformance.md instead of comparing it")

// served lists the routes of a server by the shape of what they serve.
func served(t *testing.T) map[string]httpx.Route {
	t.Helper()
	all := map[string]httpx.Route{}
	for _, r := range hstest.New(t, hstest.Options{}).Homeserver().Routes() {
		for _, path := range r.Paths() {
			for _, p := range variants(path) {
				all[r.Method+" "+spec.Shape(p)] = r
			}
		}
	}
	return all
}

// variants are the paths that a pattern with an optional end stands for.
func variants(pattern string) []string {
	if i := strings.LastIndex(pattern, "/{"); i >= 0 && strings.HasSuffix(pattern, "?}") {
		return []string{pattern, pattern[:i]}
	}
	return []string{pattern}
}

var listed = regexp.MustCompile("(?m)^- `([A-Z]+ /[^`]*)`")

// unserved lists what docs/divergences.md says is not served.
func unserved(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "divergences.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range listed.FindAllStringSubmatch(string(text), -1) {
		method, path, _ := strings.Cut(m[1], " ")
		all[method+" "+spec.Shape(path)] = true
	}
	return all
}

// TestEveryEndpointIsServedOrExplained holds the tables of routes and
// docs/divergences.md against the specification.
func TestEveryEndpointIsServedOrExplained(t *testing.T) {
	t.Parallel()
	here, not := served(t), unserved(t)
	known := map[string]bool{}
	for _, e := range spec.Endpoints() {
		known[e.Shape()] = true
		_, is := here[e.Shape()]
		switch {
		case is && not[e.Shape()]:
			t.Errorf("%s is served, but docs/divergences.md says it is not", e)
		case !is && !not[e.Shape()]:
			t.Errorf("%s is not served: say why in docs/divergences.md", e)
		}
	}
	for shape := range not {
		if !known[shape] {
			t.Errorf("docs/divergences.md lists %s, which is not in internal/spec/endpoints.txt", shape)
		}
	}
}

// TestRoutesNameTheirSection checks the marks by which a route is found in the
// specification.
func TestRoutesNameTheirSection(t *testing.T) {
	t.Parallel()
	mark := regexp.MustCompile(`^(client-server-api|server-server-api|application-service-api)#[a-z0-9_-]+$|^MSC\d+$`)
	for _, r := range hstest.New(t, hstest.Options{}).Homeserver().Routes() {
		matrix := strings.HasPrefix(r.Pattern, "/_matrix/") || strings.HasPrefix(r.Pattern, "/.well-known/")
		if matrix && !mark.MatchString(r.Spec) {
			t.Errorf("%s %s has the mark %q", r.Method, r.Pattern, r.Spec)
		}
	}
}

func TestConformancePage(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	writeConformance(&page, served(t))
	path := filepath.Join("..", "docs", "conformance.md")
	if *update {
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, page.Bytes()) {
		t.Errorf("docs/conformance.md is out of date: run \"go generate ./homeserver\" (%v)", err)
	}
}

const conformanceHead = `# Conformance

<!-- Made by "go generate ./homeserver" from the tables of routes. -->

Every endpoint of the Matrix specification up to v1.19 that a homeserver may serve,
and of proposals that clients use, and whether this one does. Why not is said in
[divergences.md](divergences.md). Tier 1 is what mainstream clients or other servers
cannot do without, tier 2 what people or tools expect, tier 3 rare or deprecated.

`

// writeConformance writes the page.
func writeConformance(w io.Writer, here map[string]httpx.Route) {
	fmt.Fprint(w, conformanceHead)
	summary(w, here)
	rest := maps.Clone(here)
	for _, group := range groups {
		fmt.Fprintf(w, "\n## %s\n\n| endpoint | since | tier | served | who may call |\n|---|---|---|---|---|\n", group.title)
		for _, e := range spec.Endpoints() {
			if !group.has(e) {
				continue
			}
			mark, who := "no", ""
			if r, ok := here[e.Shape()]; ok {
				mark, who = "yes", r.Access.String()
				delete(rest, e.Shape())
			}
			fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s |\n", e, e.Since, e.Tier, mark, who)
		}
	}
	others(w, rest)
}

// groups are the tables of the page.
var groups = []struct {
	title string
	has   func(spec.Endpoint) bool
}{
	{"Client-server API", func(e spec.Endpoint) bool { return e.API == "client" && !e.Proposed() }},
	{"Proposals for clients", func(e spec.Endpoint) bool { return e.API == "client" && e.Proposed() }},
	{"Server-server API", func(e spec.Endpoint) bool { return e.API == "server" && !e.Proposed() }},
	{"Proposals for servers", func(e spec.Endpoint) bool { return e.API == "server" && e.Proposed() }},
}

// summary counts.
func summary(w io.Writer, here map[string]httpx.Route) {
	fmt.Fprint(w, "| | tier 1 | tier 2 | tier 3 |\n|---|---|---|---|\n")
	for _, group := range groups {
		fmt.Fprintf(w, "| %s |", group.title)
		for _, tier := range []string{"1", "2", "3"} {
			count, all := 0, 0
			for _, e := range spec.Endpoints() {
				if group.has(e) && e.Tier == tier {
					all++
					if _, ok := here[e.Shape()]; ok {
						count++
					}
				}
			}
			fmt.Fprintf(w, " %d of %d |", count, all)
		}
		fmt.Fprintln(w)
	}
}

// older are prefixes under which routes are served for old clients.
var older = regexp.MustCompile(`^/_matrix/(client|media)/(r0|v1)/`)

// others lists what is served beside the specification.
func others(w io.Writer, rest map[string]httpx.Route) {
	fmt.Fprint(w, "\n## Served as well\n\nPaths of older versions (`r0`) of what is above are not listed.\n\n")
	lines := map[string]bool{}
	for shape, r := range rest {
		_, path, _ := strings.Cut(shape, " ")
		if older.MatchString(path) && !strings.HasPrefix(r.Pattern, "/_matrix/client/v1/") {
			continue
		}
		for _, p := range r.Paths() {
			for _, v := range variants(p) {
				if spec.Shape(v) == path {
					lines[fmt.Sprintf("- `%s %s`, for %s", r.Method, strings.Replace(v, "?}", "}", 1), r.Access)] = true
				}
			}
		}
	}
	sorted := slices.SortedFunc(maps.Keys(lines), func(a, b string) int { return cmp.Compare(a, b) })
	for _, line := range sorted {
		fmt.Fprintln(w, line)
	}
}
