// Package spec is the list of endpoints of the Matrix specification, against
// which tests hold the tables of routes and the list of what is not served.
package spec

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed endpoints.txt
var list string

// Endpoint is one operation of the specification or of a proposal.
type Endpoint struct {
	API    string // who calls: "client" or "server"
	Tier   string // "1" to "3", from indispensable to rare
	Since  string // version of the specification, "r0" before v1.1, or a proposal such as MSC4140
	Method string
	Path   string // with parameters in braces
}

// String is method and path.
func (e Endpoint) String() string { return e.Method + " " + e.Path }

// Proposed reports whether the endpoint is in no release of the specification.
func (e Endpoint) Proposed() bool {
	return strings.HasPrefix(e.Since, "MSC") || e.Since == "other"
}

// Shape is the endpoint with its parameters without names, so that two lists
// that name them differently can be compared.
func (e Endpoint) Shape() string { return e.Method + " " + Shape(e.Path) }

// Shape takes the names out of the parameters of a path.
func Shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

// Endpoints returns all endpoints, sorted by API and path.
func Endpoints() []Endpoint {
	var all []Endpoint
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 5 {
			panic(fmt.Sprintf("spec: endpoints.txt has the line %q", line))
		}
		all = append(all, Endpoint{API: f[0], Tier: f[1], Since: f[2], Method: f[3], Path: f[4]})
	}
	return all
}
