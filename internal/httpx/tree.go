package httpx

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxParams is how many parameters a pattern may have.
const maxParams = 6

// match is an endpoint as one of its patterns leads to it.
type match struct {
	endpoint *endpoint
	names    []string // of the pattern's parameters, in order
}

// tree finds routes by their path, segment by segment. Of several routes that
// fit, the one whose segments are named earlier wins: /rooms/new before
// /rooms/{room}.
type tree struct{ root node }

// node is a place in the tree; the way to it are the segments so far.
type node struct {
	literals map[string]*node
	param    *node   // {name}
	rest     *node   // {name...}; has nothing below it
	matches  []match // what ends here, one for each method
}

// add puts what pattern leads to into the tree. It panics when pattern cannot
// be, or leads somewhere already.
func (t *tree) add(pattern string, m match) {
	if !strings.HasPrefix(pattern, "/") {
		panic(fmt.Sprintf("httpx: pattern %q does not start with a slash", pattern))
	}
	if len(m.names) > maxParams {
		panic(fmt.Sprintf("httpx: pattern %q has more than %d parameters", pattern, maxParams))
	}
	n := &t.root
	segments := strings.Split(pattern[1:], "/")
	for i, s := range segments {
		kind, _ := parameter(s)
		if i < len(segments)-1 && (kind == optional || kind == rest) {
			panic(fmt.Sprintf("httpx: %s is not at the end of pattern %q", s, pattern))
		}
		if kind == optional {
			n.end(pattern, m)
		}
		n = n.child(kind, s)
	}
	n.end(pattern, m)
}

// child returns the node below n for segment s, and makes it if need be.
func (n *node) child(k kind, s string) *node {
	switch k {
	case required, optional:
		if n.param == nil {
			n.param = &node{}
		}
		return n.param
	case rest:
		if n.rest == nil {
			n.rest = &node{}
		}
		return n.rest
	}
	if n.literals[s] == nil {
		if n.literals == nil {
			n.literals = make(map[string]*node)
		}
		n.literals[s] = &node{}
	}
	return n.literals[s]
}

// end records that m ends at n.
func (n *node) end(pattern string, m match) {
	for _, other := range n.matches {
		if other.endpoint.Method == m.endpoint.Method {
			panic(fmt.Sprintf("httpx: two routes for %s %s", m.endpoint.Method, pattern))
		}
	}
	n.matches = append(n.matches, m)
}

// kind is what a segment of a pattern stands for.
type kind int

const (
	literal  kind = iota // itself
	required             // {name}
	optional             // {name?}
	rest                 // {name...}
)

// parameter returns the kind of a segment of a pattern, and its name.
func parameter(segment string) (kind, string) {
	inner, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return literal, ""
	}
	inner, ok = strings.CutSuffix(inner, "}")
	if name, yes := strings.CutSuffix(inner, "..."); ok && yes {
		return rest, name
	}
	if name, yes := strings.CutSuffix(inner, "?"); ok && yes {
		return optional, name
	}
	if !ok || inner == "" {
		panic(fmt.Sprintf("httpx: %q is no parameter", segment))
	}
	return required, inner
}

// parameters returns the names of a pattern's parameters, in order.
func parameters(pattern string) []string {
	var names []string
	for _, s := range strings.Split(pattern, "/") {
		if k, name := parameter(s); k != literal {
			names = append(names, name)
		}
	}
	return names
}

// search is a walk through the tree for one request. It backs out of ways that
// lead nowhere.
type search struct {
	method  string
	encoded bool // whether segments are percent-encoded
	values  [maxParams]string
	match   *match   // what was found
	allow   []string // methods of what fits but for its method
}

// find looks for the route of a method and a path.
func (t *tree) find(method string, u *url.URL) search {
	s := search{method: method}
	if method == http.MethodHead {
		s.method = http.MethodGet
	}
	// Only RawPath tells a slash from an encoded one. It is empty when Path
	// has no encoded slash and needs no decoding.
	p := u.Path
	if u.RawPath != "" {
		p, s.encoded = u.RawPath, true
	}
	if p, ok := strings.CutPrefix(p, "/"); ok {
		s.walk(&t.root, p, true, 0)
	}
	slices.Sort(s.allow)
	s.allow = slices.Compact(s.allow)
	return s
}

// walk goes down from n along path, whose first segment is the next to fit, if
// there is more. It has found depth values so far, and reports whether it has
// found the route.
func (s *search) walk(n *node, path string, more bool, depth int) bool {
	if !more {
		return s.end(n)
	}
	raw, after, more := strings.Cut(path, "/")
	segment, ok := s.decode(raw)
	if !ok {
		return false
	}
	if next := n.literals[segment]; next != nil && s.walk(next, after, more, depth) {
		return true
	}
	if n.param != nil && (segment != "" || !more) {
		s.values[depth] = segment
		if s.walk(n.param, after, more, depth+1) {
			return true
		}
		s.values[depth] = ""
	}
	if n.rest == nil {
		return false
	}
	s.values[depth], ok = s.decode(path)
	return ok && s.end(n.rest)
}

// end looks for the method among what ends at n.
func (s *search) end(n *node) bool {
	for i := range n.matches {
		m := &n.matches[i]
		if m.endpoint.Method == s.method {
			s.match = m
			return true
		}
		s.allow = append(s.allow, m.endpoint.Method)
		if m.endpoint.Method == http.MethodGet {
			s.allow = append(s.allow, http.MethodHead)
		}
	}
	return false
}

func (s *search) decode(segment string) (string, bool) {
	if !s.encoded || !strings.Contains(segment, "%") {
		return segment, true
	}
	decoded, err := url.PathUnescape(segment)
	return decoded, err == nil
}
